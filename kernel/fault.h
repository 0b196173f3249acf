/* SPDX-License-Identifier: MIT */
/*
 * Faults: a readable report and the end, or, when a call was made that is
 * expected to fault, the way back to its caller.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum k_fault_access {
	FAULT_OTHER, /* not an access: address means nothing */
	FAULT_FETCH,
	FAULT_LOAD,
	FAULT_STORE,
};

struct k_fault {
	enum k_fault_access access;
	const char *cause; /* the architecture's words */
	uintptr_t pc;
	uintptr_t address;
};

/*
 * Calls fn(arg) and returns true, @fault filled, when it faulted. Calls do
 * not nest. What fn held when it faulted stays held.
 */
bool k_fault_catch(void (*fn)(void *), void *arg, struct k_fault *fault);

/* Entered by the architecture on the fault stack; may change @frame. */
struct arch_frame;
void k_fault_enter(const struct k_fault *fault, struct arch_frame *frame);
