/* SPDX-License-Identifier: MIT */
/*
 * base/format.h against the C library's: every flag, width, size and
 * conversion that both know, with values at the ends of their types. Here,
 * since only a process has that library.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <base/format.h>
#include <test/test.h>

/* Formats that a compiler cannot check: they are made here. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

#define ROOM 160

static const int64_t values[] = { 0, 1, -1, 42, -42, 127, 128, 255, 32767,
	32768, 65535, 65536, INT32_MAX, INT32_MIN, UINT32_MAX, INT64_MAX,
	INT64_MIN };

static bool same(const char *fmt, const char *ours, size_t n, const char *libc)
{
	if (strcmp(ours, libc) == 0 && n == strlen(libc))
		return true;
	printf("%s: '%s' (%zu) instead of '%s'\n", fmt, ours, n, libc);
	return false;
}

static bool integer_is_same(const char *flags, const char *width,
    const char *size, char conversion, int64_t v)
{
	char fmt[32], ours[ROOM], libc[ROOM];
	size_t n;

	snprintf(
	    fmt, sizeof(fmt), "<%%%s%s%s%c>", flags, width, size, conversion);
	if (*size == '\0' || *size == 'h') {
		n = text_format(ours, sizeof(ours), fmt, (int)v);
		snprintf(libc, sizeof(libc), fmt, (int)v);
	} else {
		n = text_format(ours, sizeof(ours), fmt, v);
		snprintf(libc, sizeof(libc), fmt, v);
	}
	return same(fmt, ours, n, libc);
}

static void check_integers(const char *flags, const char *conversions)
{
	static const char *const widths[] = { "", "1", "3", "12", "25", "90" };
	static const char *const sizes[] = { "", "h", "hh", "l", "ll", "z", "j",
		"t" };

	for (size_t w = 0; w < ARRAY_SIZE(widths); w++)
		for (size_t s = 0; s < ARRAY_SIZE(sizes); s++)
			for (size_t v = 0; v < ARRAY_SIZE(values); v++)
				for (const char *c = conversions; *c; c++)
					CHECK(integer_is_same(flags, widths[w],
					    sizes[s], *c, values[v]));
}

TEST(format, integers_are_written_as_by_the_c_library)
{
	static const char *const flags[] = { "", "-", "0", "-0" };

	for (size_t f = 0; f < ARRAY_SIZE(flags); f++)
		check_integers(flags[f], "diuxX");
	check_integers("#", "xX");
	check_integers("#0", "xX");
	check_integers("-#", "xX");
}

#define SAME(...)                                                              \
	do {                                                                   \
		char ours[ROOM], libc[ROOM];                                   \
		const size_t whole =                                           \
		    text_format(ours, sizeof(ours), __VA_ARGS__);              \
                                                                               \
		snprintf(libc, sizeof(libc), __VA_ARGS__);                     \
		CHECK(same(#__VA_ARGS__, ours, whole, libc));                  \
	} while (0)

TEST(format, strings_and_characters_are_written_as_by_the_c_library)
{
	static const char *const formats[] = { "<%s>", "<%3s>", "<%-3s>",
		"<%9s>", "<%-9s>", "<%.0s>", "<%.2s>", "<%9.2s>", "<%-9.2s>",
		"<%.9s>", "<%.s>" };
	char unended[4] = { 'a', 'b', 'c', 'd' };

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		SAME(formats[i], "");
		SAME(formats[i], "abcde");
	}
	SAME("%.4s", unended);
	for (int n = -12; n < 13; n++) {
		SAME("<%*s>", n, "abcde");
		SAME("<%-*s>", n, "abcde");
		SAME("<%.*s>", n, "abcde");
		SAME("<%*.*s>", n, -n, "abcde");
		SAME("<%*d>", n, 1234);
		SAME("<%0*x>", n, 1234u);
		SAME("<%*c>", n, 'x');
	}
	SAME("<%c%5c%-5c>", 'a', 'b', 'c');
	SAME("100%% of %d", 1);
}

/* C leaves it open how a pointer looks. */
TEST(format, pointers_are_hexadecimal_numbers)
{
	char buf[40];

	CHECK_EQ(text_format(buf, sizeof(buf), "%p %12p", NULL,
		     (void *)(uintptr_t)0xbeef),
	    16);
	CHECK_STR(buf, "0x0       0xbeef");
}

TEST(format, a_text_that_is_cut_is_counted_whole)
{
	char buf[8];

	for (size_t cap = 0; cap <= sizeof(buf); cap++) {
		memset(buf, '#', sizeof(buf));
		CHECK_EQ(text_format(buf, cap, "%05d-%s", -42, "abc"), 9);
		if (cap != 0)
			CHECK(memcmp(buf, "-0042-abc", cap - 1) == 0 &&
			      buf[cap - 1] == '\0');
		CHECK(cap == sizeof(buf) || buf[cap] == '#');
	}
}
