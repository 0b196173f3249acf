/* SPDX-License-Identifier: MIT */
/* Texts that come from files: see kmod/clean.h. */
#include <kmod/clean.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <base/utf8.h>

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
		const size_t n = utf8_printable(s);

		if (n == 0 && !may_stay(s, as))
			*s = '?';
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
