/* SPDX-License-Identifier: MIT */
/*
 * The guaranteed string functions: ISO C's results, the sign of comparisons
 * and the edges of the counted variants included.
 */
#include <base/builtins.h>

#include <test/test.h>

TEST(cstring, lengths_stop_at_the_end_or_the_limit)
{
	CHECK_EQ(base_strlen(""), 0);
	CHECK_EQ(base_strlen("abc"), 3);
	CHECK_EQ(base_strnlen("abc", 2), 2);
	CHECK_EQ(base_strnlen("abc", 9), 3);
	CHECK_EQ(base_strnlen("abc", 0), 0);
}

TEST(cstring, comparison_is_of_unsigned_bytes)
{
	CHECK_EQ(base_strcmp("abc", "abc"), 0);
	CHECK(base_strcmp("ab", "abc") < 0);
	CHECK(base_strcmp("\xff", "a") > 0);
	CHECK_EQ(base_strncmp("abX", "abY", 2), 0);
	CHECK(base_strncmp("abX", "abY", 3) < 0);
	CHECK_EQ(base_strncmp("ab", "ab", 100), 0);
	CHECK(base_strncmp("\xff", "a", 1) > 0);
	CHECK_EQ(base_strncmp("a", "b", 0), 0);
}

TEST(cstring, searches_find_the_first_or_last_place)
{
	const char *s = "banana";

	CHECK(base_strchr(s, 'n') == s + 2);
	CHECK(base_strrchr(s, 'n') == s + 4);
	CHECK(base_strchr(s, 'x') == NULL);
	CHECK(base_strrchr(s, 'x') == NULL);
	CHECK(base_strchr(s, '\0') == s + 6);
	CHECK(base_strrchr(s, '\0') == s + 6);
	CHECK(base_strstr(s, "nan") == s + 2);
	CHECK(base_strstr(s, "") == s);
	CHECK(base_strstr(s, "nab") == NULL);
	CHECK(base_strstr("", "") != NULL);
}

TEST(cstring, snprintf_counts_past_the_end)
{
	char buf[8];

	CHECK_EQ(base_snprintf(buf, sizeof(buf), "%d-%s", 42, "abcdef"), 9);
	CHECK_STR(buf, "42-abcd");
	CHECK_EQ(base_snprintf(NULL, 0, "%08lx", 0xbeeful), 8);
}
