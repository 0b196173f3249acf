/* SPDX-License-Identifier: MIT */
/*
 * Heap sort (Williams 1964, Floyd's bottom-up construction).
 */
#include <base/sort.h>

#include <stdint.h>

/* A word of any alignment and any type of bytes. */
typedef uint64_t __attribute__((may_alias, aligned(1))) unaligned_word;

static void swap(char *a, char *b, size_t size)
{
	size_t i = 0;

	for (; i + 8 <= size; i += 8) {
		unaligned_word *const x = (unaligned_word *)(void *)(a + i);
		unaligned_word *const y = (unaligned_word *)(void *)(b + i);
		const uint64_t t = *x;

		*x = *y;
		*y = t;
	}
	for (; i < size; i++) {
		const char t = a[i];

		a[i] = b[i];
		b[i] = t;
	}
}

/* Restores the heap below element @i: the one that sorts last on top. */
static void sift(char *base, size_t n, size_t size, size_t i,
    sort_before_fn *before, const void *arg)
{
	for (size_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
		if (child + 1 < n &&
		    before(base + child * size, base + (child + 1) * size, arg))
			child++;
		if (!before(base + i * size, base + child * size, arg))
			return;
		swap(base + i * size, base + child * size, size);
		i = child;
	}
}

void heap_sort(
    void *base, size_t n, size_t size, sort_before_fn *before, const void *arg)
{
	for (size_t i = n / 2; i-- > 0;)
		sift(base, n, size, i, before, arg);
	for (size_t end = n; end-- > 1;) {
		swap(base, (char *)base + end * size, size);
		sift(base, end, size, 0, before, arg);
	}
}
