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

struct heap {
	char *base;
	size_t size; /* of an element */
	sort_before_fn *before;
	const void *arg;
};

static char *element(const struct heap *h, size_t i)
{
	return h->base + i * h->size;
}

static bool stands_before(const struct heap *h, size_t i, size_t k)
{
	return h->before(element(h, i), element(h, k), h->arg);
}

/* Restores the heap below element @i of @n: the one that sorts last on top. */
static void sift(const struct heap *h, size_t n, size_t i)
{
	for (size_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
		if (child + 1 < n && stands_before(h, child, child + 1))
			child++;
		if (!stands_before(h, i, child))
			return;
		swap(element(h, i), element(h, child), h->size);
		i = child;
	}
}

void heap_sort(
    void *base, size_t n, size_t size, sort_before_fn *before, const void *arg)
{
	const struct heap h = { base, size, before, arg };

	for (size_t i = n / 2; i-- > 0;)
		sift(&h, n, i);
	for (size_t end = n; end-- > 1;) {
		swap(h.base, element(&h, end), size);
		sift(&h, end, 0);
	}
}
