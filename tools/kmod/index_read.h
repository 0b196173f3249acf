/* SPDX-License-Identifier: MIT */
/*
 * Reading depmod's binary indexes, modules.*.bin: a trie from keys to values,
 * each value with a priority (0 comes first). Keys of modules.alias.bin are
 * patterns for fnmatch(3).
 *
 *     file  = magic 0xb007f457, version 0x00020001, root      (big-endian words)
 *     root  = offset of a node in its low 28 bits, and what the node has in its
 *             high bits: 8 a prefix, 4 values, 2 children
 *     node  = [prefix NUL] [first last root*(last - first + 1)]
 *             [count (priority value NUL)*]
 *
 * The file is mapped and not trusted: each step checks the bytes that it needs.
 * What is damaged is told once, by the offset of the node in `bad`. A search
 * visits no more nodes than the file has bytes, so that it ends whatever the
 * file says.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/span.h>

#include "arena.h"

struct trie {
	struct span bytes;
	uint32_t root; /* 0: not open */
	bool damaged;
	uint32_t bad; /* damaged: the offset of the node */
};

/* A value that a search has found; the texts are the file's or the arena's. */
struct trie_hit {
	struct trie_hit *next;
	const char *value;
	uint32_t priority;
};

/*
 * Maps @path. 0; -TN_ENOENT, -TN_EACCES, ... as open(2);
 * -TN_EBADMSG: it is no such index.
 */
MUST_CHECK int trie_open(struct trie *ix, const char *path);

/* The same, of bytes that the caller keeps. */
MUST_CHECK int trie_open_bytes(struct trie *ix, struct span bytes);

/* Of trie_open. Also for one that is not open. */
void trie_close(struct trie *ix);

/* The first value of exactly @key, or NULL. */
const char *trie_find(struct trie *ix, const char *key);

/*
 * All values of keys that @key matches, by priority, equal ones in the order
 * of the file. 0 or -TN_ENOMEM.
 */
MUST_CHECK int trie_match(struct trie *ix, const char *key, struct arena *arena,
    struct trie_hit **hits);

/* Returns true to go on. */
typedef bool trie_visit_fn(const char *key, const char *value, void *arg);

/* Every pair, in the order of kmod's own dump. */
void trie_each(struct trie *ix, trie_visit_fn *visit, void *arg);
