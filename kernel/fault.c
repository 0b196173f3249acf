/* SPDX-License-Identifier: MIT */
/*
 * What happens at a fault. State: at most one armed catch; and whether a
 * report is being written, so that a fault inside the report ends the
 * machine instead of looping. Faults run on a stack of their own: also the
 * overflow of the boot stack is reported.
 */
#include <stddef.h>

#include "arch.h"
#include "fault.h"
#include "kernel.h"
#include "paging.h"

static struct {
	bool armed;
	struct arch_context context;
	struct k_fault *fault;
} catching;

static bool reporting;

bool k_fault_catch(void (*fn)(void *), void *arg, struct k_fault *fault)
{
	bool faulted;

	if (catching.armed)
		k_panic("fault: a catch inside a catch");
	catching.fault = fault;
	catching.armed = true;
	faulted = arch_call_escapable(&catching.context, fn, arg);
	catching.armed = false;
	return faulted;
}

static const char *page_text(uintptr_t va)
{
	static const char *const text[] = { "not mapped", "r--", "-w-", "rw-",
		"--x", "r-x", "-wx", "rwx" };

	return text[k_paging_access(va) & 7];
}

static const char *near_stack(uintptr_t va)
{
	const uintptr_t end = (uintptr_t)boot_stack;

	return va < end && va >= end - PAGE_SIZE ? ", boot stack overflow" : "";
}

static void report(const struct k_fault *f, const struct arch_frame *frame)
{
	static const char *const what[] = { "exception", "fetch from",
		"load from", "store to" };

	if (f->access == FAULT_OTHER)
		k_printf("fault: %s at pc 0x%lx\n", f->cause, f->pc);
	else
		k_printf("fault: %s 0x%lx at pc 0x%lx: %s, page %s%s\n",
		    what[f->access], f->address, f->pc, f->cause,
		    page_text(f->address), near_stack(f->address));
	arch_frame_print(frame);
}

void k_fault_enter(const struct k_fault *fault, struct arch_frame *frame)
{
	if (catching.armed) {
		catching.armed = false;
		*catching.fault = *fault;
		arch_frame_escape(frame, &catching.context);
		return;
	}
	if (!reporting) {
		reporting = true;
		report(fault, frame);
		k_printf("fault: the machine stops\n");
	}
	k_exit(K_FAULT);
}
