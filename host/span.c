/* SPDX-License-Identifier: MIT */
/*
 * Spans and worlds: see span.h.
 *
 *	guard | text area | guard | rodata area | guard | data area | guard
 *
 * Guards and what no chunk occupies are address space without access. A span
 * never exceeds what a signed 32-bit displacement crosses.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <base/overflow.h>

#include "span.h"

#define GUARD    (64u << 10)
#define SPAN_MAX ((size_t)2 << 30)
#define SPAN_MIN ((size_t)8 << 20)

/*
 * Cuts a span into areas of 3/8, 2/8 and 3/8 of the @usual size, or more
 * where an image needs it; 0: a tight span. Returns the size; 0: more than a
 * span may have.
 */
static size_t area_sizes(const struct layout *layout, size_t usual,
    const size_t need[AREAS], size_t size[AREAS])
{
	static const size_t eighths[AREAS] = { 3, 2, 3 };
	size_t sum = GUARD;

	for (int i = 0; i < AREAS; i++) {
		/* A chunk is up to an eighth larger than its part. */
		const size_t slack = usual ? need[i] / 4 : 0;
		const size_t least = need[i] + slack + 2 * layout->chunk;
		const size_t want = usual / 8 * eighths[i];

		size[i] = align_up(want > least ? want : least, GUARD);
		sum += size[i] + GUARD;
		if (need[i] > SPAN_MAX || sum > SPAN_MAX)
			return 0;
	}
	return sum;
}

/* With @spare, only where as much again is to be had. */
static bool reserve(struct span *s, size_t usual, const size_t need[AREAS],
    size_t size[AREAS], bool spare)
{
	const struct layout *layout = s->world->layout;
	struct mem_count *count = s->world->count;

	s->size = area_sizes(layout, usual, need, size);
	if (s->size == 0) {
		errno = EOVERFLOW;
		shortage_note(&count->shortage, SPAN_MAX);
		return false;
	}
	s->base =
	    mem_reserve(count, spare ? 2 * s->size : s->size, layout->page);
	if (s->base != 0 && spare)
		mem_release(count, s->base + s->size, s->size);
	return s->base != 0;
}

/*
 * Where address space is rationed, at most a half of what there is, down to
 * the least: the second views of chunks need some too, and so does the program.
 * An image that fills a span has it to itself.
 */
static bool span_reserve(
    struct span *s, const size_t need[AREAS], size_t size[AREAS])
{
	size_t usual = s->world->layout->span;

	for (; usual >= 2 * SPAN_MIN; usual /= 2) {
		if (reserve(s, usual, need, size, true))
			return true;
	}
	if (reserve(s, usual, need, size, false))
		return true;
	s->tight = true;
	return reserve(s, 0, need, size, false);
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
	if (!span_reserve(s, need, size))
		goto out_free;
	if (!areas_init(s, size))
		goto out_release; /* its records stay in the pool's slabs */
	for (int i = 0; i < HEAPS; i++)
		heap_init(&s->heap[i], s, (enum heap_kind)i);
	s->next = w->spans;
	w->spans = s;
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
	free(s);
}

void world_fini(struct world *w)
{
	while (w->spans) {
		struct span *s = w->spans;

		w->spans = s->next;
		span_destroy(s);
	}
	range_pool_fini(&w->pool);
}
