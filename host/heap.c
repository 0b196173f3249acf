/* SPDX-License-Identifier: MIT */
/*
 * Heaps and their chunks: see span.h.
 *
 * Life of a chunk: mapped when no range of the heap is large enough; open
 * while it has room; closed when it has become nearly full or too many others
 * are open, and nobody writes into it; idle when nothing lives in it, then
 * kept or, beyond keep_warm, unmapped. One that holds stale bytes is unmapped
 * as soon as nothing lives in it.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include <base/overflow.h>
#include <tenon/err.h>

#include "span.h"

#define SMALL_GRANULE 64u /* a cache line: modules do not share one */
#define OPEN_MAX      4u  /* open chunks of a heap, besides those in use */
#define FULL_SHIFT    6   /* nearly full: less than 1/64 is free */

static struct world *heap_world(const struct heap *h)
{
	return h->span->world;
}

static enum area_kind area_of(enum heap_kind kind)
{
	switch (kind) {
	case HEAP_TEXT: return AREA_TEXT;
	case HEAP_RODATA: return AREA_RODATA;
	default: return AREA_DATA;
	}
}

static struct ranges *chunk_set(struct chunk *c)
{
	struct heap *h = c->heap;

	return h->dual && !c->alias ? &h->closed : &h->open;
}

/* Moves the free ranges of @c from the set @from to the set @to. */
static void chunk_move(struct chunk *c, struct ranges *from, struct ranges *to)
{
	for (struct range *r = c->first; r; r = r->next) {
		if (r->state == RANGE_FREE) {
			ranges_unbin(from, r);
			ranges_bin(to, r);
		}
	}
}

static void set_alias(struct chunk *c, uint8_t *alias)
{
	struct heap *h = c->heap;

	c->alias = alias;
	if (alias) {
		list_add(&h->open_chunks, &c->node);
		h->nopen++;
		heap_world(h)->naliases++;
	} else {
		list_del(&c->node);
		h->nopen--;
		heap_world(h)->naliases--;
	}
}

static void chunk_close(struct chunk *c)
{
	struct heap *h = c->heap;

	chunk_move(c, &h->open, &h->closed);
	mem_alias_close(heap_world(h)->count, c->alias, c->size);
	set_alias(c, NULL);
}

static MUST_CHECK bool chunk_open(struct chunk *c)
{
	struct heap *h = c->heap;
	uint8_t *alias = mem_alias_open(heap_world(h)->count, c->addr, c->size);

	if (!alias)
		return false;
	chunk_move(c, &h->closed, &h->open);
	set_alias(c, alias);
	return true;
}

static bool nearly_full(const struct chunk *c)
{
	const size_t used = c->live + c->held + c->stale;

	return c->size - used < c->size >> FULL_SHIFT;
}

/*
 * Closes what need not be open, except @keep. The oldest stand first, so the
 * list, which is bounded by the loads in progress, loses those.
 */
static void heap_tidy(struct heap *h, const struct chunk *keep)
{
	struct list *next;

	for (struct list *pos = h->open_chunks.next; pos != &h->open_chunks;
	     pos = next) {
		struct chunk *c = CONTAINER_OF(pos, struct chunk, node);

		next = pos->next;
		if (c != keep && c->writers == 0 &&
		    (nearly_full(c) || h->nopen > OPEN_MAX))
			chunk_close(c);
	}
}

static void set_idle(struct chunk *c, bool idle)
{
	struct world *w = heap_world(c->heap);

	if (c->idle == idle)
		return;
	c->idle = idle;
	if (idle)
		w->idle += c->size;
	else
		w->idle -= c->size;
}

int heap_prot(const struct heap *h)
{
	if (!h->dual)
		return PROT_READ | PROT_WRITE;
	return h->kind == HEAP_TEXT ? PROT_READ | PROT_EXEC : PROT_READ;
}

static int chunk_map(struct chunk *c)
{
	struct heap *h = c->heap;
	struct mem_count *count = heap_world(h)->count;
	uint8_t *alias;
	int err;

	if (!h->dual)
		return mem_map_private(count, c->addr, c->size);
	err = mem_map_twice(count, c->addr, c->size, heap_prot(h), &alias);
	if (!err)
		set_alias(c, alias);
	return err;
}

/* A size that a later request of @size finds again when it is free. */
static size_t chunk_round(const struct span *s, size_t size)
{
	const struct layout *layout = s->world->layout;
	const size_t eighth = ((size_t)1 << (63 - __builtin_clzll(size))) / 8;

	if (size <= layout->chunk)
		return layout->chunk;
	return align_up(s->tight ? size : align_up(size, eighth), layout->page);
}

static int chunk_create(struct heap *h, size_t size)
{
	struct world *w = heap_world(h);
	struct ranges *area = &h->span->area[area_of(h->kind)];
	struct chunk *c = malloc(sizeof(*c));
	int err = -TN_ENOMEM;

	if (!c)
		return -TN_ENOMEM;
	*c = (struct chunk){ .heap = h, .size = chunk_round(h->span, size) };
	list_init(&c->node);
	c->place = ranges_alloc(area, c->size, w->layout->page);
	if (!c->place) {
		err = -TN_ENOSPC;
		goto out_free;
	}
	c->place->owner = c;
	c->addr = c->place->start;
	c->fresh = c->addr;
	err = chunk_map(c);
	if (err)
		goto out_place;
	c->first = ranges_add(&h->open, c->addr, c->size, c);
	if (!c->first) {
		err = -TN_ENOMEM;
		goto out_unmap;
	}
	w->nchunks++;
	w->mapped += c->size;
	set_idle(c, true);
	heap_tidy(h, c);
	return 0;

out_unmap:
	if (c->alias) {
		mem_alias_close(w->count, c->alias, c->size);
		set_alias(c, NULL);
	}
	mem_unmap(w->count, c->addr, c->size);
out_place:
	(void)ranges_free(area, c->place);
out_free:
	free(c);
	return err;
}

/* Unmaps a chunk in which nothing lives and that no list refers to. */
static void chunk_destroy(struct chunk *c)
{
	struct heap *h = c->heap;
	struct world *w = heap_world(h);

	set_idle(c, false);
	for (struct range *r = c->first; r; r = r->next) {
		if (r->state == RANGE_FREE)
			ranges_unbin(chunk_set(c), r);
	}
	ranges_drop(&w->pool, c->first);
	if (c->alias) {
		mem_alias_close(w->count, c->alias, c->size);
		set_alias(c, NULL);
	}
	mem_unmap(w->count, c->addr, c->size);
	(void)ranges_free(&h->span->area[area_of(h->kind)], c->place);
	w->nchunks--;
	w->mapped -= c->size;
	w->held -= c->stale;
	free(c);
}

/* After something left @c: is it empty, and is that too much? */
static void chunk_settle(struct chunk *c)
{
	struct world *w = heap_world(c->heap);

	if (c->live || c->held)
		return;
	set_idle(c, true);
	if (c->stale || w->idle > w->layout->keep_warm)
		chunk_destroy(c);
}

static struct range *take(struct range *r)
{
	struct chunk *c;

	if (!r)
		return NULL;
	c = range_chunk(r);
	set_idle(c, false);
	r->flags = PART_WRITING | (r->start < c->fresh ? PART_REUSED : 0);
	c->live += r->size;
	c->writers++;
	heap_world(c->heap)->live += r->size;
	return r;
}

struct range *heap_try(struct heap *h, size_t size, size_t align)
{
	return take(ranges_alloc(&h->open, size, align));
}

/* Opens a closed chunk with room for the request, if there is one. */
static struct range *try_closed(struct heap *h, size_t size, size_t align)
{
	struct range *r = ranges_alloc(&h->closed, size, align);
	struct chunk *c;

	if (!r)
		return NULL;
	c = range_chunk(r);
	if (!chunk_open(c)) {
		(void)ranges_free(&h->closed, r);
		return NULL;
	}
	heap_tidy(h, c);
	return take(r);
}

int heap_alloc(struct heap *h, size_t size, size_t align, struct range **out)
{
	struct range *r = heap_try(h, size, align);
	int err;

	if (!r && h->dual)
		r = try_closed(h, size, align);
	if (!r) {
		err = chunk_create(h, size + align);
		if (err)
			return err;
		r = heap_try(h, size, align);
	}
	if (!r)
		return -TN_ENOMEM;
	*out = r;
	return 0;
}

static void leave(struct chunk *c, struct range *r)
{
	if (r->flags & PART_WRITING)
		c->writers--;
	r->flags = 0;
	c->live -= r->size;
	heap_world(c->heap)->live -= r->size;
}

void heap_hold(struct range *r)
{
	struct chunk *c = range_chunk(r);

	leave(c, r);
	r->state = RANGE_HELD;
	c->held += r->size;
	heap_world(c->heap)->held += r->size;
}

void heap_free(struct range *r)
{
	struct chunk *c = range_chunk(r);

	if (r->state == RANGE_HELD) {
		c->held -= r->size;
		heap_world(c->heap)->held -= r->size;
	} else {
		leave(c, r);
	}
	(void)ranges_free(chunk_set(c), r);
	chunk_settle(c);
}

void heap_forget(struct range *r)
{
	struct chunk *c = range_chunk(r);

	c->held -= r->size;
	c->stale += r->size;
	chunk_settle(c);
}

void heap_trim(struct range *r, size_t size)
{
	struct chunk *c = range_chunk(r);
	const size_t before = r->size;

	ranges_trim(chunk_set(c), r, size);
	c->live -= before - r->size;
	heap_world(c->heap)->live -= before - r->size;
}

void heap_executed(struct range *r)
{
	struct chunk *c = range_chunk(r);

	r->flags |= PART_EXECUTED;
	if (c->fresh < r->start + r->size)
		c->fresh = r->start + r->size;
}

void heap_written(struct range *r)
{
	struct chunk *c = range_chunk(r);
	struct heap *h = c->heap;

	r->flags &= (uint8_t)~PART_WRITING;
	c->writers--;
	if (h->dual && h->nopen > 1 && c->writers == 0)
		heap_tidy(h, NULL);
}

void heap_init(struct heap *h, struct span *s, enum heap_kind kind)
{
	const struct layout *layout = s->world->layout;
	const bool code = kind == HEAP_TEXT || kind == HEAP_RODATA;
	const bool pages =
	    layout->strict || kind == HEAP_PAGES || (code && !layout->dual);
	const size_t granule = pages ? layout->page : SMALL_GRANULE;

	h->span = s;
	h->kind = kind;
	h->dual = code && layout->dual;
	ranges_init(&h->open, &s->world->pool, granule);
	ranges_init(&h->closed, &s->world->pool, granule);
	list_init(&h->open_chunks);
}
