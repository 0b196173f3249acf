/* SPDX-License-Identifier: MIT */
/*
 * The file of depmod's cache, for those who read and write it:
 *
 *	base | parts of runs before | news, entries, end
 *
 * Entries come in the order of modules and say where in the file a module's
 * path, hashes and texts lie: in the base, or in the news. The end says where
 * these are. A run that has read little anew puts another part behind the
 * file, which goes on from its base; otherwise the file is written afresh.
 *
 * Numbers are the machine's own; the version changes with anything that is
 * laid out here or hashed. Before a byte of it counts, the checksums of base
 * and last part have been compared, and each entry been found to lie within
 * the file and to have as many texts as it says.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "depmod.h"
#include "depmod_files.h"

#define CACHE_MAGIC   "tenondep"
#define CACHE_VERSION 5u

/* What else the run has read and written: all that its files follow from. */
struct cache_result {
	struct file_stamp outputs[DEPMOD_OUTPUTS];
	struct file_stamp builtin, builtin_info;
	uint32_t prefix; /* -P */
	uint32_t
	    is_silent; /* nothing was told on the way from facts to files */
};

struct cache_end {
	char magic[8];
	uint32_t version;
	uint32_t nentries;
	uint64_t seed;
	int64_t started; /* when the run that wrote it began to look at files */
	struct cache_result result;
	uint32_t norder; /* how many aliases there are; or 0 */
	uint32_t order;  /* where: their numbers, by key */
	uint64_t base;   /* bytes */
	uint64_t news;   /* where they begin */
	uint64_t base_sum, news_sum;
	uint64_t sum; /* of entries and end but itself: its last word */
};

struct cache_entry {
	struct file_stamp stamp;
	uint32_t n[FACTS_KINDS];
	uint32_t at[FACTS_KINDS];
	uint32_t bytes;  /* of texts */
	uint32_t path;   /* where: a text */
	uint32_t hashes; /* where, aligned */
	uint32_t texts;  /* where */
};

/* Parts begin where these may stand. */
#define CACHE_ALIGNED sizeof(uint64_t)

static inline const struct cache_end *cache_end_of(const struct depmod_cache *c)
{
	return (const void *)(c->bytes + c->n - sizeof(struct cache_end));
}

static inline const struct cache_entry *cache_entries_of(
    const struct depmod_cache *c)
{
	return (const struct cache_entry *)(const void *)cache_end_of(c) -
	       c->nentries;
}

/* Of base, news, and of entries with the end. */
uint64_t cache_checksum(const char *p, size_t n);

/* As it is now, with the stamps that the files have. */
struct cache_result cache_result_of(const struct depmod *d);
