/* SPDX-License-Identifier: MIT */
/*
 * Memory of a command, given back all at once: a row of blocks, from which
 * pieces are cut off. Pieces are zeroed and aligned for any object.
 */
#pragma once

#include <stddef.h>

#include <base/compiler.h>

struct arena_block;
struct arena {
	struct arena_block *blocks; /* the newest first */
	char *next;
	size_t left;
};

/* NULL: no memory. */
MUST_CHECK void *arena_alloc(struct arena *a, size_t n);

/* A copy of the @n characters at @s, with a NUL behind; NULL: no memory. */
MUST_CHECK char *arena_text(struct arena *a, const char *s, size_t n);

/* The texts @a and @b behind each other; NULL: no memory. */
MUST_CHECK char *arena_join(
    struct arena *a, const char *first, const char *second);

/* Frees every piece; the arena is empty and may be used again. */
void arena_free(struct arena *a);
