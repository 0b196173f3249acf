/* SPDX-License-Identifier: MIT */
/*
 * depmod's binary indexes: the first bytes of an input, up to a NUL, are the
 * key, the rest is the file. Every search ends, and what it gives is inside.
 */
#include "index_read.h"
#include "kit.h"

#include <string.h>

static bool visit(const char *key, const char *value, void *arg)
{
	(void)arg;
	touch_string(key);
	touch_string(value);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, '\0', size);
	struct arena arena = { 0 };
	struct trie_hit *hits;
	struct trie ix;
	size_t key;

	if (end == NULL)
		return 0;
	key = (size_t)(end - data) + 1;
	if (trie_open_bytes(&ix, (struct span){ end + 1, size - key }) != 0)
		return 0;
	touch_string(trie_find(&ix, (const char *)data));
	FUZZ_CHECK(trie_match(&ix, (const char *)data, &arena, &hits) == 0);
	for (; hits != NULL; hits = hits->next)
		touch_string(hits->value);
	trie_each(&ix, visit, NULL);
	arena_free(&arena);
	return 0;
}
