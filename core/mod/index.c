/* SPDX-License-Identifier: MIT */
/*
 * The name index: see index.h for the structure.
 *
 * Ordering: a writer fills a record before it stores the word that points to
 * it (release); a reader loads the word (acquire) before it follows it. A
 * removed record stays readable until its owner has called the port's
 * synchronize. A bucket whose last word has once been taken has been full, and
 * never gets an empty word back while the table lives: a removed name leaves a
 * tombstone there, so searches for names that overflowed past it still go on.
 */
#include "index.h"

#include <stdatomic.h>

#include <base/bits.h>
#include <base/hash.h>
#include <base/overflow.h>
#include <base/string.h>
#include <tenon/err.h>

#define SLOTS        8 /* words a bucket: one cache line */
#define TAG_SHIFT    48
#define POINTER_MASK ((UINT64_C(1) << TAG_SHIFT) - 1)
#define TOMBSTONE    UINT64_C(1) /* no record lies at address 1 */
#define MIN_BUCKETS  4
/* Filled up to six words a bucket on average, then doubled. */
#define MAX_LOAD     6

struct bucket {
	_Atomic uint64_t word[SLOTS];
};

struct index_table {
	uint64_t mask; /* buckets - 1 */
	size_t size;   /* bytes allocated */
	struct bucket *buckets;
};

void index_init(struct index *ix, const struct tn_port *port, uint64_t seed)
{
	ix->port = port;
	ix->seed = seed;
	ix->count = 0;
	ix->dead = 0;
	atomic_init(&ix->table, NULL);
}

static void table_free(const struct tn_port *port, struct index_table *t)
{
	if (t != NULL)
		port->free(port->ctx, t, t->size);
}

void index_fini(struct index *ix)
{
	table_free(
	    ix->port, atomic_load_explicit(&ix->table, memory_order_relaxed));
	atomic_store_explicit(&ix->table, NULL, memory_order_relaxed);
}

static struct index_table *table_alloc(
    const struct tn_port *port, uint64_t buckets)
{
	const size_t line = sizeof(struct bucket);
	const size_t size =
	    sizeof(struct index_table) + line + (size_t)buckets * line;
	struct index_table *t = port->alloc(port->ctx, size);

	if (t == NULL)
		return NULL;
	t->mask = buckets - 1;
	t->size = size;
	t->buckets = (struct bucket *)align_up((uintptr_t)t + sizeof(*t), line);
	return t;
}

static struct index_key *word_key(uint64_t word)
{
	return (struct index_key *)(uintptr_t)(word & POINTER_MASK);
}

/* The first word of @bucket that a record may be put into, or NULL. */
static _Atomic uint64_t *vacant_word(struct bucket *bucket)
{
	unsigned vacant = 0;

#pragma GCC unroll 8
	for (unsigned i = 0; i < SLOTS; i++)
		vacant |= (unsigned)(atomic_load_explicit(&bucket->word[i],
					 memory_order_relaxed) <= TOMBSTONE)
			  << i;
	return vacant != 0 ? &bucket->word[lowest_of_eight(vacant)] : NULL;
}

/* The first word free for a new record, from the home bucket of @hash on. */
static _Atomic uint64_t *free_word(struct index_table *t, uint64_t hash)
{
	_Atomic uint64_t *word = NULL;

	for (uint64_t b = hash; word == NULL; b++)
		word = vacant_word(&t->buckets[b & t->mask]);
	return word;
}

static struct index_key *key_at(
    struct index_key *first, size_t stride, size_t i)
{
	return (struct index_key *)(void *)((char *)first + i * stride);
}

static uint64_t make_word(uint64_t hash, const struct index_key *key)
{
	return (hash >> TAG_SHIFT << TAG_SHIFT) | (uintptr_t)key;
}

static void copy_records(const struct index *ix, const struct index_table *from,
    struct index_table *to)
{
	for (uint64_t b = 0; from != NULL && b <= from->mask; b++) {
		for (unsigned i = 0; i < SLOTS; i++) {
			const uint64_t w = atomic_load_explicit(
			    &from->buckets[b].word[i], memory_order_relaxed);

			if (w == 0 || w == TOMBSTONE)
				continue;
			const uint64_t h =
			    hash_name(word_key(w)->name, ix->seed);

			/* relaxed: the table is published as a whole */
			atomic_store_explicit(
			    free_word(to, h), w, memory_order_relaxed);
		}
	}
}

int index_reserve(struct index *ix, size_t more)
{
	struct index_table *old =
	    atomic_load_explicit(&ix->table, memory_order_relaxed);
	const uint64_t want = ix->count + more;
	uint64_t buckets = MIN_BUCKETS;

	if (old != NULL && want + ix->dead <= (old->mask + 1) * MAX_LOAD)
		return 0;
	while (buckets * MAX_LOAD < want)
		buckets *= 2;
	/* Room to spare, or tombstones would force the next copy at once. */
	if (buckets * MAX_LOAD < want + want / 4)
		buckets *= 2;
	struct index_table *t = table_alloc(ix->port, buckets);

	if (t == NULL)
		return -TN_ENOMEM;
	copy_records(ix, old, t);
	ix->dead = 0;
	atomic_store_explicit(&ix->table, t, memory_order_release);
	if (old != NULL) {
		ix->port->synchronize(ix->port->ctx);
		table_free(ix->port, old);
	}
	return 0;
}

/*
 * The words of a bucket that carry the tag of @hash, one bit each, and the last
 * word. Without branches: each would wait for the bucket's cache line.
 */
static inline unsigned match_tags(
    const struct bucket *bucket, uint64_t hash, uint64_t *last)
{
	unsigned same = 0;

#pragma GCC unroll 8
	for (unsigned i = 0; i < SLOTS; i++) {
		*last = atomic_load_explicit(
		    &bucket->word[i], memory_order_acquire);
		same |= (unsigned)((*last ^ hash) >> TAG_SHIFT == 0) << i;
	}
	return same;
}

/*
 * The first vacant word is taken, so a bucket whose last word is empty has never
 * been full, and nothing has gone past it. A word may be another one's,
 * or a tombstone, when it is loaded again. The acquire pairs with the release
 * in index_insert and index_reserve.
 */
static struct index_key *find_hashed(
    const struct index_table *t, const char *name, size_t length, uint64_t hash)
{
	for (uint64_t n = 0; n <= t->mask; n++) {
		const struct bucket *bucket = &t->buckets[(hash + n) & t->mask];
		uint64_t last = 0;
		unsigned same = match_tags(bucket, hash, &last);

		for (; same != 0; same &= same - 1) {
			const uint64_t w = atomic_load_explicit(
			    &bucket->word[lowest_of_eight(same)],
			    memory_order_acquire);

			if (LIKELY(w > TOMBSTONE &&
				   hash_name_equals(
				       word_key(w)->name, name, length)))
				return word_key(w);
		}
		if (LIKELY(last == 0))
			return NULL;
	}
	return NULL;
}

struct index_key *index_find(const struct index *ix, const char *name)
{
	const struct index_table *t =
	    atomic_load_explicit(&ix->table, memory_order_acquire);
	size_t length;

	if (t == NULL)
		return NULL;
	const uint64_t hash = hash_name_length(name, ix->seed, &length);

	return find_hashed(t, name, length, hash);
}

struct hashed {
	uint64_t hash;
	size_t length; /* of the name */
};

static struct hashed hash_key(const struct index *ix, const char *name)
{
	struct hashed h;

	h.hash = hash_name_length(name, ix->seed, &h.length);
	return h;
}

/*
 * One walk for both questions: is the name there, and which word is free? A
 * tombstone on the way is used again.
 */
static struct index_key *insert_hashed(struct index *ix, struct index_table *t,
    struct index_key *key, struct hashed h)
{
	_Atomic uint64_t *word = NULL;
	uint64_t last = 1;

	for (uint64_t n = 0; n <= t->mask && last != 0; n++) {
		struct bucket *bucket = &t->buckets[(h.hash + n) & t->mask];
		unsigned same = match_tags(bucket, h.hash, &last);

		for (; UNLIKELY(same != 0); same &= same - 1) {
			const uint64_t w = atomic_load_explicit(
			    &bucket->word[lowest_of_eight(same)],
			    memory_order_relaxed);

			if (w > TOMBSTONE && hash_name_equals(word_key(w)->name,
						 key->name, h.length))
				return word_key(w);
		}
		if (word == NULL)
			word = vacant_word(bucket);
	}
	if (atomic_load_explicit(word, memory_order_relaxed) == TOMBSTONE)
		ix->dead--;
	atomic_store_explicit(
	    word, make_word(h.hash, key), memory_order_release);
	ix->count++;
	return NULL;
}

struct index_key *index_insert(struct index *ix, struct index_key *key)
{
	return insert_hashed(ix,
	    atomic_load_explicit(&ix->table, memory_order_relaxed), key,
	    hash_key(ix, key->name));
}

/* Names hashed ahead, so that their buckets are on the way from memory. */
#define AHEAD 8

size_t index_insert_all(struct index *ix, struct index_key *first,
    size_t stride, size_t n, struct index_key **there)
{
	struct index_table *t =
	    atomic_load_explicit(&ix->table, memory_order_relaxed);
	struct hashed hashed[AHEAD];

	for (size_t i = 0; i < n + AHEAD; i++) {
		struct hashed *h = &hashed[i % AHEAD];

		if (i >= AHEAD) {
			*there = insert_hashed(
			    ix, t, key_at(first, stride, i - AHEAD), *h);
			if (*there != NULL)
				return i - AHEAD;
		}
		if (i < n) {
			*h = hash_key(ix, key_at(first, stride, i)->name);
			__builtin_prefetch(&t->buckets[h->hash & t->mask]);
		}
	}
	return n;
}

/*
 * What the word of a removed name becomes. Nothing has gone past a bucket whose
 * last word is empty, so there the word may be empty again.
 */
static uint64_t grave_in(const struct bucket *bucket)
{
	return atomic_load_explicit(
		   &bucket->word[SLOTS - 1], memory_order_relaxed) == 0
		   ? 0
		   : TOMBSTONE;
}

void index_remove(struct index *ix, const struct index_key *key)
{
	struct index_table *t =
	    atomic_load_explicit(&ix->table, memory_order_relaxed);
	const uint64_t hash = hash_name(key->name, ix->seed);
	const uint64_t wanted = make_word(hash, key);

	for (uint64_t n = 0; t != NULL && n <= t->mask; n++) {
		struct bucket *bucket = &t->buckets[(hash + n) & t->mask];
		const uint64_t grave = grave_in(bucket);

		for (unsigned i = 0; i < SLOTS; i++) {
			if (atomic_load_explicit(&bucket->word[i],
				memory_order_relaxed) != wanted)
				continue;
			atomic_store_explicit(
			    &bucket->word[i], grave, memory_order_relaxed);
			ix->count--;
			ix->dead += grave == TOMBSTONE;
			return;
		}
		if (grave == 0)
			return;
	}
}

/* Every record between @from and @to, by a walk over the whole table. */
static void sweep(
    struct index *ix, const struct index_table *t, uintptr_t from, uintptr_t to)
{
	for (uint64_t b = 0; b <= t->mask; b++) {
		struct bucket *bucket = &t->buckets[b];
		const uint64_t grave = grave_in(bucket);
		size_t n = 0;

#pragma GCC unroll 8
		for (unsigned i = 0; i < SLOTS; i++) {
			const uint64_t w = atomic_load_explicit(
			    &bucket->word[i], memory_order_relaxed);
			const bool gone = (w & POINTER_MASK) - from < to - from;

			atomic_store_explicit(&bucket->word[i],
			    gone ? grave : w, memory_order_relaxed);
			n += gone;
		}
		ix->count -= n;
		ix->dead += grave == TOMBSTONE ? n : 0;
	}
}

void index_remove_all(
    struct index *ix, const struct index_key *first, size_t stride, size_t n)
{
	const struct index_table *t =
	    atomic_load_explicit(&ix->table, memory_order_relaxed);

	/* A bucket of the walk costs less than a name that is hashed. */
	if (t != NULL && n > t->mask) {
		sweep(ix, t, (uintptr_t)first, (uintptr_t)first + n * stride);
		return;
	}
	for (size_t i = 0; i < n; i++)
		index_remove(ix, (const struct index_key *)(const void
					 *)((const char *)first + i * stride));
}

void index_each(const struct index *ix,
    bool (*fn)(void *arg, struct index_key *key), void *arg)
{
	const struct index_table *t =
	    atomic_load_explicit(&ix->table, memory_order_relaxed);

	for (uint64_t b = 0; t != NULL && b <= t->mask; b++) {
		for (unsigned i = 0; i < SLOTS; i++) {
			const uint64_t w = atomic_load_explicit(
			    &t->buckets[b].word[i], memory_order_relaxed);

			if (w != 0 && w != TOMBSTONE && !fn(arg, word_key(w)))
				return;
		}
	}
}
