/* SPDX-License-Identifier: MIT */
/*
 * Decodes a trap to S-mode: scause and stval (RISC-V privileged 4.1.8) into
 * the kernel's struct k_fault.
 */
#include <base/compiler.h>

#include "arch.h"
#include "fault.h"
#include "frame.h"
#include "kernel.h"

struct arch_frame {
	uint64_t x[32];
	uint64_t pc;
	uint64_t status;
	uint64_t cause;
	uint64_t value;
};

_Static_assert(offsetof(struct arch_frame, pc) == FRAME_PC &&
		   offsetof(struct arch_frame, status) == FRAME_STATUS &&
		   offsetof(struct arch_frame, cause) == FRAME_CAUSE &&
		   offsetof(struct arch_frame, value) == FRAME_VALUE &&
		   sizeof(struct arch_frame) == FRAME_SIZE,
    "frame.h");

/* From trap.S. */
void arch_escape(const struct arch_context *context);
void arch_fault(struct arch_frame *frame);

static const struct {
	enum k_fault_access access;
	const char *text;
} causes[] = {
	[0] = { FAULT_FETCH, "misaligned" },
	[1] = { FAULT_FETCH, "access fault" },
	[2] = { FAULT_OTHER, "illegal instruction" },
	[3] = { FAULT_OTHER, "breakpoint instruction" },
	[4] = { FAULT_LOAD, "misaligned" },
	[5] = { FAULT_LOAD, "access fault" },
	[6] = { FAULT_STORE, "misaligned" },
	[7] = { FAULT_STORE, "access fault" },
	[8] = { FAULT_OTHER, "call from U-mode" },
	[9] = { FAULT_OTHER, "call from S-mode" },
	[12] = { FAULT_FETCH, "page fault" },
	[13] = { FAULT_LOAD, "page fault" },
	[15] = { FAULT_STORE, "page fault" },
};

void arch_fault(struct arch_frame *frame)
{
	struct k_fault f = { .access = FAULT_OTHER,
		.cause = "unexpected trap",
		.pc = frame->pc,
		.address = frame->value };

	/* Interrupts have the highest bit set and are beyond the table. */
	if (frame->cause < ARRAY_SIZE(causes) &&
	    causes[frame->cause].text != NULL) {
		f.access = causes[frame->cause].access;
		f.cause = causes[frame->cause].text;
	}
	k_fault_enter(&f, frame);
}

void arch_frame_escape(
    struct arch_frame *frame, const struct arch_context *context)
{
	frame->x[10] = (uintptr_t)context;
	frame->pc = (uintptr_t)arch_escape;
}

void arch_frame_print(const struct arch_frame *frame)
{
	static const char *const name[] = { "", "ra", "sp", "gp", "tp", "t0",
		"t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5",
		"a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9",
		"s10", "s11", "t3", "t4", "t5", "t6" };

	for (unsigned i = 1; i < 32; i++)
		k_printf("  %-3s %016lx%s", name[i], (unsigned long)frame->x[i],
		    i % 4 == 0 ? "\n" : "");
	k_printf("\n  pc  %016lx  status %016lx  cause %lx  value %016lx\n",
	    (unsigned long)frame->pc, (unsigned long)frame->status,
	    (unsigned long)frame->cause, (unsigned long)frame->value);
}
