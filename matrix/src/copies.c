/* SPDX-License-Identifier: MIT */
/*
 * What compilers call behind C's back: memcpy, memset, memmove and memcmp for
 * objects too large to be copied in place, and 128-bit division.
 */
#include "matrix.h"

struct large {
	uint64_t words[120];
};

static struct large volatile source;
static struct large first, second;

static NOINLINE struct large make(uint64_t seed)
{
	struct large l = { { 0 } };

	for (int i = 0; i < 120; i += 7)
		l.words[i] = seed + (uint64_t)i;
	return l;
}

static NOINLINE void copy(struct large *to, const struct large *from)
{
	*to = *from;
}

static NOINLINE uint64_t divide(unsigned __int128 a, unsigned __int128 b)
{
	return (uint64_t)(a / b * 1000 + a % b);
}

MATRIX(copies)
{
	struct large local;

	first = make(5);
	CHECK(first.words[119] == 124 && first.words[118] == 0);
	copy(&second, &first);
	copy(&local, &second);
	CHECK(local.words[112] == 117 && local.words[1] == 0);
	local.words[3] = 1;
	CHECK(__builtin_memcmp(&local, &first, sizeof(local)) > 0);
	__builtin_memmove(&local.words[1], &local.words[0], 200);
	CHECK(local.words[1] == 5 && local.words[8] == 12);
	__builtin_memset(&local, 1, sizeof(local));
	CHECK(local.words[77] == 0x0101010101010101);
	CHECK(source.words[60] == 0);
	CHECK(divide((unsigned __int128)world_u64 << 32, world_u32) != 0);
	CHECK(divide((unsigned __int128)5 << 100,
		  ((unsigned __int128)1 << 100) + (world_u32 & 1)) == 5000);
	return 0;
}
