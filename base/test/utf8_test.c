/* SPDX-License-Identifier: MIT */
/*
 * What of foreign texts is fit to be printed: Unicode's table of well-formed
 * sequences (3-7) with its edges, and what steers a terminal.
 */
#include <base/utf8.h>

#include <test/test.h>

TEST(utf8, printable_is_utf8_without_controls)
{
	static const struct {
		const char *text;
		size_t n;
	} rows[] = {
		{ "", 0 },
		/* ASCII */
		{ "\x01", 0 },
		{ "\x1b[", 0 },
		{ "\x1f", 0 },
		{ " ", 1 },
		{ "~", 1 },
		{ "\x7f", 0 },
		/* no sequence begins so */
		{ "\x80", 0 },
		{ "\x9b", 0 },
		{ "\xbf\xbf\xbf\xbf", 0 },
		{ "\xc0\x80", 0 },
		{ "\xc1\xbf", 0 },
		/* of two bytes: controls up to U+009F */
		{ "\xc2\x7f", 0 },
		{ "\xc2\x80", 0 },
		{ "\xc2\x9b", 0 },
		{ "\xc2\x9f", 0 },
		{ "\xc2\xa0", 2 },
		{ "\xc3\xa9t", 2 },
		{ "\xdf\xbf", 2 },
		{ "\xc3", 0 },
		{ "\xc3t", 0 },
		{ "\xc3\xc3", 0 },
		/* of three: no longer forms, no halves of pairs */
		{ "\xe0\x80\x80", 0 },
		{ "\xe0\x9f\xbf", 0 },
		{ "\xe0\xa0\x80", 3 },
		{ "\xe2\x82\xac", 3 },
		{ "\xe2\x82", 0 },
		{ "\xe2\x82t", 0 },
		{ "\xec\xbf\xbf", 3 },
		{ "\xed\x9f\xbf", 3 },
		{ "\xed\xa0\x80", 0 },
		{ "\xed\xbf\xbf", 0 },
		{ "\xee\x80\x80", 3 },
		{ "\xef\xbf\xbd", 3 },
		/* of four: up to U+10FFFF */
		{ "\xf0\x80\x80\x80", 0 },
		{ "\xf0\x8f\xbf\xbf", 0 },
		{ "\xf0\x90\x80\x80", 4 },
		{ "\xf0\x9f\x98\x80", 4 },
		{ "\xf0\x9f\x98", 0 },
		{ "\xf0\x9f\x98t", 0 },
		{ "\xf4\x8f\xbf\xbf", 4 },
		{ "\xf4\x90\x80\x80", 0 },
		{ "\xf5\x80\x80\x80", 0 },
		{ "\xf8\x88\x80\x80\x80", 0 },
		{ "\xff\xbf\xbf\xbf", 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CHECK_EQ(utf8_printable(rows[i].text), rows[i].n);
}
