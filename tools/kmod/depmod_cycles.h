/* SPDX-License-Identifier: MIT */
/*
 * Telling the cycles of a tree whose modules cannot be ranked.
 */
#pragma once

#include <stdint.h>

#include <base/compiler.h>

struct depmod;

/* The rank of modules that have none. */
#define DEPMOD_UNRANKED UINT32_MAX

/*
 * Reports cycles among the modules without a rank, so that each module that is
 * on a cycle is named, and their number. -TN_ELOOP; -TN_ENOMEM.
 */
MUST_CHECK int depmod_tell_cycles(struct depmod *d);
