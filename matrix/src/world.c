/* SPDX-License-Identifier: MIT */
/*
 * The provider: data of every width and functions of every shape, exported to
 * the sources of the matrix. world.h says what is what.
 */
#include "matrix.h"

VISIBLE uint8_t world_u8 = 0x81;
VISIBLE int8_t world_s8 = -3;
VISIBLE uint16_t world_u16 = 0x8182;
VISIBLE int16_t world_s16 = -300;
VISIBLE uint32_t world_u32 = 0x81828384;
VISIBLE int32_t world_s32 = -70000;
VISIBLE uint64_t world_u64 = 0x8182838485868788;
VISIBLE unsigned __int128 world_u128 =
    (unsigned __int128)0x0102030405060708 << 64 | 0x1112131415161718;
VISIBLE world_vector world_v128 = { 1, 20, 300, 4000 };
VISIBLE const char world_string[] = "the world";
VISIBLE const char *world_text = world_string;
VISIBLE uint64_t world_zeros[64];
VISIBLE int (*world_operation)(int a, int b) = world_sub;

VISIBLE struct world_record world_records[4] = {
	{ 1, 10, 100, 1000, "zero", world_add },
	{ 2, 20, 200, 2000, "one", world_sub },
	{ 3, 30, 300, 3000, "two", world_mul },
	{ 4, 40, 400, 4000, "three", NULL },
};

#define ROW1(i)  7 * (i) + 3
#define ROW4(i)  ROW1(i), ROW1((i) + 1), ROW1((i) + 2), ROW1((i) + 3)
#define ROW16(i) ROW4(i), ROW4((i) + 4), ROW4((i) + 8), ROW4((i) + 12)
#define ROW64(i) ROW16(i), ROW16((i) + 16), ROW16((i) + 32), ROW16((i) + 48)
VISIBLE uint32_t world_rows[WORLD_ROWS] = { ROW64(0), ROW64(64), ROW64(128),
	ROW64(192), ROW64(256), ROW64(320), ROW64(384), ROW64(448) };

static int noted;

VISIBLE int world_add(int a, int b)
{
	return a + b;
}

VISIBLE int world_sub(int a, int b)
{
	return a - b;
}

VISIBLE int world_mul(int a, int b)
{
	return a * b;
}

VISIBLE int world_apply(int (*fn)(int a, int b), int a, int b)
{
	return fn(a, b);
}

VISIBLE long world_count(int n, ...)
{
	long sum = 0;
	va_list ap;

	va_start(ap, n);
	while (n-- > 0)
		sum += va_arg(ap, long);
	va_end(ap);
	return sum;
}

VISIBLE uint64_t world_digits(uint64_t a, uint64_t b, uint64_t c, uint64_t d,
    uint64_t e, uint64_t f, uint64_t g, uint64_t h, uint64_t i, uint64_t j)
{
	const uint64_t digits[] = { a, b, c, d, e, f, g, h, i, j };
	uint64_t sum = 0;

	for (int n = 0; n < 10; n++)
		sum = sum * 11 + digits[n];
	return sum;
}

VISIBLE double world_half(double x)
{
	return x / 2;
}

VISIBLE uint64_t world_sum(void)
{
	return world_u8 + (uint64_t)world_s8 + world_u16 + (uint64_t)world_s16 +
	       world_u32 + (uint64_t)world_s32 + world_u64 +
	       (uint64_t)world_u128 + (uint64_t)(world_u128 >> 64) +
	       world_v128[0] + world_v128[1] + world_v128[2] + world_v128[3];
}

VISIBLE void world_note(int step)
{
	noted = noted * 10 + step;
}

VISIBLE int world_noted(void)
{
	return noted;
}

EXPORT_SYMBOL(world_u8);
EXPORT_SYMBOL(world_s8);
EXPORT_SYMBOL(world_u16);
EXPORT_SYMBOL(world_s16);
EXPORT_SYMBOL(world_u32);
EXPORT_SYMBOL(world_s32);
EXPORT_SYMBOL(world_u64);
EXPORT_SYMBOL(world_u128);
EXPORT_SYMBOL(world_v128);
EXPORT_SYMBOL(world_string);
EXPORT_SYMBOL(world_text);
EXPORT_SYMBOL(world_records);
EXPORT_SYMBOL(world_rows);
EXPORT_SYMBOL(world_zeros);
EXPORT_SYMBOL(world_operation);
EXPORT_SYMBOL(world_add);
EXPORT_SYMBOL(world_sub);
EXPORT_SYMBOL(world_mul);
EXPORT_SYMBOL(world_apply);
EXPORT_SYMBOL(world_count);
EXPORT_SYMBOL(world_digits);
EXPORT_SYMBOL(world_half);
EXPORT_SYMBOL(world_sum);
EXPORT_SYMBOL(world_note);
EXPORT_SYMBOL(world_noted);
