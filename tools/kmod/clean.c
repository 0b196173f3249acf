/* SPDX-License-Identifier: MIT */
/* Texts that come from files: see kmod/clean.h. */
#include <kmod/clean.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

unsigned utf8_length(const char *text)
{
	/* Unicode 15, table 3-7, without the controls of ASCII. */
	static const struct {
		unsigned char first, last, low, high;
		unsigned n;
	} forms[] = {
		// clang-format off
		{ 0x20, 0x7e, 0x00, 0xff, 1 },
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
		// clang-format on
	};
	const unsigned char *s = (const unsigned char *)text;

	for (unsigned i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		unsigned n = 1;

		if (s[0] < forms[i].first || s[0] > forms[i].last)
			continue;
		if (forms[i].n > 1 &&
		    (s[1] < forms[i].low || s[1] > forms[i].high))
			return 0;
		for (n = 2; n < forms[i].n; n++)
			if ((s[n] & 0xc0) != 0x80)
				return 0;
		return forms[i].n;
	}
	return 0;
}

/* U+0080 to U+009F are controls as those of ASCII: U+009B begins a sequence. */
static bool is_control(const char *s, unsigned n)
{
	return n == 2 && s[0] == '\xc2' && (unsigned char)s[1] < 0xa0;
}

static bool may_stay(const char *s, enum clean_as as)
{
	switch (as) {
	case CLEAN_LISTS: return strncmp(s, "\n  ", 3) == 0;
	case CLEAN_KMOD: return *s == '\n' || *s == '\t' || *s == '\r';
	default: return false;
	}
}

char *clean_text(char *text, enum clean_as as)
{
	for (char *s = text; *s != '\0';) {
		const unsigned n = utf8_length(s);

		if (n == 0 && !may_stay(s, as))
			*s = '?';
		else if (is_control(s, n))
			s[0] = s[1] = '?';
		s += n != 0 ? n : 1;
	}
	return text;
}

int clean_print_list(FILE *out, enum clean_as as, const char *fmt, va_list ap)
{
	const size_t length = strlen(fmt);
	const bool ends = length != 0 && fmt[length - 1] == '\n';
	char cut[1024], *whole = NULL, *text = cut;
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(cut, sizeof(cut), fmt, ap);
	if (n >= (int)sizeof(cut) && vasprintf(&whole, fmt, again) == n)
		text = whole;
	va_end(again);
	if (n < 0)
		return n;
	if (ends && (text == whole || n < (int)sizeof(cut)))
		text[n - 1] = '\0';
	n = fprintf(out, "%s%s", clean_text(text, as), ends ? "\n" : "");
	if (text == whole)
		free(whole);
	return n;
}

int clean_print(FILE *out, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = clean_print_list(out, CLEAN_LINE, fmt, ap);
	va_end(ap);
	return n;
}
