/* SPDX-License-Identifier: MIT */
/*
 * See plugin_record.h. Regions are mapped in order and never unmapped; their
 * addresses and the number of records are published with release stores, so
 * that a pointer is judged without a lock.
 */
#include "plugin_record.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIRST_REGION ((size_t)64 << 10)
#define REGIONS      24 /* 2^34 records */

static char *_Atomic regions[REGIONS];
static _Atomic uint64_t given; /* records so far */

static size_t region_size(unsigned k)
{
	return FIRST_REGION << k;
}

/* Records in the regions below @k. */
static uint64_t records_below(unsigned k)
{
	return (region_size(k) - FIRST_REGION) / sizeof(struct record);
}

static unsigned region_of(uint64_t number)
{
	unsigned k = 0;

	while (k + 1 < REGIONS && number >= records_below(k + 1))
		k++;
	return k;
}

static char *region_map(unsigned k)
{
	void *p = mmap(NULL, region_size(k), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p != MAP_FAILED ? p : NULL;
}

struct record *record_new(void)
{
	const uint64_t number =
	    atomic_load_explicit(&given, memory_order_relaxed);
	const unsigned k = region_of(number);
	char *region = atomic_load_explicit(&regions[k], memory_order_relaxed);
	struct record *rec;

	if (number >= records_below(REGIONS - 1) +
			  region_size(REGIONS - 1) / sizeof(*rec))
		return NULL;
	if (!region) {
		region = region_map(k);
		if (!region)
			return NULL;
		/* release: both pair with the acquires of record_of */
		atomic_store_explicit(
		    &regions[k], region, memory_order_release);
	}
	rec = (struct record *)(void *)region + (number - records_below(k));
	atomic_store_explicit(&rec->state, RECORD_COMING, memory_order_relaxed);
	atomic_store_explicit(&given, number + 1, memory_order_release);
	return rec;
}

struct record *record_of(const struct plugin *p)
{
	const uint64_t n = atomic_load_explicit(&given, memory_order_acquire);
	const uintptr_t at = (uintptr_t)p;

	for (unsigned k = 0; k < REGIONS && records_below(k) < n; k++) {
		const uintptr_t start = (uintptr_t)atomic_load_explicit(
		    &regions[k], memory_order_acquire);
		const uintptr_t offset = at - start;

		if (offset >= region_size(k))
			continue;
		if (offset % sizeof(struct record) != 0 ||
		    records_below(k) + offset / sizeof(struct record) >= n)
			return NULL;
		return (struct record *)at;
	}
	return NULL;
}

/* Gives the page back when every record in it was given out and has ended. */
static void drop_page(const struct record *rec)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *start = (char *)((uintptr_t)rec & ~(page - 1));
	const struct record *all = (const struct record *)(void *)start;
	const size_t n = page / sizeof(*all);

	if (!record_of(&all[n - 1].pub))
		return;
	for (size_t i = 0; i < n; i++)
		if (atomic_load_explicit(&all[i].state, memory_order_relaxed) !=
		    RECORD_ENDED)
			return;
	/* What it keeps when this fails is zero too. */
	(void)madvise(start, page, MADV_DONTNEED);
}

void record_end(struct record *rec)
{
	__atomic_store_n(&rec->pub.refcount, 0, __ATOMIC_RELAXED);
	rec->pub.path = NULL;
	rec->pub.handle = NULL;
	rec->pub.ops = NULL;
	rec->pub.next = NULL;
	rec->entry = NULL;
	atomic_store_explicit(&rec->mod, NULL, memory_order_relaxed);
	atomic_store_explicit(&rec->state, RECORD_ENDED, memory_order_relaxed);
	drop_page(rec);
}
