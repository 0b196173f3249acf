/* SPDX-License-Identifier: MIT */
/*
 * Static data that holds addresses: of the world and of itself, with positive
 * and negative addends, constant and writable, linked into rings.
 */
#include "matrix.h"

struct node {
	const struct node *next;
	const void *peer;
	int value;
};

static const struct node ring[3] = {
	{ &ring[1], &ring[2].value, 1 },
	{ &ring[2], &ring[0].peer, 2 },
	{ &ring[0], &ring[1], 3 },
};

static struct node *volatile current;
static struct node chain[2] = { { &chain[1], world_string + 4, 4 },
	{ chain, &world_records[3].wide, 5 } };

static const void *const mixed[] = {
	&world_u8,
	&world_rows[WORLD_ROWS - 1],
	&world_rows[2] - 1,
	(const char *)&world_u64 + 3,
	world_string,
	mixed + 2,
	&chain[1].value,
};

/* A name without the world, for what lies before an object. */
VISIBLE int tables_middle[9] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
static int *const ends[] = { tables_middle, &tables_middle[8],
	tables_middle + 9 };

static NOINLINE int walk(const struct node *n, int steps)
{
	int sum = 0;

	for (; steps > 0; steps--, n = n->next)
		sum = sum * 10 + n->value;
	return sum;
}

MATRIX(tables)
{
	int n = 0;

	OPAQUE(n);
	CHECK(walk(&ring[n], 4) == 1231);
	CHECK(*(const int *)ring[n].peer == 3);
	CHECK(ring[n + 1].peer == &ring[n].peer);
	current = chain;
	CHECK(walk(current, 3) == 454);
	CHECK(*(const char *)chain[n].peer == 'w');
	CHECK(*(const uint64_t *)chain[n + 1].peer == 4000);
	CHECK(mixed[n] == (const void *)&world_u8);
	CHECK(*(const uint32_t *)mixed[n + 1] == 7 * (WORLD_ROWS - 1) + 3);
	CHECK(*(const uint32_t *)mixed[n + 2] == 10);
	CHECK((const char *)mixed[n + 3] - (const char *)&world_u64 == 3);
	CHECK(mixed[n + 4] == (const void *)world_string);
	CHECK(mixed[n + 5] == (const void *)&mixed[n + 2]);
	CHECK(*(const int *)mixed[n + 6] == 5);
	CHECK(ends[n][0] == 1 && ends[n + 1][0] == 9 && ends[n + 2][-2] == 8);
	return 0;
}
