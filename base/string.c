/* SPDX-License-Identifier: MIT */
/*
 * String helpers for code that has no C library. Names differ from the
 * library's so that both may live in one program.
 */
#include <base/string.h>

size_t str_len(const char *s)
{
	const char *end = s;

	while (*end != '\0')
		end++;
	return (size_t)(end - s);
}

int str_cmp(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

bool str_eq(const char *a, const char *b)
{
	return str_cmp(a, b) == 0;
}

bool str_begins(const char *s, const char *prefix)
{
	while (*prefix != '\0')
		if (*s++ != *prefix++)
			return false;
	return true;
}

size_t str_copy(char *dst, size_t cap, const char *src)
{
	const size_t n = str_len(src);

	if (cap != 0) {
		const size_t keep = n < cap ? n : cap - 1;

		memcpy(dst, src, keep);
		dst[keep] = '\0';
	}
	return n;
}
