/* SPDX-License-Identifier: MIT */
/*
 * Memory for the engine's objects: see blocks.h.
 *
 * A large block is allocated in one of few sizes, so that its true size
 * follows from the size asked for, and a next load that wants a little more
 * can use it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <base/overflow.h>

#include "blocks.h"

/* Nothing is larger; keeps roundings from overflowing. */
#define OBJECT_MAX ((size_t)1 << 36)
#define HUGE_PAGE  ((size_t)2 << 20)

void blocks_init(struct blocks *b)
{
	memset(b, 0, sizeof(*b));
	pthread_mutex_init(&b->lock, NULL);
}

void blocks_fini(struct blocks *b)
{
	for (int i = 0; i < BLOCKS_KEPT; i++)
		free(b->kept[i].p);
	pthread_mutex_destroy(&b->lock);
}

/* Up to the next multiple of a quarter of the largest power of two in it. */
static size_t rounded(size_t size)
{
	const size_t top = (size_t)1 << (63 - __builtin_clzll(size));

	return align_up(size, top / 4);
}

static void *kept_take(struct blocks *b, size_t size)
{
	void *p = NULL;

	pthread_mutex_lock(&b->lock);
	for (int i = 0; i < BLOCKS_KEPT && !p; i++) {
		struct block *k = &b->kept[i];

		if (k->p && k->size == size) {
			p = k->p;
			k->p = NULL;
			b->bytes -= size;
		}
	}
	pthread_mutex_unlock(&b->lock);
	return p;
}

/* Keeps @p in place of the oldest block, which the caller frees. */
static void *kept_put(struct blocks *b, void *p, size_t size)
{
	struct block *k;
	void *old;

	pthread_mutex_lock(&b->lock);
	k = &b->kept[b->oldest];
	old = k->p;
	if (b->bytes - (old ? k->size : 0) + size > BLOCKS_KEPT_BYTES) {
		old = p;
	} else {
		b->bytes += size - (old ? k->size : 0);
		*k = (struct block){ p, size };
		b->oldest = (b->oldest + 1) % BLOCKS_KEPT;
	}
	pthread_mutex_unlock(&b->lock);
	return old;
}

/*
 * Blocks of several megabytes are tables that are read in no order: where the
 * system has huge pages for who asks, they save most misses of the TLB.
 */
static void *large_new(size_t size, bool zero)
{
	void *p;

	if (size < HUGE_PAGE)
		return zero ? calloc(1, size) : malloc(size);
	p = aligned_alloc(HUGE_PAGE, align_up(size, HUGE_PAGE));
	if (!p)
		return NULL;
	(void)madvise(p, size, MADV_HUGEPAGE); /* not to be had: as good */
	return zero ? memset(p, 0, size) : p;
}

void *block_take_empty(size_t size)
{
	if (size > OBJECT_MAX)
		return NULL;
	return calloc(1, size < BLOCK_LARGE ? size : rounded(size));
}

void *block_take(struct blocks *b, size_t size, bool zero)
{
	void *p;

	if (size < BLOCK_LARGE)
		return zero ? calloc(1, size) : malloc(size);
	if (size > OBJECT_MAX)
		return NULL;
	p = kept_take(b, rounded(size));
	if (!p)
		return large_new(rounded(size), zero);
	return zero ? memset(p, 0, size) : p;
}

void block_give(struct blocks *b, void *p, size_t size)
{
	if (p && size >= BLOCK_LARGE)
		p = kept_put(b, p, rounded(size));
	free(p);
}
