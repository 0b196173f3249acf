/* SPDX-License-Identifier: MIT */
/*
 * Calls: of static, hidden and default-visible functions, of the world; with
 * every argument register and the stack in use; variadic and floating-point,
 * because a stub must keep what such calls pass beside the arguments.
 */
#include "matrix.h"

VISIBLE int calls_visible(int x);
HIDDEN int calls_hidden(int x);

static NOINLINE int local(int x)
{
	OPAQUE(x);
	return x + 1;
}

NOINLINE HIDDEN int calls_hidden(int x)
{
	OPAQUE(x);
	return local(x) + 10;
}

NOINLINE VISIBLE int calls_visible(int x)
{
	OPAQUE(x);
	return calls_hidden(x) + 100;
}

static NOINLINE int tail_world(int a, int b)
{
	return world_add(a, b + 1);
}

static NOINLINE int tail_visible(int x)
{
	return calls_visible(x * 2);
}

static NOINLINE int odd(unsigned n);

static NOINLINE int even(unsigned n)
{
	OPAQUE(n);
	return n == 0 ? 1 : odd(n - 1);
}

static NOINLINE int odd(unsigned n)
{
	OPAQUE(n);
	return n == 0 ? 0 : even(n - 1);
}

MATRIX(calls)
{
	volatile double seven = 7;

	CHECK(local(1) == 2);
	CHECK(calls_visible(1) == 112);
	CHECK(world_add(2, 3) == 5 && world_sub(2, 3) == -1);
	CHECK(world_mul(world_add(1, 2), world_sub(9, 2)) == 21);
	CHECK(tail_world(4, 5) == 10);
	CHECK(tail_visible(1) == 113);
	CHECK(even(10) && !odd(10));
	CHECK(world_count(9, 1l, 2l, 3l, 4l, 5l, 6l, 7l, 8l, 9l) == 45);
	CHECK(world_digits(0, 0, 0, 0, 1, 2, 3, 4, 5, 6) == 194871);
	CHECK(world_half(seven) > 3.4 && world_half(seven) < 3.6);
	return 0;
}
