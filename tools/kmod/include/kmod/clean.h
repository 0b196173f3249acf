/* SPDX-License-Identifier: MIT */
/*
 * Texts of files on terminals and in logs of lines: what would steer a terminal
 * or end the line is shown as '?', and so are bytes that are no UTF-8. JSON
 * (json.h) tells it whole.
 */
#pragma once

#include <stdarg.h>
#include <stdio.h>

#include <base/compiler.h>

enum clean_as {
	CLEAN_LINE,
	CLEAN_LISTS, /* a newline before two blanks, as in the engine's lists */
	CLEAN_KMOD,  /* ends of lines and tabs, which kmod's messages cite */
};

/* Cleans @text in its place but for what @as lets stay, and returns it. */
char *clean_text(char *text, enum clean_as as);

/*
 * Prints one line, cleaned; the newline at the end of @fmt, if there is one,
 * stays. A line of 1 KiB needs memory; without it, its end is not printed.
 * Negative: it could not be printed.
 */
PRINTF_LIKE(2, 3) int clean_print(FILE *out, const char *fmt, ...);
PRINTF_LIKE(3, 0)
int clean_print_list(FILE *out, enum clean_as as, const char *fmt, va_list ap);
