/* SPDX-License-Identifier: MIT */
/*
 * A list of holes in memory: free runs of bytes, ordered by address, no two
 * adjacent. A hole's header lies in the hole, so the list needs no memory and
 * cannot fail. First fit, in time linear in the number of holes. No lock.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Every address and size is a multiple of this: it holds a struct hole. */
#define HOLE_GRANULE 16u

struct hole {
	struct hole *next;
	size_t size;
};

/* Puts [addr, addr + size) into the list; returns the hole that holds it. */
struct hole *hole_put(struct hole **list, uintptr_t addr, size_t size);

/* Takes [addr, addr + size) out of a hole of the list that holds it. */
void hole_cut(struct hole **list, uintptr_t addr, size_t size);

/* The first @size bytes aligned to @align in the list, or 0. */
uintptr_t hole_take(struct hole **list, size_t size, size_t align);
