/* SPDX-License-Identifier: MIT */
/*
 * Large tables: read-only, initialised and zero, and a table of addresses
 * that takes one relocation an entry.
 */
#include <tenon/module.h>

#define KIB 1024

/* clang-format off */
#define X4(x) x, x, x, x
#define X16(x) X4(x), X4(x), X4(x), X4(x)
#define X256(x) X16(x), X16(x), X16(x), X16(x), X16(x), X16(x), X16(x), \
	X16(x), X16(x), X16(x), X16(x), X16(x), X16(x), X16(x), X16(x), X16(x)
#define X4096(x) X256(x), X256(x), X256(x), X256(x), X256(x), X256(x), \
	X256(x), X256(x), X256(x), X256(x), X256(x), X256(x), X256(x), \
	X256(x), X256(x), X256(x)
/* clang-format on */

static const uint32_t constant[256 * KIB] = { X4096(3), [65536] = 1,
	[256 * KIB - 1] = 5 };
static uint32_t initialised[256 * KIB] = { X4096(7), [131072] = 2 };
static uint32_t zero[KIB * KIB];
static uint32_t *const addresses[4096] = { X4096(&initialised[131072]) };

long bigdata_sum(void);

long bigdata_sum(void)
{
	long sum = 0;

	for (size_t i = 0; i < sizeof(constant) / sizeof(constant[0]); i++)
		sum += (long)constant[i] + initialised[i];
	for (size_t i = 0; i < sizeof(zero) / sizeof(zero[0]); i++)
		sum += zero[i];
	for (size_t i = 0; i < 4096; i++)
		sum += *addresses[i];
	return sum;
}
EXPORT_SYMBOL(bigdata_sum);

long bigdata_set(long i, long v);

/* Keeps the compiler from knowing what the tables hold. */
long bigdata_set(long i, long v)
{
	initialised[i] = (uint32_t)v;
	zero[i] = (uint32_t)v;
	return (long)initialised[i] + zero[i];
}
EXPORT_SYMBOL(bigdata_set);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("a megabyte each of constants, data and addresses");
