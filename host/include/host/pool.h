/* SPDX-License-Identifier: MIT */
/*
 * Fixed-memory mode in a process: what <tenon/pool.h> needs from it.
 */
#pragma once

#include <tenon/pool.h>

/*
 * Flips pages of the caller's region with mprotect. The region is private
 * memory that the caller has mapped for reading and writing.
 */
extern const struct tn_pool_world host_pool_world;
