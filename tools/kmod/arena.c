/* SPDX-License-Identifier: MIT */
/* See arena.h. */
#include "arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include <base/overflow.h>

#define BLOCK 16000u /* with malloc's own words below four pages */

struct arena_block {
	struct arena_block *older;
	alignas(max_align_t) char bytes[];
};

static char *cut(struct arena *a, size_t n)
{
	char *p = a->next;

	a->next += n;
	a->left -= n;
	return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *block;
	uint64_t up;

	if (!u64_align(n, alignof(max_align_t), &up))
		return NULL;
	if (up <= a->left)
		return cut(a, up);
	const size_t room = up > BLOCK ? up : BLOCK;

	block = calloc(1, sizeof(*block) + room);
	if (block == NULL)
		return NULL;
	block->older = a->blocks;
	a->blocks = block;
	a->next = block->bytes;
	a->left = room;
	return cut(a, up);
}

char *arena_text(struct arena *a, const char *s, size_t n)
{
	char *copy = n + 1 == 0 ? NULL : arena_alloc(a, n + 1);

	if (copy != NULL)
		memcpy(copy, s, n);
	return copy;
}

char *arena_join(struct arena *a, const char *first, const char *second)
{
	char *joined = arena_alloc(a, strlen(first) + strlen(second) + 1);

	if (joined != NULL)
		(void)stpcpy(stpcpy(joined, first), second);
	return joined;
}

void arena_free(struct arena *a)
{
	while (a->blocks != NULL) {
		struct arena_block *block = a->blocks;

		a->blocks = block->older;
		free(block);
	}
	a->next = NULL;
	a->left = 0;
}
