/* SPDX-License-Identifier: MIT */
/*
 * Spans, chunks and heaps: where parts of images get their addresses.
 *
 *	world ->> span ->> heap ->> chunk ->> range (a part, a hole)
 *
 * A world is all image memory of one process; a child of fork begins a new
 * one. A heap hands out ranges of one kind from its chunks, a chunk is a
 * piece of the span's area for that kind. Ranges of a chunk that is closed
 * (its alias is unmapped) hang in the heap's second set, and are used when
 * the open ones do not suffice. The owner of the world holds a lock around
 * every function of this file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>
#include <base/list.h>

#include "mem.h"
#include "ranges.h"

enum heap_kind {
	HEAP_TEXT,
	HEAP_RODATA,
	HEAP_DATA,
	HEAP_PAGES, /* whole private pages that change permission */
	HEAPS
};

enum area_kind {
	AREA_TEXT,
	AREA_RODATA,
	AREA_DATA,
	AREAS
};

/* What all spans of an arena have in common; constant but for reuse. */
struct layout {
	size_t page;
	size_t span;
	size_t chunk;
	size_t keep_warm;
	bool dual;          /* text and rodata are mapped twice */
	bool strict;        /* parts are whole pages, a guard behind them */
	bool reuse;         /* freed text may be reused after a barrier */
	bool keeps_fetched; /* ... and another one when it is written */
};

struct world {
	const struct layout *layout;
	struct mem_count *count;
	struct range_pool pool;
	struct span *spans;  /* newest first, through next */
	unsigned generation; /* of the process that it belongs to */
	bool inherited;      /* this is a child of that process */
	struct world *older; /* of the process it was forked from */
	size_t nspans, nchunks, naliases;
	size_t mapped, idle, live, held;
};

/* range.flags of a part */
#define PART_WRITING  1u /* its chunk must stay open */
#define PART_FLIPPED  2u /* pages have other permissions than the chunk's */
#define PART_EXECUTED 4u /* may have been fetched as instructions */
#define PART_REUSED   8u /* and so may what was there before */

struct heap {
	struct span *span;
	enum heap_kind kind;
	bool dual;
	struct ranges open;
	struct ranges closed;
	struct list open_chunks; /* dual: those with an alias */
	unsigned nopen;
};

struct chunk {
	struct list node; /* in open_chunks, or alone */
	struct heap *heap;
	struct range *place; /* in the area */
	struct range *first; /* of the chunk's own region */
	uint64_t addr;
	size_t size;
	uint8_t *alias;   /* dual and open, else NULL */
	size_t live;      /* bytes in use */
	size_t held;      /* bytes that wait for a barrier */
	size_t stale;     /* bytes that wait until the chunk is unmapped */
	uint64_t fresh;   /* from here on nothing has been executed yet */
	unsigned writers; /* parts that may still be written */
	bool idle;        /* counted in world.idle */
};

struct span {
	struct span *next;
	struct world *world;
	uint64_t base;
	size_t size;
	bool
	    tight; /* nothing is rounded up in it: chunks are as small as can be */
	struct ranges area[AREAS];
	struct range *first[AREAS]; /* of each area; owner: the chunk there */
	struct heap heap[HEAPS];
};

void world_init(
    struct world *w, const struct layout *layout, struct mem_count *count);
/* Unmaps everything; in a child the aliases are left alone. */
void world_fini(struct world *w);

/* A span whose areas have at least @need bytes each. NULL: no memory. */
struct span *span_create(struct world *w, const size_t need[AREAS]);

void heap_init(struct heap *h, struct span *s, enum heap_kind kind);

/*
 * Takes @size bytes; may map a chunk or open one. -TN_ENOSPC: the span is
 * full; -TN_ENOMEM.
 */
MUST_CHECK int heap_alloc(
    struct heap *h, size_t size, size_t align, struct range **out);
/* The same without any system call: from open chunks only. Or NULL. */
struct range *heap_try(struct heap *h, size_t size, size_t align);

/* The permission (PROT_*) of the heap's chunks at their run address. */
int heap_prot(const struct heap *h);

/* Returns a range to its chunk. */
void heap_free(struct range *r);
/* Takes it out of use for now; heap_free or heap_forget follows. */
void heap_hold(struct range *r);
/* It stays out of use until its chunk is empty and unmapped. */
void heap_forget(struct range *r);
void heap_trim(struct range *r, size_t size);

/* Its bytes have become instructions; the lock is held, as everywhere. */
void heap_executed(struct range *r);

/* The part will not be written any more: its chunk may be closed. */
void heap_written(struct range *r);

static inline struct chunk *range_chunk(const struct range *r)
{
	return r->owner;
}
