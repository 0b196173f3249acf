/* SPDX-License-Identifier: MIT */
/*
 * C++: objects with constructors at namespace scope, in order; statics inside
 * functions, constant ones and guarded ones without locks; references;
 * overloaded functions and lambdas in tables.
 */
#include "matrix.h"

namespace
{

volatile int built;

struct Step {
	int at;
	explicit Step(int n) : at(built * 10 + n)
	{
		built = at;
	}
};

Step first(1);
Step second(world_add(1, 1));

int over(int x)
{
	return x + 1;
}

int over(long x)
{
	return static_cast<int>(x) + 2;
}

int (*volatile const of_int)(int) = over;
int (*volatile const of_long)(long) = over;
int (*const lambdas[])(int) = {
	[](int x) { return world_add(x, 5); },
	[](int x) { return x * 6; },
};
uint32_t &row = world_rows[9];
const uint64_t &wide = world_u64;

NOINLINE int next()
{
	static int counter = 40;
	static const Step *volatile kept = &second;

	return ++counter + (kept == &second ? 0 : 100);
}

NOINLINE int lazy()
{
	static Step third(3);

	return third.at;
}

} // namespace

MATRIX(cxx_static)
{
	int n = 0;

	OPAQUE(n);
	CHECK(built == 12 && first.at == 1 && second.at == 12);
	CHECK(lazy() == 123 && lazy() == 123 && built == 123);
	CHECK(of_int(1) == 2 && of_long(1) == 3);
	CHECK(lambdas[n](1) == 6 && lambdas[n + 1](2) == 12);
	CHECK(row == 66 && wide == world_u64);
	CHECK(next() == 41 && next() == 42);
	return 0;
}
