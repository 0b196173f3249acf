/* SPDX-License-Identifier: MIT */
/* Modules of numbered functions, and where those are once they are loaded. */
#pragma once

#include <stdint.h>

#include "world.h"

/*
 * A module with the functions PREFIX0 .. PREFIX(n - 1), all exported, in an
 * order that is not that of their addresses; 128 at the most.
 */
struct author functions(const char *module, const char *prefix, unsigned n);

static inline uint64_t address(struct tn_module *mod, const char *name)
{
	return (uintptr_t)world_object(mod, name);
}
