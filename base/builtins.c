/* SPDX-License-Identifier: MIT */
/*
 * The integer helpers of libgcc and compiler-rt, for modules that are linked
 * with neither: a compiler calls them where the machine has no instruction.
 *
 * None of them may be written with the operation it implements, or the
 * compiler would call the function from itself: bits are counted by sums of
 * neighbours, and a 128-bit value is handled as its two halves only.
 */
#include <base/builtins.h>

int base_popcountdi2(uint64_t x)
{
	x -= (x >> 1) & 0x5555555555555555u;
	x = (x & 0x3333333333333333u) + ((x >> 2) & 0x3333333333333333u);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
	return (int)((x * 0x0101010101010101u) >> 56);
}

int base_popcountsi2(uint32_t x)
{
	return base_popcountdi2(x);
}

/* Fills every bit below the highest one that is set. */
int base_clzdi2(uint64_t x)
{
	x |= x >> 1;
	x |= x >> 2;
	x |= x >> 4;
	x |= x >> 8;
	x |= x >> 16;
	x |= x >> 32;
	return 64 - base_popcountdi2(x);
}

int base_clzsi2(uint32_t x)
{
	return base_clzdi2(x) - 32;
}

/* x - 1 turns the zeroes below the lowest one into ones. */
int base_ctzdi2(uint64_t x)
{
	return base_popcountdi2(~x & (x - 1));
}

int base_ctzsi2(uint32_t x)
{
	return base_ctzdi2(x | (uint64_t)1 << 32);
}

int base_ffsdi2(uint64_t x)
{
	return x == 0 ? 0 : base_ctzdi2(x) + 1;
}

int base_paritydi2(uint64_t x)
{
	return base_popcountdi2(x) & 1;
}

int base_paritysi2(uint32_t x)
{
	return base_popcountdi2(x) & 1;
}

uint64_t base_bswapdi2(uint64_t x)
{
	x = (x & 0x00ff00ff00ff00ffu) << 8 | (x >> 8 & 0x00ff00ff00ff00ffu);
	x = (x & 0x0000ffff0000ffffu) << 16 | (x >> 16 & 0x0000ffff0000ffffu);
	return x << 32 | x >> 32;
}

uint32_t base_bswapsi2(uint32_t x)
{
	return (uint32_t)(base_bswapdi2(x) >> 32);
}

/* Little-endian machines only (base/span.h): the low half comes first. */
union wide {
	base_i128 i;
	base_u128 u;
	struct {
		uint64_t lo, hi;
	} half;
};

static union wide from_i(base_i128 v)
{
	return (union wide){ .i = v };
}

static union wide from_u(base_u128 v)
{
	return (union wide){ .u = v };
}

static bool is_negative(union wide v)
{
	return (v.half.hi >> 63) != 0;
}

static union wide negate(union wide v)
{
	v.half.lo = 0 - v.half.lo;
	v.half.hi = ~v.half.hi + (v.half.lo == 0);
	return v;
}

static union wide magnitude(union wide v)
{
	return is_negative(v) ? negate(v) : v;
}

/* 64 x 64 -> 128 bits by four products of 32-bit halves. */
static union wide multiply(uint64_t a, uint64_t b)
{
	const uint64_t a0 = (uint32_t)a, a1 = a >> 32;
	const uint64_t b0 = (uint32_t)b, b1 = b >> 32;
	const uint64_t low = a0 * b0;
	const uint64_t mid = a1 * b0 + (low >> 32); /* cannot overflow */
	const uint64_t mid2 = a0 * b1 + (uint32_t)mid;
	union wide r;

	r.half.lo = mid2 << 32 | (uint32_t)low;
	r.half.hi = a1 * b1 + (mid >> 32) + (mid2 >> 32);
	return r;
}

base_i128 base_multi3(base_i128 a, base_i128 b)
{
	const union wide x = from_i(a), y = from_i(b);
	union wide r = multiply(x.half.lo, y.half.lo);

	r.half.hi += x.half.lo * y.half.hi + x.half.hi * y.half.lo;
	return r.i;
}

static union wide shift_left(union wide v, unsigned n)
{
	if (n >= 64) {
		v.half.hi = v.half.lo << (n - 64);
		v.half.lo = 0;
	} else if (n != 0) {
		v.half.hi = v.half.hi << n | v.half.lo >> (64 - n);
		v.half.lo <<= n;
	}
	return v;
}

/* Shifts right; @fill, all zeroes or all ones, comes in from above. */
static union wide shift_right(union wide v, unsigned n, uint64_t fill)
{
	if (n >= 64) {
		v.half.lo = v.half.hi;
		v.half.hi = fill;
		n -= 64;
	}
	if (n != 0) {
		v.half.lo = v.half.lo >> n | v.half.hi << (64 - n);
		v.half.hi = v.half.hi >> n | fill << (64 - n);
	}
	return v;
}

base_i128 base_ashlti3(base_i128 a, int n)
{
	return shift_left(from_i(a), (unsigned)n & 127).i;
}

base_u128 base_lshrti3(base_u128 a, int n)
{
	return shift_right(from_u(a), (unsigned)n & 127, 0).u;
}

base_i128 base_ashrti3(base_i128 a, int n)
{
	const union wide v = from_i(a);

	return shift_right(
	    v, (unsigned)n & 127, is_negative(v) ? ~(uint64_t)0 : 0)
	    .i;
}

static unsigned leading_zeroes(union wide v)
{
	return (unsigned)(v.half.hi != 0 ? base_clzdi2(v.half.hi)
					 : 64 + base_clzdi2(v.half.lo));
}

/* Takes @b off @a when it fits in. */
static bool subtract(union wide *a, union wide b)
{
	if (a->half.hi < b.half.hi ||
	    (a->half.hi == b.half.hi && a->half.lo < b.half.lo))
		return false;
	a->half.hi -= b.half.hi + (a->half.lo < b.half.lo);
	a->half.lo -= b.half.lo;
	return true;
}

/* Long division: one step for each bit by which @a is longer than @b. */
static union wide divide(union wide a, union wide b, union wide *rest)
{
	union wide quotient = { .half = { 0, 0 } };

	*rest = a;
	if (b.half.hi == 0 && b.half.lo == 0)
		return quotient;
	if (a.half.hi == 0 && b.half.hi == 0) {
		quotient.half.lo = a.half.lo / b.half.lo;
		rest->half.lo = a.half.lo % b.half.lo;
		return quotient;
	}
	const unsigned za = leading_zeroes(a), zb = leading_zeroes(b);

	if (zb < za)
		return quotient;
	b = shift_left(b, zb - za);
	for (unsigned i = 0; i <= zb - za; i++) {
		quotient = shift_left(quotient, 1);
		quotient.half.lo |= subtract(rest, b);
		b = shift_right(b, 1, 0);
	}
	return quotient;
}

base_u128 base_udivti3(base_u128 a, base_u128 b)
{
	union wide rest;

	return divide(from_u(a), from_u(b), &rest).u;
}

base_u128 base_umodti3(base_u128 a, base_u128 b)
{
	union wide rest;

	(void)divide(from_u(a), from_u(b), &rest); /* wanted: the rest */
	return rest.u;
}

base_u128 base_udivmodti4(base_u128 a, base_u128 b, base_u128 *rest)
{
	union wide r;
	const union wide q = divide(from_u(a), from_u(b), &r);

	*rest = r.u;
	return q.u;
}

/* C truncates towards zero: the signs are taken off and put back. */
base_i128 base_divti3(base_i128 a, base_i128 b)
{
	const union wide x = from_i(a), y = from_i(b);
	union wide rest;
	const union wide q = divide(magnitude(x), magnitude(y), &rest);

	return is_negative(x) != is_negative(y) ? negate(q).i : q.i;
}

base_i128 base_modti3(base_i128 a, base_i128 b)
{
	const union wide x = from_i(a), y = from_i(b);
	union wide rest;

	(void)divide(magnitude(x), magnitude(y), &rest); /* as above */
	return is_negative(x) ? negate(rest).i : rest.i;
}

base_i128 base_divmodti4(base_i128 a, base_i128 b, base_i128 *rest)
{
	*rest = base_modti3(a, b);
	return base_divti3(a, b);
}
