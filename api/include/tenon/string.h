/* SPDX-License-Identifier: MIT */
/*
 * The guaranteed memory and string functions, for modules of the common
 * profile: what a C library declares under the same names, with the same
 * meaning. Modules of the hosted profile include the C library's headers.
 *
 * snprintf and vsnprintf know %s %c %d %i %u %x %X %p %% with the sizes h l ll
 * z j t, width, precision of %s, '*' for both, and the flags - 0 and #. They
 * have no floating point. Any context.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include <tenon/module_info.h>

TENON_IMPORTS_BEGIN

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *find);

int snprintf(char *buf, size_t cap, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int vsnprintf(char *buf, size_t cap, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

TENON_IMPORTS_END
