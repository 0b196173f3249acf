/* SPDX-License-Identifier: MIT */
/*
 * All states that a model can reach, breadth first. A state is remembered by
 * 128 bits of hash, and by the step that led to it, from which a trace is
 * made again.
 */
#pragma once

#include "machine.h"

struct finding {
	unsigned long states;
	/* NULL: nothing is wrong */
	const char *wrong;
	char *trace; /* lines; for the caller to free */
};

/*
 * Breaks an invariant, or reaches a state from which it cannot end: the
 * shortest run that does.
 */
struct finding search(
    const struct model *m, enum machine machine, unsigned mutant);
