/* SPDX-License-Identifier: MIT */
/*
 * A list of holes in memory: see holes.h.
 */
#include "holes.h"

#include <base/overflow.h>

_Static_assert(sizeof(struct hole) <= HOLE_GRANULE, "fits into any hole");

static uintptr_t start_of(const struct hole *h)
{
	return (uintptr_t)h;
}

static struct hole *hole_at(uintptr_t addr)
{
	return (struct hole *)addr;
}

struct hole *hole_put(struct hole **list, uintptr_t addr, size_t size)
{
	struct hole *before = NULL;
	struct hole *h = hole_at(addr);
	struct hole **link = list;

	while (*link && start_of(*link) < addr) {
		before = *link;
		link = &before->next;
	}
	h->size = size;
	h->next = *link;
	*link = h;
	if (h->next && addr + size == start_of(h->next)) {
		h->size += h->next->size;
		h->next = h->next->next;
	}
	if (before && start_of(before) + before->size == addr) {
		before->size += h->size;
		before->next = h->next;
		h = before;
	}
	return h;
}

/* The same for the hole that *@link points to. */
static void cut(struct hole **link, uintptr_t addr, size_t size)
{
	struct hole *h = *link;
	const uintptr_t end = start_of(h) + h->size;

	if (addr + size < end) {
		struct hole *rest = hole_at(addr + size);

		rest->size = end - start_of(rest);
		rest->next = h->next;
		h->next = rest;
	}
	if (start_of(h) < addr)
		h->size = addr - start_of(h);
	else
		*link = h->next;
}

void hole_cut(struct hole **list, uintptr_t addr, size_t size)
{
	while (start_of(*list) + (*list)->size <= addr)
		list = &(*list)->next;
	cut(list, addr, size);
}

uintptr_t hole_take(struct hole **list, size_t size, size_t align)
{
	for (struct hole **link = list; *link; link = &(*link)->next) {
		const uintptr_t addr = align_up(start_of(*link), align);
		const size_t skipped = addr - start_of(*link);

		if (skipped <= (*link)->size &&
		    size <= (*link)->size - skipped) {
			cut(link, addr, size);
			return addr;
		}
	}
	return 0;
}
