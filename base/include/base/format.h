/* SPDX-License-Identifier: MIT */
/*
 * Text into a fixed buffer, without a C library.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include <base/compiler.h>

/*
 * printf's subset: %s %c %d %i %u %x %X %p %% with l, ll, z, h, j, t, width,
 * precision for %s, '*' for both, '0', '-' and '#' (0x before %x).
 * Always ends @buf with a NUL when @cap is not 0.
 * Returns the length that the whole text has.
 */
size_t text_format(char *buf, size_t cap, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
size_t text_vformat(char *buf, size_t cap, const char *fmt, va_list ap)
    PRINTF_LIKE(3, 0);

/* A growing sentence: text_add appends at @len, never past @cap. */
struct text {
	char *buf;
	size_t cap;
	size_t len;
};

void text_add(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A text that did not fit, into four bytes at least, ends with "..." instead. */
void text_mark_cut(const struct text *t);
