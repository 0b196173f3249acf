/* SPDX-License-Identifier: MIT */
/*
 * Alignment of data up to a page, of functions and of loops, and __int128.
 */
#include "matrix.h"

static __attribute__((aligned(64))) volatile char line = 1;
static __attribute__((aligned(4096))) volatile char page = 2;
static __attribute__((aligned(2048))) char zero_page[1];
static const __attribute__((aligned(512))) char constant[] = "aligned";
static volatile unsigned __int128 wide = (unsigned __int128)7 << 70 | 9;
static volatile __int128 small = -5;

__attribute__((aligned(128), noinline)) static int aligned_function(int x)
{
	OPAQUE(x);
	return x + 1;
}

static NOINLINE unsigned loops(const uint32_t *rows, unsigned n)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = 0; j < 3; j++) {
			sum += rows[i] ^ j;
			OPAQUE(sum);
		}
		if (sum & 1)
			sum += 2;
	}
	return sum;
}

MATRIX(aligned)
{
	const char *c = constant;

	OPAQUE(c);
	CHECK(((uintptr_t)&line & 63) == 0 && ((uintptr_t)&page & 4095) == 0);
	CHECK(((uintptr_t)zero_page & 2047) == 0 && zero_page[0] == 0);
	CHECK(((uintptr_t)c & 511) == 0 && c[6] == 'd');
	CHECK(((uintptr_t)&aligned_function & 127) == 0);
	CHECK(((uintptr_t)&wide & 15) == 0);
	CHECK(aligned_function(line) + page == 4);
	CHECK(wide >> 70 == 7 && (uint64_t)wide == 9);
	wide = wide * (unsigned __int128)small + 50;
	CHECK((uint64_t)wide == 5 && small == -5);
	CHECK(loops(world_rows, 4) == 3 * (3 + 10 + 17 + 24) + 4);
	return 0;
}
