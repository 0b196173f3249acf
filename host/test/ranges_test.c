/* SPDX-License-Identifier: MIT */
/*
 * The free-range allocator: ranges are disjoint, aligned and inside of their
 * region, and everything that is freed grows together again.
 */
#include <stdlib.h>

#include <test/test.h>

#include "ranges.h"

#define BASE 0x100000u
#define SIZE (1u << 20)

/* A set with one region; the caller ends the pool. */
static struct range *open_set(struct ranges *set, struct range_pool *pool)
{
	range_pool_init(pool);
	ranges_init(set, pool, 64);
	return ranges_add(set, BASE, SIZE, NULL);
}

/* True when the region of @first is whole and its books are in order. */
static bool region_is_sound(const struct range *first)
{
	uint64_t at = BASE;

	for (const struct range *r = first; r; r = r->next) {
		if (r->start != at || !r->size || r->size % 64)
			return false;
		if (r->next && r->next->prev != r)
			return false;
		if (r->next && r->state == RANGE_FREE &&
		    r->next->state == RANGE_FREE)
			return false;
		at += r->size;
	}
	return at == BASE + SIZE;
}

TEST(ranges, freed_neighbours_grow_together)
{
	struct range_pool pool;
	struct ranges set;
	struct range *first = open_set(&set, &pool);
	struct range *a = ranges_alloc(&set, 100, 1);
	struct range *b = ranges_alloc(&set, 100, 1);
	struct range *c = ranges_alloc(&set, 100, 1);

	CHECK(a && b && c);
	CHECK_EQ(a->size, 128);
	ranges_free(&set, a);
	ranges_free(&set, c);
	CHECK(region_is_sound(first));
	CHECK_EQ(ranges_free(&set, b), first);
	CHECK_EQ(first->size, SIZE);
	CHECK(!first->next);
	range_pool_fini(&pool);
}

TEST(ranges, alignment_is_honoured_and_its_gap_stays_free)
{
	struct range_pool pool;
	struct ranges set;
	struct range *first = open_set(&set, &pool);
	struct range *a = ranges_alloc(&set, 64, 64);
	struct range *b = ranges_alloc(&set, 64, 4096);
	struct range *c = ranges_alloc(&set, 64, 64);

	CHECK(a && b && c);
	CHECK_EQ(b->start % 4096, 0);
	CHECK(c->start < b->start);
	CHECK(region_is_sound(first));
	range_pool_fini(&pool);
}

TEST(ranges, the_whole_region_can_be_taken_and_no_more)
{
	struct range_pool pool;
	struct ranges set;
	struct range *a;

	open_set(&set, &pool);
	a = ranges_alloc(&set, SIZE, 1);
	CHECK(a);
	CHECK(!ranges_alloc(&set, 1, 1));
	ranges_free(&set, a);
	CHECK(!ranges_alloc(&set, SIZE + 1, 1));
	CHECK(!ranges_alloc(&set, UINT64_MAX / 2, 1));
	range_pool_fini(&pool);
}

TEST(ranges, trim_gives_back_the_tail)
{
	struct range_pool pool;
	struct ranges set;
	struct range *first = open_set(&set, &pool);
	struct range *a = ranges_alloc(&set, SIZE, 1);

	ranges_trim(&set, a, 1000);
	CHECK_EQ(a->size, 1024);
	CHECK(region_is_sound(first));
	CHECK(ranges_alloc(&set, SIZE - 1024, 1));
	range_pool_fini(&pool);
}

TEST(ranges, a_held_range_is_not_handed_out)
{
	struct range_pool pool;
	struct ranges set;
	struct range *a;

	open_set(&set, &pool);
	a = ranges_alloc(&set, SIZE, 1);
	a->state = RANGE_HELD;
	CHECK(!ranges_alloc(&set, 64, 1));
	ranges_free(&set, a);
	CHECK(ranges_alloc(&set, 64, 1));
	range_pool_fini(&pool);
}

#define LIVE 200

TEST(ranges, random_use_keeps_the_books_in_order)
{
	struct range_pool pool;
	struct ranges set;
	struct range *first = open_set(&set, &pool);
	struct range *live[LIVE] = { NULL };
	unsigned seed = 1;

	for (int i = 0; i < 20000; i++) {
		struct range **slot = &live[rand_r(&seed) % LIVE];
		const unsigned size = 1u << (rand_r(&seed) % 13);
		const unsigned align = 1u << (rand_r(&seed) % 13);

		if (*slot && (i & 7) == 0)
			ranges_trim(&set, *slot, (*slot)->size / 2 + 1);
		else if (*slot)
			*slot = (ranges_free(&set, *slot), NULL);
		else
			*slot = ranges_alloc(&set, size + i % 50, align);
		if (*slot)
			CHECK((i & 7) == 0 || (*slot)->start % align == 0);
		if (i % 500 == 0)
			CHECK(region_is_sound(first));
	}
	for (int i = 0; i < LIVE; i++) {
		if (live[i])
			ranges_free(&set, live[i]);
	}
	CHECK_EQ(first->size, SIZE);
	range_pool_fini(&pool);
}
