/* SPDX-License-Identifier: MIT */
/*
 * The module's own data of every width, static, hidden and default-visible;
 * volatile, so that each access is an access.
 */
#include "matrix.h"

static volatile uint8_t own_u8 = 0x91;
static volatile int16_t own_s16 = -9;
static volatile uint32_t own_u32 = 0x91929394;
static volatile uint64_t own_u64 = 0x9192939495969798;
static volatile world_vector own_v128 = { 9, 90, 900, 9000 };
static volatile unsigned __int128 own_u128 = 99;
static volatile uint32_t own_zero;

HIDDEN volatile uint16_t own_hidden = 0x9a9b;
VISIBLE volatile uint32_t own_visible = 0x9c9d9e9f;
VISIBLE volatile uint64_t own_visible_zero;
HIDDEN volatile uint8_t own_bytes[4099] = { [0] = 1, [4098] = 2 };

static NOINLINE int scalars(void)
{
	CHECK(own_u8 == 0x91 && own_s16 == -9 && own_u32 == 0x91929394);
	CHECK(own_u64 == 0x9192939495969798 && own_u128 == 99);
	own_u8 = 7;
	own_s16 = -7;
	own_u32 = 0x17171717;
	own_u64 = own_u32;
	own_u128 = own_u64;
	CHECK(own_u8 + own_s16 == 0 && own_u64 == 0x17171717);
	CHECK(own_u128 == own_u32);
	return 0;
}

static NOINLINE int vectors(void)
{
	const world_vector v = own_v128;

	CHECK(v[0] == 9 && v[3] == 9000);
	own_v128 = v + v;
	CHECK(own_v128[1] == 180);
	return 0;
}

static NOINLINE int globals(void)
{
	CHECK(own_hidden == 0x9a9b && own_visible == 0x9c9d9e9f);
	CHECK(own_zero == 0 && own_visible_zero == 0);
	own_hidden = 5;
	own_visible = own_hidden;
	own_visible_zero = own_visible;
	own_zero = (uint32_t)own_visible_zero + 1;
	CHECK(own_zero == 6);
	CHECK(own_bytes[0] == 1 && own_bytes[4098] == 2);
	own_bytes[4097] = 3;
	CHECK(own_bytes[4097] == 3 && own_bytes[4096] == 0);
	return 0;
}

MATRIX(own)
{
	CHECK(scalars() == 0);
	CHECK(vectors() == 0);
	CHECK(globals() == 0);
	return 0;
}
