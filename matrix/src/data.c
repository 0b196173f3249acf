/* SPDX-License-Identifier: MIT */
/*
 * Imported data of every width: loads, sign-extending loads, stores, and an
 * address, all of which the compiler forms anew in each expression.
 */
#include "matrix.h"

static NOINLINE uint64_t own_sum(void)
{
	return world_u8 + (uint64_t)world_s8 + world_u16 + (uint64_t)world_s16 +
	       world_u32 + (uint64_t)world_s32 + world_u64 +
	       (uint64_t)world_u128 + (uint64_t)(world_u128 >> 64) +
	       world_v128[0] + world_v128[1] + world_v128[2] + world_v128[3];
}

static NOINLINE void store(uint64_t x)
{
	world_u8 = (uint8_t)x;
	world_s8 = (int8_t)~x;
	world_u16 = (uint16_t)x;
	world_s16 = (int16_t)~x;
	world_u32 = (uint32_t)x;
	world_s32 = (int32_t)~x;
	world_u64 = x;
	world_u128 = (unsigned __int128)x << 64 | ~x;
	world_v128 = (world_vector){ (uint32_t)x, 1, 2, 3 };
}

static NOINLINE void store_constants(void)
{
	world_u8 = 0x18;
	world_u16 = 0x1728;
	world_u32 = 0x17273748;
	world_u64 = 0x1727374757677788;
	world_u128 = 5;
	world_v128 = (world_vector){ 4, 3, 2, 1 };
}

static NOINLINE void restore(void)
{
	world_u8 = 0x81;
	world_s8 = -3;
	world_u16 = 0x8182;
	world_s16 = -300;
	world_u32 = 0x81828384;
	world_s32 = -70000;
	world_u64 = 0x8182838485868788;
	world_u128 =
	    (unsigned __int128)0x0102030405060708 << 64 | 0x1112131415161718;
	world_v128 = (world_vector){ 1, 20, 300, 4000 };
}

static NOINLINE int first_values(void)
{
	CHECK(world_u8 == 0x81 && world_s8 == -3);
	CHECK(world_u16 == 0x8182 && world_s16 == -300);
	CHECK(world_u32 == 0x81828384 && world_s32 == -70000);
	CHECK(world_u64 == 0x8182838485868788);
	CHECK((uint64_t)(world_u128 >> 64) == 0x0102030405060708);
	CHECK(world_v128[3] == 4000);
	return 0;
}

MATRIX(data)
{
	CHECK(first_values() == 0);
	CHECK(own_sum() == world_sum());
	store(0x0123456789abcdef);
	CHECK(own_sum() == world_sum());
	CHECK(world_u16 == 0xcdef && world_s8 == 0x10);
	store_constants();
	CHECK(own_sum() == world_sum());
	CHECK(world_u32 == 0x17273748 && world_v128[0] == 4);
	restore();
	CHECK(first_values() == 0);
	return 0;
}
