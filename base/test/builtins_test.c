/* SPDX-License-Identifier: MIT */
/*
 * The compilers' helpers against the compiler itself: every function of
 * builtins.c must agree with the operator or builtin that it stands for, on
 * corner values and on a fixed sequence of pseudo-random ones.
 */
#include <base/builtins.h>

#include <base/compiler.h>
#include <base/hash.h>
#include <test/test.h>

#define ROUNDS 2000u

static const uint64_t corners[] = { 1, 2, 3, 0xff, 0x8000, 0x7fffffff,
	0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff,
	0x8000000000000000, 0x8000000000000001, 0xfffffffffffffffe,
	0xffffffffffffffff };

/* Numbers of every length, none of them 0. */
static uint64_t sample(unsigned i)
{
	if (i < ARRAY_SIZE(corners))
		return corners[i];
	const uint64_t x = hash_mix(i) | (uint64_t)1 << 63;

	return x >> (x & 63);
}

TEST(builtins, bit_helpers_equal_the_compilers_own)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		const uint64_t x = sample(i);
		const uint32_t w = (uint32_t)x | 1;

		CHECK_EQ(base_popcountdi2(x), __builtin_popcountll(x));
		CHECK_EQ(base_popcountsi2(w), __builtin_popcount(w));
		CHECK_EQ(base_clzdi2(x), __builtin_clzll(x));
		CHECK_EQ(base_clzsi2(w), __builtin_clz(w));
		CHECK_EQ(base_ctzdi2(x), __builtin_ctzll(x));
		CHECK_EQ(
		    base_ctzsi2(w & ~1u), w == 1 ? 32 : __builtin_ctz(w & ~1u));
		CHECK_EQ(base_ffsdi2(x), __builtin_ffsll((long long)x));
		CHECK_EQ(base_paritydi2(x), __builtin_parityll(x));
		CHECK_EQ(base_paritysi2(w), __builtin_parity(w));
		CHECK_EQ(base_bswapdi2(x), __builtin_bswap64(x));
		CHECK_EQ(base_bswapsi2(w), __builtin_bswap32(w));
	}
}

TEST(builtins, zero_has_no_bits)
{
	CHECK_EQ(base_popcountdi2(0), 0);
	CHECK_EQ(base_clzdi2(0), 64);
	CHECK_EQ(base_clzsi2(0), 32);
	CHECK_EQ(base_ctzdi2(0), 64);
	CHECK_EQ(base_ctzsi2(0), 32);
	CHECK_EQ(base_ffsdi2(0), 0);
	CHECK_EQ(base_paritydi2(0), 0);
	CHECK_EQ(base_bswapdi2(0), 0);
}

static base_u128 wide(uint64_t hi, uint64_t lo)
{
	return (base_u128)hi << 64 | lo;
}

static bool division_agrees(base_u128 a, base_u128 b)
{
	const base_i128 sa = (base_i128)a, sb = (base_i128)b;
	const base_i128 lowest = (base_i128)wide(0x8000000000000000u, 0);

	base_u128 rest;
	base_i128 srest;

	if (base_udivti3(a, b) != a / b || base_umodti3(a, b) != a % b ||
	    base_udivmodti4(a, b, &rest) != a / b || rest != a % b ||
	    base_divmodti4(sa, sb, &srest) != base_divti3(sa, sb) ||
	    srest != base_modti3(sa, sb))
		return false;
	if (sa == lowest && sb == -1) /* overflows in C */
		return base_divti3(sa, sb) == lowest &&
		       base_modti3(sa, sb) == 0;
	return base_divti3(sa, sb) == sa / sb && base_modti3(sa, sb) == sa % sb;
}

/* Numbers of all lengths: the high half is often small, zero or all ones. */
static base_u128 wide_sample(unsigned i)
{
	const uint64_t pick = hash_mix(i + 77) & 3;
	const uint64_t high[] = { 0, ~(uint64_t)0, sample(i + 5),
		sample(i + 9) };

	return wide(high[pick], sample(i));
}

TEST(builtins, wide_division_equals_the_compilers_own)
{
	for (unsigned i = 0; i < ROUNDS; i++)
		for (unsigned j = 0; j < 16; j++) {
			const base_u128 b = wide_sample(i * 3 + j);

			if (b == 0)
				continue;
			CHECK(division_agrees(wide_sample(i), b));
		}
	CHECK(division_agrees(wide(0x8000000000000000u, 0), (base_u128)-1));
}

TEST(builtins, wide_division_by_zero_does_not_trap)
{
	const base_u128 a = wide(5, 7);

	CHECK(base_udivti3(a, 0) == 0);
	CHECK(base_umodti3(a, 0) == a);
	CHECK(base_divti3(-(base_i128)5, 0) == 0);
}

TEST(builtins, wide_products_and_shifts_equal_the_compilers_own)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		const base_u128 a = wide_sample(i), b = wide_sample(i + 31);
		const int n = (int)(hash_mix(i) & 127);

		CHECK(base_multi3((base_i128)a, (base_i128)b) ==
		      (base_i128)(a * b));
		CHECK(base_ashlti3((base_i128)a, n) == (base_i128)(a << n));
		CHECK(base_lshrti3(a, n) == a >> n);
		CHECK(base_ashrti3((base_i128)a, n) == (base_i128)a >> n);
	}
	for (int n = 0; n < 128; n++) {
		const base_u128 a =
		    wide(0x8123456789abcdefu, 0xfedcba9876543211u);

		CHECK(base_ashlti3((base_i128)a, n) == (base_i128)(a << n));
		CHECK(base_lshrti3(a, n) == a >> n);
		CHECK(base_ashrti3((base_i128)a, n) == (base_i128)a >> n);
	}
}
