/* SPDX-License-Identifier: MIT */
/*
 * Free-range allocator over addresses, with its books kept elsewhere.
 *
 * A region is a run of addresses cut into ranges that form a list by address:
 *
 *	region: [used][free][used][held][free]      prev/next
 *
 * Free ranges also hang in bins by size (two levels: power of two, then
 * eighths of it), with a bitmap of the bins that are not empty: alloc, free
 * and trim take constant time however many ranges there are. Two free ranges
 * are never neighbours. A range is reached by its pointer; nothing is ever
 * searched by address. No lock: the owner of the set has one.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>

enum range_state {
	RANGE_FREE, /* in a bin */
	RANGE_USED, /* belongs to a caller */
	RANGE_HELD, /* left by its caller, not to be used again yet */
};

struct range {
	uint64_t start;
	uint64_t size;
	struct range *prev, *next; /* neighbours by address in the region */
	struct range *bin_prev;
	struct range *bin_next; /* of a held range: for the holder's list */
	void *owner;            /* of the whole region */
	uint32_t stamp;         /* for the caller */
	uint8_t state;          /* enum range_state */
	uint8_t flags;          /* for the caller */
};

/* Where range records come from; shared by several sets. */
struct range_slab;
struct range_pool {
	struct range *free; /* through next */
	size_t nfree;
	struct range_slab *slabs;
};

void range_pool_init(struct range_pool *pool);
/* Frees every record at once; the sets that used it are void. */
void range_pool_fini(struct range_pool *pool);

#define RANGE_SUB 8u  /* bins per power of two */
#define RANGE_TOP 32u /* powers of two, in granules */

struct ranges {
	struct range_pool *pool;
	uint64_t granule; /* every start and size is a multiple of it */
	uint32_t top_map;
	uint8_t sub_map[RANGE_TOP];
	struct range *bin[RANGE_TOP][RANGE_SUB];
};

void ranges_init(struct ranges *set, struct range_pool *pool, uint64_t granule);

/* Adds a region of free addresses. NULL: no memory for the record. */
struct range *ranges_add(
    struct ranges *set, uint64_t start, uint64_t size, void *owner);

/*
 * Takes @size bytes aligned to @align out of the set. NULL: no range is large
 * enough, or there is no memory for records.
 */
struct range *ranges_alloc(struct ranges *set, uint64_t size, uint64_t align);

/* Cuts a used range down to @size bytes; gives up nothing without memory. */
void ranges_trim(struct ranges *set, struct range *r, uint64_t size);

/* Frees a used or held range; returns the free range that it became. */
struct range *ranges_free(struct ranges *set, struct range *r);

/* Takes the free range @r out of the set's bins, or puts it into them. */
void ranges_unbin(struct ranges *set, struct range *r);
void ranges_bin(struct ranges *set, struct range *r);

/* Forgets the whole region of @first; its free ranges are in no bin. */
void ranges_drop(struct range_pool *pool, struct range *first);
