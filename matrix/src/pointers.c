/* SPDX-License-Identifier: MIT */
/*
 * Function pointers: taken in code, kept in static tables, passed to the
 * world, received from it.
 */
#include "matrix.h"

typedef int operation(int a, int b);

VISIBLE int pointers_visible(int a, int b);

static NOINLINE int local(int a, int b)
{
	return a * 10 + b;
}

NOINLINE VISIBLE int pointers_visible(int a, int b)
{
	return a * 100 + b;
}

static operation *const constant[] = { world_add, local, world_mul,
	pointers_visible };
static operation *volatile variable[] = { world_sub, local, pointers_visible };

static NOINLINE operation *choose(int n)
{
	OPAQUE(n);
	switch (n) {
	case 0: return world_add;
	case 1: return local;
	default: return pointers_visible;
	}
}

MATRIX(pointers)
{
	int n = 1;

	OPAQUE(n);
	CHECK(constant[n](2, 3) == 23 && constant[n - 1](2, 3) == 5);
	CHECK(constant[n + 1](2, 3) == 6 && constant[n + 2](2, 3) == 203);
	CHECK(variable[0](2, 3) == -1 && variable[1](2, 3) == 23);
	CHECK(variable[2](2, 3) == 203);
	CHECK(choose(0)(3, 4) == 7 && choose(1)(3, 4) == 34);
	CHECK(choose(2) == variable[2] && choose(1) == variable[1]);
	CHECK(world_apply(local, 5, 6) == 56);
	CHECK(world_apply(world_mul, 5, 6) == 30);
	CHECK(world_operation(9, 2) == 7);
	world_operation = local;
	CHECK(world_operation(9, 2) == 92);
	world_operation = world_sub;
	CHECK(world_records[n + 1].fn(6, 7) == 42);
	return 0;
}
