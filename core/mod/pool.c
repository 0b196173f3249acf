/* SPDX-License-Identifier: MIT */
/*
 * Fixed-memory mode: see <tenon/pool.h>.
 *
 *	region: [ tn_pool | hole | image | objects.... | hole | image ... ]
 *
 * Two lists of holes: `pages` is what nobody has, `objects` what is free
 * inside of the pages that objects have got. Object pages that become free as
 * a whole go back. Everything in a hole is writable.
 *
 * A part of an image has pages of its own; without page protection they are
 * units of 16 bytes, so that parts lie side by side.
 *
 *	image.port_data[0]  the address of the span, in span mode
 *	part.port_data[0]   the size that is allocated for the part
 *
 * Text that is freed may be the next image's at once: there is no quarantine,
 * the world's sync_text makes up for it when the next text has been written.
 *
 * The lock is a spin lock, because alloc must not sleep and comes with and
 * without the registry lock; protect is called outside of it.
 */
#include "pool.h"

#include <base/overflow.h>
#include <base/string.h>
#include <tenon/err.h>

/* Permissions that a part ends with. */
static const uint8_t final_prot[TN_PART_KINDS] = {
	[TN_TEXT] = TN_PROT_READ | TN_PROT_EXEC,
	[TN_RODATA] = TN_PROT_READ,
	[TN_RO_AFTER_INIT] = TN_PROT_READ,
	[TN_DATA] = TN_PROT_READ | TN_PROT_WRITE,
	[TN_INIT_TEXT] = TN_PROT_READ | TN_PROT_EXEC,
	[TN_INIT_RODATA] = TN_PROT_READ,
	[TN_INIT_DATA] = TN_PROT_READ | TN_PROT_WRITE,
};

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

/* Under the lock. */
static void used_add(struct tn_pool *pool, size_t size)
{
	const size_t used =
	    atomic_load_explicit(&pool->used, memory_order_relaxed);

	atomic_store_explicit(&pool->used, used + size, memory_order_relaxed);
}

/* --- objects */

void *pool_alloc(void *ctx, size_t size)
{
	struct tn_pool *pool = ctx;
	const size_t page = pool->port.page_size;
	uintptr_t addr, fresh;

	if (size > pool->size)
		return NULL;
	size = align_up(size, HOLE_GRANULE);
	take(pool);
	addr = hole_take(&pool->objects, size, HOLE_GRANULE);
	if (!addr) {
		fresh = hole_take(&pool->pages, align_up(size, page), page);
		if (fresh)
			hole_put(&pool->objects, fresh, align_up(size, page));
		addr = hole_take(&pool->objects, size, HOLE_GRANULE);
	}
	if (addr)
		used_add(pool, size);
	drop(pool);
	return addr ? memset((void *)addr, 0, size) : NULL;
}

void pool_free(void *ctx, void *p, size_t size)
{
	struct tn_pool *pool = ctx;
	const size_t page = pool->port.page_size;
	const struct hole *h;
	uintptr_t start, end;

	if (!p)
		return;
	size = align_up(size, HOLE_GRANULE);
	take(pool);
	used_add(pool, 0 - size);
	h = hole_put(&pool->objects, (uintptr_t)p, size);
	start = align_up((uintptr_t)h, page);
	end = ((uintptr_t)h + h->size) & ~(page - 1);
	if (start < end) {
		hole_cut(&pool->objects, start, end - start);
		hole_put(&pool->pages, start, end - start);
	}
	drop(pool);
}

/* --- image memory */

static uintptr_t units_take(struct tn_pool *pool, size_t size, size_t align)
{
	uintptr_t addr;

	if (size > pool->size || align > pool->size)
		return 0;
	size = align_up(size, pool->unit);
	take(pool);
	addr = hole_take(
	    &pool->pages, size, align > pool->unit ? align : pool->unit);
	if (addr)
		used_add(pool, size);
	drop(pool);
	return addr;
}

static void units_give(struct tn_pool *pool, uintptr_t addr, size_t size)
{
	if (size == 0)
		return;
	take(pool);
	used_add(pool, 0 - size);
	hole_put(&pool->pages, addr, size);
	drop(pool);
}

static int protect(
    struct tn_pool *pool, uintptr_t addr, size_t size, unsigned prot)
{
	const struct tn_pool_world *w = pool->world;

	if (!w->protect || size == 0)
		return 0;
	return w->protect(
	    w->ctx, (void *)addr, align_up(size, pool->unit), prot);
}

/* Gives back units of any permission; lost if they cannot be made writable. */
static void units_restore(struct tn_pool *pool, uintptr_t addr, size_t size)
{
	if (protect(pool, addr, size, TN_PROT_READ | TN_PROT_WRITE) == 0)
		units_give(pool, addr, align_up(size, pool->unit));
}

static size_t allocated(const struct tn_part *p)
{
	return (uintptr_t)p->port_data[0];
}

static void part_set(struct tn_part *p, uintptr_t addr, size_t size)
{
	p->addr = addr;
	p->write = (uint8_t *)addr;
	p->port_data[0] = (void *)size;
}

static void part_free(struct tn_pool *pool, struct tn_part *p)
{
	units_restore(pool, (uintptr_t)p->addr, allocated(p));
	part_set(p, 0, 0);
}

void pool_image_free(void *ctx, struct tn_image *img)
{
	struct tn_pool *pool = ctx;

	if (img->port_data[0])
		units_restore(pool, (uintptr_t)img->port_data[0], img->span);
	img->port_data[0] = NULL;
	for (unsigned i = 0; i < img->nparts; i++)
		part_free(pool, &img->part[i]);
}

static int span_alloc(struct tn_pool *pool, struct tn_image *img)
{
	const uintptr_t base = units_take(pool, img->span, img->span_align);

	if (!base)
		return -TN_ENOSPC;
	img->port_data[0] = (void *)base;
	for (unsigned i = 0; i < img->nparts; i++)
		part_set(&img->part[i], base + img->part[i].offset, 0);
	return 0;
}

int pool_image_alloc(void *ctx, struct tn_image *img)
{
	struct tn_pool *pool = ctx;

	img->port_data[0] = NULL;
	for (unsigned i = 0; i < img->nparts; i++)
		part_set(&img->part[i], 0, 0);
	if (img->span)
		return span_alloc(pool, img);
	for (unsigned i = 0; i < img->nparts; i++) {
		struct tn_part *p = &img->part[i];
		uintptr_t addr;

		if (!p->size)
			continue;
		addr = units_take(pool, p->size, p->align);
		if (!addr) {
			pool_image_free(pool, img);
			return -TN_ENOSPC;
		}
		part_set(p, addr, p->size);
	}
	return 0;
}

void pool_image_trim(void *ctx, struct tn_image *img)
{
	struct tn_pool *pool = ctx;

	for (unsigned i = 0; i < img->nparts; i++) {
		struct tn_part *p = &img->part[i];
		const uintptr_t addr = (uintptr_t)p->addr;
		const uintptr_t end = align_up(addr + p->size, pool->unit);
		const uintptr_t old = align_up(addr + allocated(p), pool->unit);

		units_give(pool, end, old - end);
		part_set(p, p->size ? addr : 0, p->size);
	}
}

static int part_seal(struct tn_pool *pool, struct tn_part *p)
{
	const struct tn_pool_world *w = pool->world;
	const unsigned prot = final_prot[p->kind];
	int err;

	if (!p->size || p->kind == TN_RO_AFTER_INIT || prot & TN_PROT_WRITE)
		return 0;
	err = protect(pool, (uintptr_t)p->addr, p->size, prot);
	if (err)
		return err;
	if (prot & TN_PROT_EXEC && w->sync_text)
		w->sync_text(w->ctx, (void *)(uintptr_t)p->addr, p->size);
	p->write = NULL;
	return 0;
}

int pool_image_seal(void *ctx, struct tn_image *img)
{
	int err = 0;

	for (unsigned i = 0; i < img->nparts && !err; i++)
		err = part_seal(ctx, &img->part[i]);
	return err;
}

int pool_image_finish(void *ctx, struct tn_image *img)
{
	struct tn_pool *pool = ctx;
	int err = 0;

	for (unsigned i = 0; i < img->nparts; i++) {
		struct tn_part *p = &img->part[i];

		if (p->kind >= TN_INIT_TEXT) {
			part_free(pool, p);
			p->size = 0;
		} else if (p->kind == TN_RO_AFTER_INIT && p->size && !err) {
			err = protect(pool, (uintptr_t)p->addr, p->size,
			    final_prot[p->kind]);
			p->write = NULL;
		}
	}
	return err;
}
