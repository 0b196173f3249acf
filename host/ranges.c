/* SPDX-License-Identifier: MIT */
/*
 * Free-range allocator: see ranges.h for the structure.
 *
 * A size of g granules belongs into bin (t, s): t = floor(log2 g), and s the
 * three bits below the leading one. A request looks at the first few ranges
 * of its own bin, and else takes anything from the next bin that is not
 * empty, where all are large enough: no list is walked, and at most an eighth
 * of a free range is passed over for it.
 */
#include <stdlib.h>

#include <base/overflow.h>

#include "ranges.h"

#define SUB_BITS      3u
#define SLAB_RANGES   62u
#define OWN_BIN_TRIES 4

struct range_slab {
	struct range_slab *next;
	struct range range[SLAB_RANGES];
};

void range_pool_init(struct range_pool *pool)
{
	*pool = (struct range_pool){ 0 };
}

void range_pool_fini(struct range_pool *pool)
{
	while (pool->slabs) {
		struct range_slab *slab = pool->slabs;

		pool->slabs = slab->next;
		free(slab);
	}
	range_pool_init(pool);
}

static void record_put(struct range_pool *pool, struct range *r)
{
	r->next = pool->free;
	pool->free = r;
	pool->nfree++;
}

static struct range *record_get(struct range_pool *pool)
{
	struct range *r = pool->free;

	pool->free = r->next;
	pool->nfree--;
	*r = (struct range){ 0 };
	return r;
}

/* Makes sure that @n records can be taken without a failure in between. */
static MUST_CHECK bool records_reserve(struct range_pool *pool, size_t n)
{
	struct range_slab *slab;

	if (pool->nfree >= n)
		return true;
	slab = malloc(sizeof(*slab));
	if (!slab)
		return false;
	slab->next = pool->slabs;
	pool->slabs = slab;
	for (size_t i = 0; i < SLAB_RANGES; i++)
		record_put(pool, &slab->range[i]);
	return true;
}

static unsigned log2_floor(uint64_t n)
{
	return 63u - (unsigned)__builtin_clzll(n);
}

/* The bin of @n granules, and whether @n is the smallest size in it. */
struct bin_index {
	unsigned top, sub;
	bool exact;
};

static struct bin_index bin_of(uint64_t n)
{
	unsigned top = log2_floor(n);
	struct bin_index at = { top, 0, true };

	if (top >= SUB_BITS) {
		unsigned shift = top - SUB_BITS;

		at.sub = (unsigned)(n >> shift) & (RANGE_SUB - 1);
		at.exact = (n & ((1ull << shift) - 1)) == 0;
	} else {
		at.sub = (unsigned)(n << (SUB_BITS - top)) & (RANGE_SUB - 1);
	}
	return at;
}

void ranges_init(struct ranges *set, struct range_pool *pool, uint64_t granule)
{
	*set = (struct ranges){ .pool = pool, .granule = granule };
}

void ranges_bin(struct ranges *set, struct range *r)
{
	struct bin_index at = bin_of(r->size / set->granule);
	struct range **bin = &set->bin[at.top][at.sub];

	r->state = RANGE_FREE;
	r->bin_prev = NULL;
	r->bin_next = *bin;
	if (*bin)
		(*bin)->bin_prev = r;
	*bin = r;
	set->sub_map[at.top] |= (uint8_t)(1u << at.sub);
	set->top_map |= 1u << at.top;
}

void ranges_unbin(struct ranges *set, struct range *r)
{
	struct bin_index at = bin_of(r->size / set->granule);
	struct range **bin = &set->bin[at.top][at.sub];

	if (r->bin_next)
		r->bin_next->bin_prev = r->bin_prev;
	if (r->bin_prev)
		r->bin_prev->bin_next = r->bin_next;
	else
		*bin = r->bin_next;
	r->bin_prev = NULL;
	r->bin_next = NULL;
	if (*bin)
		return;
	set->sub_map[at.top] &= (uint8_t) ~(1u << at.sub);
	if (!set->sub_map[at.top])
		set->top_map &= ~(1u << at.top);
}

/* Some free range of at least @n granules, or NULL. */
static struct range *bin_search(const struct ranges *set, uint64_t n)
{
	struct bin_index at = bin_of(n);
	struct range *r;
	unsigned map;

	if (at.top >= RANGE_TOP)
		return NULL;
	r = set->bin[at.top][at.sub];
	for (int i = 0; r && i < OWN_BIN_TRIES; i++, r = r->bin_next) {
		if (r->size >= n * set->granule)
			return r;
	}
	if (!at.exact && ++at.sub == RANGE_SUB) {
		at.sub = 0;
		at.top++;
	}
	if (at.top >= RANGE_TOP)
		return NULL;
	map = set->sub_map[at.top] & (0xffu << at.sub);
	if (!map) {
		uint32_t above = set->top_map & (uint32_t)(~1ull << at.top);

		if (!above)
			return NULL;
		at.top = (unsigned)__builtin_ctz(above);
		map = set->sub_map[at.top];
	}
	return set->bin[at.top][__builtin_ctz(map)];
}

struct range *ranges_add(
    struct ranges *set, uint64_t start, uint64_t size, void *owner)
{
	struct range *r;

	if (!records_reserve(set->pool, 1))
		return NULL;
	r = record_get(set->pool);
	r->start = start;
	r->size = size;
	r->owner = owner;
	ranges_bin(set, r);
	return r;
}

/* Cuts @r to @size; the rest becomes its next neighbour, in no bin. */
static struct range *split(
    struct range_pool *pool, struct range *r, uint64_t size)
{
	struct range *rest = record_get(pool);

	rest->start = r->start + size;
	rest->size = r->size - size;
	rest->owner = r->owner;
	rest->prev = r;
	rest->next = r->next;
	if (r->next)
		r->next->prev = rest;
	r->next = rest;
	r->size = size;
	return rest;
}

struct range *ranges_alloc(struct ranges *set, uint64_t size, uint64_t align)
{
	uint64_t slack = align > set->granule ? align - set->granule : 0;
	uint64_t front;
	struct range *r;

	size = align_up(size, set->granule);
	r = bin_search(set, (size + slack) / set->granule);
	if (!r || !records_reserve(set->pool, 2))
		return NULL;
	ranges_unbin(set, r);
	front = align_up(r->start, align) - r->start;
	if (front) {
		struct range *rest = split(set->pool, r, front);

		ranges_bin(set, r);
		r = rest;
	}
	if (r->size > size)
		ranges_bin(set, split(set->pool, r, size));
	r->state = RANGE_USED;
	return r;
}

/* Appends the next neighbour of @r, which is in no bin, to @r. */
static void swallow_next(struct range_pool *pool, struct range *r)
{
	struct range *next = r->next;

	r->size += next->size;
	r->next = next->next;
	if (r->next)
		r->next->prev = r;
	record_put(pool, next);
}

struct range *ranges_free(struct ranges *set, struct range *r)
{
	if (r->next && r->next->state == RANGE_FREE) {
		ranges_unbin(set, r->next);
		swallow_next(set->pool, r);
	}
	if (r->prev && r->prev->state == RANGE_FREE) {
		r = r->prev;
		ranges_unbin(set, r);
		swallow_next(set->pool, r);
	}
	r->stamp = 0;
	r->flags = 0;
	ranges_bin(set, r);
	return r;
}

void ranges_trim(struct ranges *set, struct range *r, uint64_t size)
{
	size = align_up(size, set->granule);
	if (size >= r->size || !records_reserve(set->pool, 1))
		return;
	(void)ranges_free(set, split(set->pool, r, size));
}

void ranges_drop(struct range_pool *pool, struct range *first)
{
	while (first) {
		struct range *next = first->next;

		record_put(pool, first);
		first = next;
	}
}
