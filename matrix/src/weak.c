/* SPDX-License-Identifier: MIT */
/*
 * Weak symbols: undefined ones have the address 0 and their calls are
 * skipped; defined ones and aliases are ordinary definitions; an import that
 * is there although it is only wanted weakly.
 */
#include "matrix.h"

TENON_IMPORTS_BEGIN
int weak_absent(int x) __attribute__((weak));
extern int weak_absent_data[8] __attribute__((weak));
extern uint8_t weak_absent_byte __attribute__((weak));
int world_mul(int a, int b) __attribute__((weak));
extern uint32_t world_u32 __attribute__((weak));
TENON_IMPORTS_END

VISIBLE int weak_defined(int x) __attribute__((weak));
VISIBLE int weak_alias(int x);
VISIBLE __attribute__((weak)) int weak_data = 17;

NOINLINE VISIBLE int weak_defined(int x)
{
	OPAQUE(x);
	return x + 3;
}

VISIBLE int weak_alias(int x) __attribute__((weak, alias("weak_defined")));

static int *const table[] = { weak_absent_data, &weak_data };
static int (*const functions[])(int x) = { weak_absent, weak_alias };

static NOINLINE int call_if_there(int x)
{
	return weak_absent != NULL ? weak_absent(x) : x;
}

static NOINLINE int tail_if_there(int x)
{
	if (weak_absent != NULL)
		return weak_absent(x + 1);
	return -x;
}

MATRIX(weak)
{
	int n = 0;

	OPAQUE(n);
	CHECK(call_if_there(7) == 7 && tail_if_there(7) == -7);
	CHECK(weak_absent == NULL && weak_absent_data == NULL);
	CHECK(&weak_absent_byte == NULL);
	CHECK(table[n] == NULL && *table[n + 1] == 17);
	CHECK(functions[n] == NULL && functions[n + 1](1) == 4);
	CHECK(weak_defined(2) == 5 && weak_alias(3) == 6);
	CHECK(weak_data == 17);
	CHECK(world_mul != NULL && world_mul(3, 3) == 9);
	CHECK(&world_u32 != NULL && world_rows[1] == 10);
	return 0;
}
