/* SPDX-License-Identifier: MIT */
/*
 * Binary indexes of depmod made by hand: nodes one behind the other, and the
 * words that refer to them.
 */
#pragma once

#include <stdint.h>
#include <string.h>

struct trie_text {
	uint8_t bytes[512];
	size_t n;
};

static inline void trie_put(struct trie_text *t, const void *p, size_t n)
{
	memcpy(t->bytes + t->n, p, n);
	t->n += n;
}

static inline void trie_put_be32(struct trie_text *t, uint32_t v)
{
	v = __builtin_bswap32(v);
	trie_put(t, &v, 4);
}

static inline uint32_t trie_leaf(struct trie_text *t, const char *prefix,
    const char *value, uint32_t priority)
{
	const uint32_t at = (uint32_t)t->n;

	if (*prefix != '\0')
		trie_put(t, prefix, strlen(prefix) + 1);
	trie_put_be32(t, 1);
	trie_put_be32(t, priority);
	trie_put(t, value, strlen(value) + 1);
	return at | 0x40000000u | (*prefix != '\0' ? 0x80000000u : 0);
}

/* The header, with room for the root. */
static inline void trie_begin(struct trie_text *t)
{
	memset(t, 0, sizeof(*t));
	trie_put_be32(t, 0xb007f457u);
	trie_put_be32(t, 0x00020001u);
	trie_put_be32(t, 0);
}

static inline void trie_end(struct trie_text *t, uint32_t root)
{
	root = __builtin_bswap32(root);
	memcpy(t->bytes + 8, &root, 4);
}
