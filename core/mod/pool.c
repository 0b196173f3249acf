/* SPDX-License-Identifier: MIT */
/*
 * Fixed-memory mode: see <tenon/pool.h>.
 *
 *	region: [ tn_pool | hole | image | objects.... | hole | image ... ]
 *
 * Two lists of holes, each ordered by address with no two adjacent: `pages`
 * holds whole free pages, `objects` what is free inside of the pages that
 * objects have got. A hole's header lies in the hole, so there is nothing to
 * allocate and nothing to run out of. Both are first fit. Object pages that
 * become free as a whole go back to `pages`. Free pages are always writable.
 *
 * Parts of one kind share pages, and without page protection all kinds do.
 * Such a group is freed by its extent, computed from its parts:
 *
 *	image.port_data[0]  its address, in span mode
 *	part.port_data[0]   the size that is allocated for it, as a number
 *
 * The lock is a spin lock, because alloc must not sleep and is called with
 * and without the registry lock; protect is called outside of it.
 */
#include <stdatomic.h>

#include <base/compiler.h>
#include <base/overflow.h>
#include <base/string.h>
#include <tenon/err.h>
#include <tenon/pool.h>

#include "pool.h"

#define OBJECT_GRANULE 16u /* the strictest alignment of a C type */
#define MIN_PAGES 4u

_Static_assert(sizeof(struct hole) <= OBJECT_GRANULE, "fits into any hole");

static void take(struct tn_pool *pool)
{
	while (atomic_flag_test_and_set_explicit(
	    &pool->busy, memory_order_acquire))
		;
}

static void drop(struct tn_pool *pool)
{
	atomic_flag_clear_explicit(&pool->busy, memory_order_release);
}

static uintptr_t start_of(const struct hole *h)
{
	return (uintptr_t)h;
}

static struct hole *hole_at(uintptr_t addr)
{
	return (struct hole *)addr;
}

/* Puts [addr, addr + size) into the list; returns the hole that holds it. */
static struct hole *hole_put(struct hole **list, uintptr_t addr, size_t size)
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

/* Takes [addr, addr + size) out of the hole that *@link points to. */
static void hole_cut(struct hole **link, uintptr_t addr, size_t size)
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

/* The first @size bytes aligned to @align in the list, or 0. */
static uintptr_t hole_take(struct hole **list, size_t size, size_t align)
{
	for (struct hole **link = list; *link; link = &(*link)->next) {
		const uintptr_t addr = align_up(start_of(*link), align);
		const size_t skipped = addr - start_of(*link);

		if (skipped <= (*link)->size &&
		    size <= (*link)->size - skipped) {
			hole_cut(link, addr, size);
			return addr;
		}
	}
	return 0;
}

/* --- objects */

static void *pool_alloc(void *ctx, size_t size)
{
	struct tn_pool *pool = ctx;
	const size_t page = pool->port.page_size;
	uintptr_t addr, fresh;

	if (size > pool->size)
		return NULL;
	size = align_up(size, OBJECT_GRANULE);
	take(pool);
	addr = hole_take(&pool->objects, size, OBJECT_GRANULE);
	if (!addr) {
		fresh = hole_take(&pool->pages, align_up(size, page), page);
		if (fresh)
			hole_put(&pool->objects, fresh, align_up(size, page));
		addr = hole_take(&pool->objects, size, OBJECT_GRANULE);
	}
	if (addr)
		pool->used += size;
	drop(pool);
	return addr ? memset((void *)addr, 0, size) : NULL;
}

static void pool_free(void *ctx, void *p, size_t size)
{
	struct tn_pool *pool = ctx;
	const size_t page = pool->port.page_size;
	struct hole *h, **link = &pool->objects;
	uintptr_t first, end;

	if (!p)
		return;
	size = align_up(size, OBJECT_GRANULE);
	take(pool);
	pool->used -= size;
	h = hole_put(&pool->objects, (uintptr_t)p, size);
	first = align_up(start_of(h), page);
	end = (start_of(h) + h->size) & ~(page - 1);
	if (first < end) {
		while (*link != h)
			link = &(*link)->next;
		hole_cut(link, first, end - first);
		hole_put(&pool->pages, first, end - first);
	}
	drop(pool);
}

/* --- pages of images */

static uintptr_t pages_take(struct tn_pool *pool, size_t size, size_t align)
{
	uintptr_t addr;

	take(pool);
	addr = hole_take(&pool->pages, size, align);
	if (addr)
		pool->used += size;
	drop(pool);
	return addr;
}

/* Pages that the world cannot make writable again are lost. */
static void pages_give(struct tn_pool *pool, struct extent e)
{
	if (e.start == e.end || pages_protect(pool, e, TN_PART_KINDS) != 0)
		return;
	take(pool);
	pool->used -= e.end - e.start;
	hole_put(&pool->pages, e.start, e.end - e.start);
	drop(pool);
}
