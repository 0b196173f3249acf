/* SPDX-License-Identifier: MIT */
/*
 * Heap sort (Williams 1964, Floyd's bottom-up construction), and a radix sort
 * by bytes for keys.
 */
#include <base/sort.h>

#define FEW 40 /* keys that insertion sorts faster */

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

static void insertion_sort(uint64_t *keys, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		const uint64_t key = keys[i];
		size_t at = i;

		for (; at > 0 && keys[at - 1] >> 32 > key >> 32; at--)
			keys[at] = keys[at - 1];
		keys[at] = key;
	}
}

/* Puts the keys in the order of one byte; false when it is equal in all. */
static bool sort_by_byte(
    const uint64_t *from, uint64_t *to, size_t n, unsigned shift)
{
	size_t place[256] = { 0 };
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		place[from[i] >> shift & 255]++;
	if (place[from[0] >> shift & 255] == n)
		return false;
	for (unsigned i = 0; i < 256; i++) {
		const size_t count = place[i];

		place[i] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		to[place[from[i] >> shift & 255]++] = from[i];
	return true;
}

void key_sort(uint64_t *keys, uint64_t *scratch, size_t n)
{
	uint64_t *from = keys, *to = scratch;

	if (n <= FEW) {
		insertion_sort(keys, n);
		return;
	}
	for (unsigned shift = 32; shift < 64; shift += 8) {
		uint64_t *const was = from;

		if (sort_by_byte(from, to, n, shift)) {
			from = to;
			to = was;
		}
	}
	for (size_t i = 0; from != keys && i < n; i++)
		keys[i] = from[i];
}
