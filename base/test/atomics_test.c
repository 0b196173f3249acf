/* SPDX-License-Identifier: MIT */
/*
 * The atomic helpers: results of each operation, that neighbours in the same
 * word stay untouched, and that the generic functions work at every size and
 * alignment. One thread only: these tests also run without an operating system.
 */
#include <base/builtins.h>

#include <base/string.h>
#include <test/test.h>

enum {
	ORDER = __ATOMIC_SEQ_CST
};

/* Four bytes; the one under test moves through them. */
static uint8_t bytes[4] __attribute__((aligned(4)));

static void bytes_reset(void)
{
	memcpy(bytes, "\x11\x22\x33\x44", 4);
}

TEST(atomics, byte_operations_leave_their_neighbours_alone)
{
	for (unsigned i = 0; i < 4; i++) {
		uint8_t want[4];

		bytes_reset();
		memcpy(want, bytes, 4);
		want[i] = (uint8_t)(want[i] + 0xf8);
		CHECK_EQ(base_atomic_fetch_add_1(&bytes[i], 0xf8, ORDER),
		    0x11 * (i + 1));
		CHECK_MEM(bytes, want, 4);
		want[i] = 0xff;
		base_atomic_store_1(&bytes[i], 0xff, ORDER);
		CHECK_MEM(bytes, want, 4);
		want[i] = 0;
		CHECK_EQ(base_atomic_fetch_add_1(&bytes[i], 1, ORDER), 0xff);
		CHECK_MEM(bytes, want, 4);
		want[i] = 0xff;
		CHECK_EQ(base_atomic_fetch_sub_1(&bytes[i], 1, ORDER), 0);
		CHECK_MEM(bytes, want, 4);
	}
}

TEST(atomics, byte_operations_return_what_was_there)
{
	uint8_t b = 0x5a;

	CHECK_EQ(base_atomic_load_1(&b, ORDER), 0x5a);
	CHECK_EQ(base_atomic_exchange_1(&b, 0xf0, ORDER), 0x5a);
	CHECK_EQ(base_atomic_fetch_and_1(&b, 0x3c, ORDER), 0xf0);
	CHECK_EQ(base_atomic_fetch_or_1(&b, 0x03, ORDER), 0x30);
	CHECK_EQ(base_atomic_fetch_xor_1(&b, 0xff, ORDER), 0x33);
	CHECK_EQ(b, 0xcc);
}

TEST(atomics, halfword_operations_return_what_was_there)
{
	uint16_t pair[2] = { 0xaaaa, 0xffff };

	CHECK_EQ(base_atomic_fetch_add_2(&pair[1], 2, ORDER), 0xffff);
	CHECK_EQ(base_atomic_fetch_sub_2(&pair[1], 3, ORDER), 1);
	CHECK_EQ(base_atomic_fetch_and_2(&pair[1], 0x0ff0, ORDER), 0xfffe);
	CHECK_EQ(base_atomic_fetch_or_2(&pair[1], 0xf000, ORDER), 0x0ff0);
	CHECK_EQ(base_atomic_fetch_xor_2(&pair[1], 0xffff, ORDER), 0xfff0);
	CHECK_EQ(base_atomic_exchange_2(&pair[1], 7, ORDER), 0x000f);
	CHECK_EQ(base_atomic_load_2(&pair[1], ORDER), 7);
	base_atomic_store_2(&pair[1], 9, ORDER);
	CHECK_EQ(pair[1], 9);
	CHECK_EQ(pair[0], 0xaaaa);
}

TEST(atomics, compare_exchange_reports_the_value_found)
{
	uint8_t expected = 0x22;
	uint16_t half = 5, want = 6;

	bytes_reset();
	CHECK(base_atomic_compare_exchange_1(
	    &bytes[1], &expected, 0x99, ORDER, ORDER));
	CHECK_EQ(bytes[1], 0x99);
	CHECK(!base_atomic_compare_exchange_1(
	    &bytes[1], &expected, 0x00, ORDER, ORDER));
	CHECK_EQ(expected, 0x99);
	CHECK(!base_atomic_compare_exchange_2(&half, &want, 1, ORDER, ORDER));
	CHECK_EQ(want, 5);
	CHECK(base_atomic_compare_exchange_2(&half, &want, 1, ORDER, ORDER));
	CHECK_EQ(half, 1);
}

static void pattern(uint8_t *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(seed + i * 7);
}

static void generic_round(size_t n, uint8_t *at)
{
	uint8_t a[24], b[24], got[24];

	pattern(a, sizeof(a), 1);
	pattern(b, sizeof(b), 100);
	base_atomic_store(n, at, a, ORDER);
	base_atomic_load(n, at, got, ORDER);
	CHECK_MEM(got, a, n);
	base_atomic_exchange(n, at, b, got, ORDER);
	CHECK_MEM(got, a, n);
	CHECK_MEM(at, b, n);
	CHECK(!base_atomic_compare_exchange(n, at, got, a, ORDER, ORDER));
	CHECK_MEM(got, b, n);
	CHECK(base_atomic_compare_exchange(n, at, got, a, ORDER, ORDER));
	CHECK_MEM(at, a, n);
}

TEST(atomics, generic_operations_work_at_every_size_and_alignment)
{
	static uint8_t room[64] __attribute__((aligned(16)));

	for (size_t n = 1; n <= 24; n++)
		for (size_t off = 8; off < 16; off++) {
			memset(room, 0xee, sizeof(room));
			generic_round(n, room + off);
			CHECK_EQ(room[off - 1], 0xee);
			CHECK_EQ(room[off + n], 0xee);
		}
}
