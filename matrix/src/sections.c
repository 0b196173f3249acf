/* SPDX-License-Identifier: MIT */
/*
 * Code in several sections that call and refer to each other, data in
 * sections with names of their own, and sections that are freed after init.
 */
#include "matrix.h"

#define HOT     NOINLINE PLACED(".text.hot.sections")
#define COLD    NOINLINE PLACED(".text.unlikely.sections")
#define FAR_ONE NOINLINE PLACED(".text.sections_one")

static const PLACED(".rodata.sections") int constant = 21;
static PLACED(".data.sections") volatile int variable = 22;
static __ro_after_init volatile int settled = 23;
static volatile int found;

static int __initdata volatile at_start = 24;
static const int __initconst fixed_at_start = 25;

static FAR_ONE int one(int x);

static COLD int cold(int x)
{
	OPAQUE(x);
	return x > 100 ? x : one(x * 3);
}

static HOT int hot(int x)
{
	OPAQUE(x);
	return x & 1 ? cold(x + 1) : one(x);
}

static FAR_ONE int one(int x)
{
	OPAQUE(x);
	return x > 50 ? variable + x : hot(x + 50);
}

static NOINLINE int ordinary(int x)
{
	const int *c = &constant;

	OPAQUE(c);
	return hot(x) + *c;
}

static int __init sections_init(void)
{
	const int *c = &fixed_at_start;

	OPAQUE(c);
	settled = settled + at_start + *c;
	found = ordinary(at_start);
	return 0;
}
module_init(sections_init);

static void __exit sections_exit(void)
{
	world_note(found);
}
module_exit(sections_exit);

MATRIX(sections)
{
	CHECK(hot(2) == 74 && hot(1) == 78);
	CHECK(ordinary(2) == 95 && ordinary(60) == 103);
	CHECK(found == 0 || (found == 117 && settled == 72));
	return 0;
}
