/* SPDX-License-Identifier: MIT */
/*
 * Heap sort (Williams 1964, Floyd's bottom-up construction).
 */
#include <base/sort.h>

static void swap(char *a, char *b, size_t size)
{
	for (; size-- != 0; a++, b++) {
		const char t = *a;

		*a = *b;
		*b = t;
	}
}

/* Restores the heap below element @i: the one that sorts last on top. */
static void sift(
    char *base, size_t n, size_t size, size_t i, sort_before_fn *before)
{
	for (size_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
		if (child + 1 < n &&
		    before(base + child * size, base + (child + 1) * size))
			child++;
		if (!before(base + i * size, base + child * size))
			return;
		swap(base + i * size, base + child * size, size);
		i = child;
	}
}

void heap_sort(void *base, size_t n, size_t size, sort_before_fn *before)
{
	for (size_t i = n / 2; i-- > 0;)
		sift(base, n, size, i, before);
	for (size_t end = n; end-- > 1;) {
		swap(base, (char *)base + end * size, size);
		sift(base, end, size, 0, before);
	}
}
