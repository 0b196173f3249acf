/* SPDX-License-Identifier: MIT */
/*
 * Known distances, and that long names stay within the bound.
 */
#include <base/distance.h>

#include <test/test.h>

TEST(distance, counts_each_kind_of_slip_once)
{
	CHECK_EQ(str_distance("printk", "printk"), 0);
	CHECK_EQ(str_distance("printk", "prntk"), 1);
	CHECK_EQ(str_distance("printk", "prrintk"), 1);
	CHECK_EQ(str_distance("printk", "print_"), 1);
	CHECK_EQ(str_distance("printk", "pritnk"), 1);
	CHECK_EQ(str_distance("", "abc"), 3);
	CHECK_EQ(str_distance("abc", ""), 3);
	CHECK_EQ(str_distance("kitten", "sitting"), 3);
}

TEST(distance, long_names_are_cut)
{
	static const char a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

	CHECK_EQ(str_distance(a, ""), 48);
	CHECK_EQ(str_distance(a, a + 1), 0);
	CHECK_EQ(str_distance_limit(a), 17);
	CHECK_EQ(str_distance_limit("ab"), 1);
}
