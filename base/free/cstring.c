/* SPDX-License-Identifier: MIT */
/*
 * The C library's names for cstring.c, in worlds without a C library. They
 * are there for modules: the guaranteed symbols of a process are its own.
 */
#include <base/builtins.h>

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *find);
int snprintf(char *buf, size_t cap, const char *fmt, ...) PRINTF_LIKE(3, 4);
int vsnprintf(char *buf, size_t cap, const char *fmt, va_list ap)
    PRINTF_LIKE(3, 0);

size_t strlen(const char *s)
{
	return base_strlen(s);
}

size_t strnlen(const char *s, size_t max)
{
	return base_strnlen(s, max);
}

int strcmp(const char *a, const char *b)
{
	return base_strcmp(a, b);
}

int strncmp(const char *a, const char *b, size_t n)
{
	return base_strncmp(a, b, n);
}

char *strchr(const char *s, int c)
{
	return base_strchr(s, c);
}

char *strrchr(const char *s, int c)
{
	return base_strrchr(s, c);
}

char *strstr(const char *s, const char *find)
{
	return base_strstr(s, find);
}

int vsnprintf(char *buf, size_t cap, const char *fmt, va_list ap)
{
	return base_vsnprintf(buf, cap, fmt, ap);
}

int snprintf(char *buf, size_t cap, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	const int n = base_vsnprintf(buf, cap, fmt, ap);
	va_end(ap);
	return n;
}
