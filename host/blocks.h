/* SPDX-License-Identifier: MIT */
/*
 * Memory for the engine's objects. Large blocks, the scratch of a load, are
 * kept when they are given back: fresh pages cost more to fault in than old
 * ones to clear. A bounded number of them; the oldest makes room.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define BLOCKS_KEPT       6
#define BLOCK_LARGE       (128u << 10)
#define BLOCKS_KEPT_BYTES (64u << 20)

struct block {
	void *p;
	size_t size; /* as allocated; at least what is asked for */
};

struct blocks {
	/* Protects the rest; nothing is taken inside. */
	pthread_mutex_t lock;
	struct block kept[BLOCKS_KEPT]; /* unused: p is NULL */
	size_t bytes;                   /* of those kept */
	unsigned oldest;                /* where the next one is put */
};

void blocks_init(struct blocks *b);
void blocks_fini(struct blocks *b);

/* NULL: no memory. @zero: cleared, else the bytes are undefined. */
void *block_take(struct blocks *b, size_t size, bool zero);
/* Cleared, and as far as the system can, in memory only where written to. */
void *block_take_empty(size_t size);
/* @size is what was asked for. */
void block_give(struct blocks *b, void *p, size_t size);
