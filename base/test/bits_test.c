/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a word, against a look at each.
 */
#include <base/bits.h>
#include <base/hash.h>

#include <test/test.h>

TEST(bits, the_lowest_byte_that_is_zero)
{
	for (uint64_t i = 0; i < 20000; i++) {
		/* few values, so that zeros, ones and 0x80 are frequent */
		const uint64_t word = hash_mix(i) & (BYTE_ONES * 0x81);
		unsigned at = 0;

		while (at < 8 && (word >> (8 * at) & 0xff) != 0)
			at++;
		const uint64_t below =
		    at == 8 ? UINT64_MAX : ((uint64_t)1 << (8 * at)) - 1;

		CHECK_EQ(zero_bytes(word) == 0, at == 8);
		CHECK_EQ(bits_below(zero_bytes(word)), below);
		CHECK_EQ(bytes_below(zero_bytes(word)), at);
	}
}
