/* SPDX-License-Identifier: MIT */
/*
 * Inside of an arena: blocks, which are ranges of a heap with the rules for
 * text that has been executed.
 *
 * Freed text goes through the quarantine: a list of held ranges, which become
 * free together after one core synchronisation. The quarantine is emptied
 * when it is large, or before memory would be mapped instead.
 */
#pragma once

#include <pthread.h>

#include <host/arena.h>

#include "span.h"

struct host_arena {
	struct layout layout;  /* constant once mode is; lock: layout.reuse */
	size_t quarantine_max; /* constant */
	bool may_flip;         /* also in dual mode; constant */
	struct mem_count count;

	/*
	 * Protects everything below and what hangs on it. Taken with the
	 * owner's registry lock held or without; nothing is taken inside.
	 */
	pthread_mutex_t lock;
	enum arena_mode mode; /* ARENA_AUTO: not tried yet; constant then */
	struct world *world;  /* of this process; NULL before the first image */
	struct world *before; /* of the processes it was forked from: a list */
	struct range *quarantine; /* through bin_next */
	size_t quarantined;
	unsigned long long barriers;
};

/*
 * The world of this process, made when it is first needed, with the mode.
 * -TN_ENOMEM, -TN_EOPNOTSUPP. The lock is held.
 */
MUST_CHECK int arena_world(struct host_arena *a, struct world **out);

/*
 * Makes every core discard what it has fetched. False when that is forbidden
 * since the arena was made: then no text is used again. The lock is held.
 */
bool arena_barrier(struct host_arena *a);

/*
 * Whether pages can become executable: tried, since a sandbox may have been
 * entered. What stood in the way is noted.
 */
bool arena_can_flip(struct host_arena *a);

/* A block from @h, as heap_alloc. The lock is held. */
MUST_CHECK int block_alloc(struct host_arena *a, struct heap *h, size_t size,
    size_t align, struct range **out);

/* Gives back a block. The lock is held. */
void block_free(struct host_arena *a, struct range *r);

/* arena_image_alloc, which tells what the system has refused, if anything. */
MUST_CHECK int image_place(
    struct host_arena *a, struct tn_image *img, struct shortage *lack);
