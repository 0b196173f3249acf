/* SPDX-License-Identifier: MIT */
/*
 * SuperFastHash, from its description: see kmodhash.h. The name is taken by
 * two halves of a word at a time, what is left by fewer bytes; then the bits
 * are mixed until each depends on all.
 */
#include "kmodhash.h"

#include <stdlib.h>
#include <string.h>

#include <base/span.h>
#include <tenon/err.h>

/* The last one to three bytes. */
static uint32_t add_rest(uint32_t h, const char *s, unsigned n)
{
	switch (n) {
	case 3:
		h += get_le16(s);
		h ^= h << 16;
		h ^= (uint32_t)(int32_t)(signed char)s[2] << 18;
		return h + (h >> 11);
	case 2:
		h += get_le16(s);
		h ^= h << 11;
		return h + (h >> 17);
	case 1:
		h += (uint32_t)(int32_t)(signed char)s[0];
		h ^= h << 10;
		return h + (h >> 1);
	default: return h;
	}
}

uint32_t kmodhash(const char *name)
{
	const size_t n = strlen(name);
	uint32_t h = (uint32_t)n;

	for (size_t i = 0; i + 4 <= n; i += 4) {
		h += get_le16(name + i);
		h = (h << 16) ^ ((uint32_t)get_le16(name + i + 2) << 11) ^ h;
		h += h >> 11;
	}
	h = add_rest(h, name + (n & ~(size_t)3), n & 3);
	h ^= h << 3;
	h += h >> 5;
	h ^= h << 4;
	h += h >> 17;
	h ^= h << 25;
	return h + (h >> 6);
}

/* A counting sort: stable, so those of a bucket stay sorted. */
int kmodhash_order(
    const struct kmodhash_texts *t, uint32_t buckets, uint32_t *order)
{
	uint32_t *memory = calloc((size_t)buckets + 1 + t->n, sizeof(*memory));
	uint32_t *const first = memory, *const bucket = memory + buckets + 1;

	if (memory == NULL)
		return -TN_ENOMEM;
	for (uint32_t i = 0; i < t->n; i++) {
		bucket[i] = kmodhash(t->text(t->arg, i)) & (buckets - 1);
		first[bucket[i] + 1]++;
	}
	for (uint32_t b = 1; b <= buckets; b++)
		first[b] += first[b - 1];
	for (uint32_t i = 0; i < t->n; i++) {
		const uint32_t number = t->sorted[i];

		order[first[bucket[number]]++] = number;
	}
	free(memory);
	return 0;
}
