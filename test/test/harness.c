/* SPDX-License-Identifier: MIT */
/* The harness finds its tests, and its checks hold when they should. */
#include <test/test.h>

TEST(harness, equal_values_pass)
{
	unsigned char bytes[2] = { 1, 2 };

	CHECK(true);
	CHECK_EQ(-1, ~0);
	CHECK_STR("same", "same");
	CHECK_STR(NULL, NULL);
	CHECK_MEM(bytes, "\1\2", 2);
}

TEST(harness, expect_has_the_value_of_its_condition)
{
	CHECK(EXPECT(1 + 1 == 2));
	CHECK(!test_failed());
}
