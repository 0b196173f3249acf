/* SPDX-License-Identifier: MIT */
/*
 * COMMON symbols of several sizes and alignments: zero at first, each in its
 * own place.
 */
#include "matrix.h"

#define COMMON __attribute__((common))

COMMON int common_int;
COMMON char common_bytes[37];
COMMON uint64_t common_wide[5];
COMMON world_vector common_vector;
COMMON __attribute__((aligned(256))) char common_aligned[300];
COMMON char common_last;

static void *const all[] = { &common_int, common_bytes, common_wide,
	&common_vector, common_aligned, &common_last };
static const uint16_t sizes[] = { 4, 37, 40, 16, 300, 1 };

static NOINLINE int is_filled(int n, int byte)
{
	const char *at = (const char *)all[n];

	for (int i = 0; i < sizes[n]; i++)
		if (at[i] != (char)byte)
			return 0;
	return 1;
}

static NOINLINE void fill(int n, int byte)
{
	volatile char *at = (volatile char *)all[n];

	for (int i = 0; i < sizes[n]; i++)
		at[i] = (char)byte;
}

MATRIX(common)
{
	for (int n = 0; n < 6; n++)
		CHECK(is_filled(n, 0));
	for (int n = 0; n < 6; n++)
		fill(n, n + 1);
	for (int n = 0; n < 6; n++)
		CHECK(is_filled(n, n + 1));
	CHECK(((uintptr_t)common_aligned & 255) == 0);
	CHECK(((uintptr_t)&common_vector & 15) == 0);
	CHECK(common_int == 0x01010101);
	CHECK(common_wide[4] == 0x0303030303030303);
	CHECK(common_bytes[36] == 2 && common_last == 6);
	return 0;
}
