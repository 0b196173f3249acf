/* SPDX-License-Identifier: MIT */
/*
 * String helpers for code that has no C library. Names differ from the
 * library's so that both may live in one program.
 */
#include <base/string.h>

#include <stdint.h>

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

size_t utf8_printable(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	const unsigned first = s[0];
	const size_t n = 2 + (size_t)(first >= 0xe0) + (first >= 0xf0);

	if (first < 0x7f)
		return first >= ' ';
	/* From U+00A0 to U+10FFFF; no longer form of what has a shorter one,
	   and no half of a pair. */
	const unsigned two = first << 8 | s[1];

	if (two < 0xc2a0 || two > 0xf48f || (two & 0xffe0) == 0xe080 ||
	    (two & 0xffe0) == 0xeda0 || (two & 0xfff0) == 0xf080)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
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
