/* SPDX-License-Identifier: MIT */
/*
 * The C library's string functions for modules, in their plainest form, and
 * snprintf over base/format.c. Results are those of ISO C.
 */
#include <base/builtins.h>

#include <base/format.h>
#include <base/string.h>

size_t base_strlen(const char *s)
{
	return str_len(s);
}

size_t base_strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n] != '\0')
		n++;
	return n;
}

int base_strcmp(const char *a, const char *b)
{
	return str_cmp(a, b);
}

int base_strncmp(const char *a, const char *b, size_t n)
{
	for (; n != 0; n--, a++, b++)
		if (*a != *b || *a == '\0')
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}

/* The result points into @s, which the caller may write: C's own bargain. */
static char *writable(const char *s)
{
	return (char *)(uintptr_t)s;
}

char *base_strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return writable(s);
		if (*s == '\0')
			return NULL;
	}
}

char *base_strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c)
			last = s;
		if (*s == '\0')
			return writable(last);
	}
}

char *base_strstr(const char *s, const char *find)
{
	for (;; s++) {
		if (str_begins(s, find))
			return writable(s);
		if (*s == '\0')
			return NULL;
	}
}

int base_vsnprintf(char *buf, size_t cap, const char *fmt, va_list ap)
{
	const size_t n = text_vformat(buf, cap, fmt, ap);

	return n <= INT32_MAX ? (int)n : -1;
}

int base_snprintf(char *buf, size_t cap, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	const int n = base_vsnprintf(buf, cap, fmt, ap);
	va_end(ap);
	return n;
}
