/* SPDX-License-Identifier: MIT */
/*
 * Indexes, both ways. The first byte of an input chooses: the others are a key
 * and an index file, in which it is searched and which is dumped, whatever it
 * says: every search ends, and what it gives is inside. Or they are texts that
 * become the keys and values of an index, which must then find all of them, and
 * dump as many pairs as went in.
 */
#include "kit.h"

#include <string.h>

#include "index_read.h"
#include "index_write.h"

#define PAIRS 256

static bool touch_pair(const char *key, const char *value, void *arg)
{
	size_t *n = arg;

	touch_string(key);
	touch_string(value);
	return ++*n < 100000;
}

/* A key, which ends with a NUL, and a file. */
static void read_any(const char *key, size_t size)
{
	const char *end = memchr(key, '\0', size);
	struct arena arena = { 0 };
	struct trie_hit *hits = NULL;
	struct trie ix;
	size_t n = 0;

	if (end == NULL)
		return;
	size -= (size_t)(end + 1 - key);
	if (trie_open_bytes(
		&ix, (struct span){ (const uint8_t *)end + 1, size }) != 0)
		return;
	trie_each(&ix, touch_pair, &n);
	touch_string(trie_find(&ix, key));
	FUZZ_CHECK(trie_match(&ix, key, &arena, &hits) == 0);
	for (; hits != NULL; hits = hits->next)
		touch_string(hits->value);
	arena_free(&arena);
}

/* Takes texts, each with its NUL, as keys; values are what follows them. */
static size_t take_pairs(
    const char *text, size_t size, struct index_pair *pairs)
{
	size_t n = 0;

	while (size != 0 && n < PAIRS) {
		const size_t length = strnlen(text, size) + 1;

		if (length > size)
			break;
		pairs[n] = (struct index_pair){ text, text + length / 2,
			(uint32_t)n / 3 };
		n++;
		text += length;
		size -= length;
	}
	return n;
}

static void write_and_read(const char *text, size_t size)
{
	static struct index_pair pairs[PAIRS];
	const size_t n = take_pairs(text, size, pairs);
	struct buffer out = { 0 };
	struct trie ix;
	size_t dumped = 0;

	FUZZ_CHECK(index_write(pairs, n, &out) == 0);
	const struct span bytes = { (const uint8_t *)out.p, out.n };

	FUZZ_CHECK(trie_open_bytes(&ix, bytes) == 0);
	for (size_t i = 0; i < n; i++)
		FUZZ_CHECK(trie_find(&ix, pairs[i].key) != NULL);
	trie_each(&ix, touch_pair, &dumped);
	FUZZ_CHECK(dumped == n);
	buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] & 1)
		write_and_read((const char *)data + 1, size - 1);
	else
		read_any((const char *)data + 1, size - 1);
	return 0;
}
