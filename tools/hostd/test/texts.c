/* SPDX-License-Identifier: MIT */
/*
 * Functions of the C library that allocate text, by this program's malloc, whose
 * calls can fail (memory.h): the linker sends those of the host here.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *__wrap_strdup(const char *s);
int __wrap_vasprintf(char **out, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
int __wrap_asprintf(char **out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

char *__wrap_strdup(const char *s)
{
	const size_t n = strlen(s) + 1;
	char *copy = malloc(n);

	return copy != NULL ? memcpy(copy, s, n) : NULL;
}

int __wrap_vasprintf(char **out, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	*out = n >= 0 ? malloc((size_t)n + 1) : NULL;
	return *out != NULL ? vsnprintf(*out, (size_t)n + 1, fmt, ap) : -1;
}

int __wrap_asprintf(char **out, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = __wrap_vasprintf(out, fmt, ap);
	va_end(ap);
	return n;
}
