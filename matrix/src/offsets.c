/* SPDX-License-Identifier: MIT */
/*
 * Addends in code: members deep inside an object, before its start and behind
 * its end; one address shared by many accesses (on riscv one HI20 for several
 * LO12, loads and stores).
 */
#include "matrix.h"

struct deep {
	char lead[1000];
	uint8_t b;
	uint16_t h;
	uint32_t w;
	uint64_t d;
	struct {
		int32_t x, y, z;
	} points[40];
	char trail[70000];
	int last;
};

static struct deep volatile deep = { .b = 1,
	.h = 2,
	.w = 3,
	.d = 4,
	.points = { [7] = { 5, 6, 7 }, [39] = { 8, 9, 10 } },
	.last = 11 };
HIDDEN volatile int offsets_small[6] = { 1, 2, 3, 4, 5, 6 };

static NOINLINE int many_of_one(void)
{
	offsets_small[1] = offsets_small[0] + offsets_small[2];
	offsets_small[3] = offsets_small[4] - offsets_small[5];
	offsets_small[0] += offsets_small[1];
	return offsets_small[0] * 100 + offsets_small[1] * 10 +
	       offsets_small[3];
}

static NOINLINE int before(long n)
{
	OPAQUE(n);
	return (int)world_rows[n - 100];
}

static NOINLINE uint32_t behind(long n)
{
	OPAQUE(n);
	return world_rows[WORLD_ROWS - n];
}

MATRIX(offsets)
{
	CHECK(deep.b == 1 && deep.h == 2 && deep.w == 3 && deep.d == 4);
	CHECK(deep.points[7].y == 6 && deep.points[39].z == 10);
	CHECK(deep.last == 11 && deep.trail[69999] == 0);
	deep.d = 44;
	deep.last = 111;
	deep.points[20].x = 12;
	CHECK(
	    deep.d + (uint64_t)deep.last + (uint64_t)deep.points[20].x == 167);
	CHECK(many_of_one() == 539);
	CHECK(before(100) == 3 && before(107) == 52);
	CHECK(behind(1) == 7 * 511 + 3 && behind(WORLD_ROWS) == 3);
	CHECK(world_records[2].wide == 3000 && world_records[3].half == 40);
	CHECK(world_rows[300] == 2103);
	return 0;
}
