/* SPDX-License-Identifier: MIT */
/*
 * Optimal string alignment over three rows of the classic matrix: this one,
 * the one above, and the one above that for swapped neighbours.
 */
#include <base/distance.h>

#include <stdbool.h>
#include <stddef.h>

#define CUT 48 /* characters of a name that count */

static size_t cut_length(const char *s)
{
	size_t n = 0;

	while (n < CUT && s[n] != '\0')
		n++;
	return n;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	const unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* True when the last two characters of @a and @b are each other's swap. */
static bool swapped(const char *a, size_t i, const char *b, size_t j)
{
	return i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
}

unsigned str_distance(const char *a, const char *b)
{
	const size_t an = cut_length(a), bn = cut_length(b);
	unsigned rows[3][CUT + 1];

	for (size_t j = 0; j <= bn; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= an; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *up = rows[(i + 2) % 3];
		const unsigned *up2 = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= bn; j++) {
			row[j] = min3(up[j] + 1, row[j - 1] + 1,
			    up[j - 1] + (a[i - 1] != b[j - 1]));
			if (swapped(a, i, b, j) && up2[j - 2] + 1 < row[j])
				row[j] = up2[j - 2] + 1;
		}
	}
	return rows[an % 3][bn];
}

unsigned str_distance_limit(const char *name)
{
	return (unsigned)(cut_length(name) / 3 + 1);
}
