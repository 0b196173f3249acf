/* SPDX-License-Identifier: MIT */
/*
 * The mem* functions that compilers call behind C's back, for worlds without
 * a C library; never part of a hosted build. Compiled with -fno-builtin and
 * -fno-tree-loop-distribute-patterns (gcc): a loop in here must not become a
 * call of itself.
 */
#include <base/string.h>

#include <stdint.h>

#define WORD sizeof(uint64_t)

/* Word access to bytes of any type. */
typedef uint64_t __attribute__((may_alias)) word_alias;

static int both_aligned(const void *a, const void *b)
{
	return (((uintptr_t)a | (uintptr_t)b) & (WORD - 1)) == 0;
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	unsigned char *d = dst;
	const unsigned char *s = src;

	if (both_aligned(d, s)) {
		for (; n >= WORD; n -= WORD, d += WORD, s += WORD)
			*(word_alias *)(void *)d =
			    *(const word_alias *)(const void *)s;
	}
	while (n-- != 0)
		*d++ = *s++;
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	unsigned char *d = dst;
	const unsigned char *s = src;

	if ((uintptr_t)d - (uintptr_t)s >= n)
		return memcpy(dst, src, n);
	while (n-- != 0)
		d[n] = s[n];
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	unsigned char *d = dst;
	const uint64_t pattern = (unsigned char)c * 0x0101010101010101u;

	if (both_aligned(d, d)) {
		for (; n >= WORD; n -= WORD, d += WORD)
			*(word_alias *)(void *)d = pattern;
	}
	while (n-- != 0)
		*d++ = (unsigned char)c;
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n != 0; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}
