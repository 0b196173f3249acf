/* SPDX-License-Identifier: MIT */
/*
 * Strings: anonymous and named, in tables, narrow and wide, with common tails
 * (which a linker may merge, so only contents count).
 */
#include "matrix.h"

static const char *const names[] = { "alpha", "beta", "gamma", "a long name",
	"name", "" };
static const char *volatile current = "current";
static const char block[][8] = { "one", "two", "three" };

static NOINLINE int same(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static NOINLINE const char *name_of(int n)
{
	OPAQUE(n);
	return n == 0 ? "name" : n == 1 ? "another long name" : "other";
}

MATRIX(strings)
{
	static const uint16_t half[] = u"half";
	const uint32_t *wide = U"wide";
	int n = 0;

	OPAQUE(n);
	OPAQUE(wide);
	CHECK(same(names[n], "alpha") && same(names[n + 3] + 7, names[n + 4]));
	CHECK(names[n + 5][0] == '\0');
	CHECK(same(current, "current"));
	current = "next";
	CHECK(same(current, "next") && !same(current, "nexu"));
	CHECK(same(block[n + 2], "three"));
	CHECK(same(name_of(0), name_of(1) + 13) && same(name_of(2), "other"));
	CHECK(half[n + 2] == 'l' && wide[3] == 'e');
	CHECK(same(world_string, "the world") && world_text == world_string);
	return 0;
}
