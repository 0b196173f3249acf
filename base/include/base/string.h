/* SPDX-License-Identifier: MIT */
/*
 * The few string functions that freestanding code needs. The mem* family is
 * declared here and defined by the C library of a process or by mem.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);

size_t str_len(const char *s);
bool str_eq(const char *a, const char *b);
int str_cmp(const char *a, const char *b);

/* True when @s begins with @prefix. */
bool str_begins(const char *s, const char *prefix);

/* Copies @src with its NUL, cut to fit @cap bytes; returns str_len(@src). */
size_t str_copy(char *dst, size_t cap, const char *src);
