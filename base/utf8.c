/* SPDX-License-Identifier: MIT */
#include <base/utf8.h>

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
