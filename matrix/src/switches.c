/* SPDX-License-Identifier: MIT */
/*
 * Dense switches, which become jump tables: with calls in the cases, with
 * results looked up, and one with a hole.
 */
#include "matrix.h"

static NOINLINE int with_calls(int n, int x)
{
	switch (n) {
	case 0: return world_add(x, 1);
	case 1: return world_sub(x, 2);
	case 2: return world_mul(x, 3);
	case 3: return world_u8 + x;
	case 4: world_note(x); return 4;
	case 5: return world_noted();
	case 6: return world_add(x, 6) * 2;
	case 7: return world_mul(x, x);
	case 8: return world_s16 - x;
	case 9: return (int)world_rows[x];
	default: return -1;
	}
}

static NOINLINE const char *with_strings(int n)
{
	switch (n) {
	case 3: return "three";
	case 4: return "four";
	case 5: return "five";
	case 6: return "six";
	case 8: return "eight";
	case 9: return "nine";
	case 10: return "ten";
	default: return world_string;
	}
}

MATRIX(switches)
{
	static const int16_t expected[] = { 6, 3, 15, 0x86, 4, 5, 22, 25, -305,
		38, -1, -1 };
	int sum = 0;

	for (int n = 0; n < 12; n++)
		sum += with_calls(n, 5) == expected[n] ? 0 : 1 << n;
	CHECK(sum == 0);
	for (int n = 0; n < 12; n++)
		sum = sum * 3 + with_strings(n)[2];
	CHECK(with_strings(7) == world_string && with_strings(11)[0] == 't');
	CHECK(with_strings(4)[1] == 'o' && with_strings(10)[2] == 'n');
	CHECK(sum != 0);
	return 0;
}
