/* SPDX-License-Identifier: MIT */
/*
 * Spans and worlds: see span.h.
 *
 *	guard | text area | guard | rodata area | guard | data area | guard
 *
 * Guards and what no chunk occupies are address space without access. A span
 * never exceeds what a signed 32-bit displacement crosses.
 */
#include <stdlib.h>

#include <base/overflow.h>

#include "span.h"

#define GUARD    (64u << 10)
#define SPAN_MAX (2ull << 30)

/*
 * Cuts the span into areas of 3/8, 2/8 and 3/8 of the usual size, or more
 * where an image needs it. Sets the size; 0: more than a span may have.
 */
static void area_sizes(
    struct span *s, const size_t need[AREAS], size_t size[AREAS])
{
	static const size_t eighths[AREAS] = { 3, 2, 3 };
	const struct layout *layout = s->world->layout;

	s->size = GUARD;
	for (int i = 0; i < AREAS; i++) {
		size_t want = layout->span / 8 * eighths[i];

		/* A chunk is up to an eighth larger than its part. */
		if (need[i] > want - want / 4)
			want = need[i] + need[i] / 4 + 2 * layout->chunk;
		size[i] = align_up(want, GUARD);
		s->size += size[i] + GUARD;
		if (need[i] > SPAN_MAX || s->size > SPAN_MAX) {
			s->size = 0;
			return;
		}
	}
}

static bool areas_init(struct span *s, const size_t size[AREAS])
{
	uint64_t at = s->base + GUARD;

	for (int i = 0; i < AREAS; i++) {
		ranges_init(
		    &s->area[i], &s->world->pool, s->world->layout->page);
		s->first[i] = ranges_add(&s->area[i], at, size[i], NULL);
		if (!s->first[i])
			return false;
		at += size[i] + GUARD;
	}
	return true;
}

struct span *span_create(struct world *w, const size_t need[AREAS])
{
	struct span *s = calloc(1, sizeof(*s));
	size_t size[AREAS];

	if (!s)
		return NULL;
	s->world = w;
	area_sizes(s, need, size);
	if (!s->size)
		goto out_free;
	s->base = mem_reserve(w->count, s->size);
	if (!s->base)
		goto out_free;
	if (!areas_init(s, size))
		goto out_release; /* its records stay in the pool's slabs */
	for (int i = 0; i < HEAPS; i++)
		heap_init(&s->heap[i], s, (enum heap_kind)i);
	list_add(&w->spans, &s->node);
	w->nspans++;
	return s;

out_release:
	mem_release(w->count, s->base, s->size);
out_free:
	free(s);
	return NULL;
}

void world_init(
    struct world *w, const struct layout *layout, struct mem_count *count)
{
	*w = (struct world){ .layout = layout, .count = count };
	range_pool_init(&w->pool);
	list_init(&w->spans);
}

static void span_destroy(struct span *s)
{
	struct world *w = s->world;

	for (int i = 0; i < AREAS; i++) {
		for (struct range *r = s->first[i]; r; r = r->next) {
			struct chunk *c = r->owner;

			if (r->state != RANGE_USED)
				continue;
			if (c->alias && !w->inherited)
				mem_alias_close(w->count, c->alias, c->size);
			free(c);
		}
	}
	mem_release(w->count, s->base, s->size);
	list_del(&s->node);
	free(s);
}

void world_fini(struct world *w)
{
	while (!list_empty(&w->spans))
		span_destroy(CONTAINER_OF(w->spans.next, struct span, node));
	range_pool_fini(&w->pool);
}
