/* SPDX-License-Identifier: MIT */
/*
 * The name index: see index.h for the structure.
 *
 * Ordering: a writer fills a record, stores its address (release), and then the
 * tags (release); a reader loads the tags before an address (acquire, both).
 * Meanwhile the address may have become another one's or NULL: the name
 * decides. A removed record stays readable until its owner has called the
 * port's synchronize.
 *
 * A bucket that a name has gone past is marked for as long as the table lives,
 * so that searches for the name go on. When too many are, the table is made
 * anew.
 */
#include "index.h"

#include <stdatomic.h>

#include <base/bits.h>
#include <base/hash.h>
#include <base/overflow.h>
#include <base/string.h>
#include <tenon/err.h>

#define SLOTS       7 /* records of a bucket: a cache line with the tags */
#define MIN_BUCKETS 4
/* Filled up to five records a bucket on average, then doubled. */
#define MAX_LOAD    5

#define PASSED (UINT64_C(1) << 56)
#define TAGS   (PASSED - 1)

struct bucket {
	_Atomic uint64_t tags; /* byte i: of key[i], 0 when vacant; PASSED */
	_Atomic(struct index_key *) key[SLOTS];
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
	ix->passed = 0;
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

/* The tag of @hash, in every byte; none is 0. */
static uint64_t tag_of(uint64_t hash)
{
	const uint64_t tag = hash >> 56;

	return (tag + (tag == 0)) * BYTE_ONES;
}

static uint64_t load_tags(const struct bucket *bucket)
{
	return atomic_load_explicit(&bucket->tags, memory_order_acquire);
}

static void store_tags(struct bucket *bucket, uint64_t tags)
{
	atomic_store_explicit(&bucket->tags, tags, memory_order_release);
}

static struct index_key *load_key(const struct bucket *bucket, unsigned slot)
{
	return atomic_load_explicit(&bucket->key[slot], memory_order_acquire);
}

static void store_key(
    struct bucket *bucket, unsigned slot, struct index_key *key)
{
	atomic_store_explicit(&bucket->key[slot], key, memory_order_release);
}

static struct bucket *bucket_at(const struct index_table *t, uint64_t n)
{
	return &t->buckets[n & t->mask];
}

/* Puts @key into the first vacant slot from the home bucket of @hash on. */
static void put_key(struct index *ix, struct index_table *t,
    struct index_key *key, uint64_t hash)
{
	struct bucket *bucket = bucket_at(t, hash);
	uint64_t tags = load_tags(bucket);

	for (uint64_t n = hash; (zero_bytes(tags) & TAGS) == 0;) {
		ix->passed += (tags & PASSED) == 0;
		store_tags(bucket, tags | PASSED);
		bucket = bucket_at(t, ++n);
		tags = load_tags(bucket);
	}
	const unsigned slot = bytes_below(zero_bytes(tags));
	const uint64_t byte = UINT64_C(0xff) << (8 * slot);

	store_key(bucket, slot, key);
	store_tags(bucket, tags | (tag_of(hash) & byte));
}

static struct index_key *key_at(
    struct index_key *first, size_t stride, size_t i)
{
	return (struct index_key *)(void *)((char *)first + i * stride);
}

void index_each(const struct index *ix,
    bool (*fn)(void *arg, struct index_key *key), void *arg)
{
	const struct index_table *t =
	    atomic_load_explicit(&ix->table, memory_order_relaxed);

	for (uint64_t b = 0; t != NULL && b <= t->mask; b++) {
		for (unsigned i = 0; i < SLOTS; i++) {
			struct index_key *key = load_key(&t->buckets[b], i);

			if (key != NULL && !fn(arg, key))
				return;
		}
	}
}

struct copying {
	struct index *ix;
	struct index_table *to;
};

static bool copy_record(void *arg, struct index_key *key)
{
	const struct copying *c = arg;

	put_key(c->ix, c->to, key, hash_name(key->name, c->ix->seed));
	return true;
}

/* Also when it is time to forget the marks of old. */
int index_reserve(struct index *ix, size_t more)
{
	struct index_table *old =
	    atomic_load_explicit(&ix->table, memory_order_relaxed);
	const uint64_t want = ix->count + more;
	uint64_t buckets = MIN_BUCKETS;

	if (old != NULL && want <= (old->mask + 1) * MAX_LOAD &&
	    ix->passed <= old->mask / 2)
		return 0;
	while (buckets * MAX_LOAD < want)
		buckets *= 2;
	/* Room to spare, so that the next copy is far away. */
	if (buckets * MAX_LOAD < want + want / 4)
		buckets *= 2;
	struct index_table *t = table_alloc(ix->port, buckets);

	if (t == NULL)
		return -TN_ENOMEM;
	index_each(ix, copy_record, &(struct copying){ ix, t });
	ix->passed = 0;
	atomic_store_explicit(&ix->table, t, memory_order_release);
	if (old != NULL) {
		ix->port->synchronize(ix->port->ctx);
		table_free(ix->port, old);
	}
	return 0;
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
 * The key of the name in @bucket, whose tags are @tags, or NULL. The slots may
 * have changed since the tags were loaded.
 */
static inline struct index_key *find_in(const struct bucket *bucket,
    uint64_t tags, const char *name, const struct hashed *h)
{
	uint64_t same = zero_bytes(tags ^ tag_of(h->hash)) & TAGS;

	for (; UNLIKELY(same != 0); same &= same - 1) {
		struct index_key *key = load_key(bucket, bytes_below(same));

		if (LIKELY(key != NULL &&
			   hash_name_equals(key->name, name, h->length)))
			return key;
	}
	return NULL;
}

static struct index_key *find_hashed(
    const struct index_table *t, const char *name, const struct hashed *h)
{
	for (uint64_t n = 0; n <= t->mask; n++) {
		const struct bucket *bucket = bucket_at(t, h->hash + n);
		const uint64_t tags = load_tags(bucket);
		struct index_key *key = find_in(bucket, tags, name, h);

		if (key != NULL || LIKELY((tags & PASSED) == 0))
			return key;
	}
	return NULL;
}

struct index_key *index_find_measured(
    const struct index *ix, const char *name, size_t *length)
{
	const struct index_table *t =
	    atomic_load_explicit(&ix->table, memory_order_acquire);
	const struct hashed h = hash_key(ix, name);

	*length = h.length;
	return t != NULL ? find_hashed(t, name, &h) : NULL;
}

struct index_key *index_find(const struct index *ix, const char *name)
{
	size_t length;

	return index_find_measured(ix, name, &length);
}

static struct index_key *insert_hashed(struct index *ix, struct index_table *t,
    struct index_key *key, const struct hashed *h)
{
	struct index_key *there = find_hashed(t, key->name, h);

	if (UNLIKELY(there != NULL))
		return there;
	put_key(ix, t, key, h->hash);
	ix->count++;
	return NULL;
}

struct index_key *index_insert(struct index *ix, struct index_key *key)
{
	const struct hashed h = hash_key(ix, key->name);

	return insert_hashed(ix,
	    atomic_load_explicit(&ix->table, memory_order_relaxed), key, &h);
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
			    ix, t, key_at(first, stride, i - AHEAD), h);
			if (*there != NULL)
				return i - AHEAD;
		}
		if (i < n) {
			*h = hash_key(ix, key_at(first, stride, i)->name);
			__builtin_prefetch(bucket_at(t, h->hash));
		}
	}
	return n;
}

/*
 * Takes what lies in [from, from + size) out of a bucket: how many? Without
 * branches, which could not be foreseen.
 */
static size_t clear_bucket(
    struct index *ix, struct bucket *bucket, uintptr_t from, size_t size)
{
	uint64_t gone = 0; /* one bit a byte */
	size_t n = 0;

	for (unsigned i = 0; i < SLOTS; i++) {
		struct index_key *key = load_key(bucket, i);
		const bool goes = (uintptr_t)key - from < size;

		store_key(bucket, i, goes ? NULL : key);
		gone |= (uint64_t)goes << (8 * i);
		n += goes;
	}
	store_tags(bucket, load_tags(bucket) & ~(gone * 0xff));
	ix->count -= n;
	return n;
}

void index_remove(struct index *ix, const struct index_key *key)
{
	struct index_table *t =
	    atomic_load_explicit(&ix->table, memory_order_relaxed);
	const uint64_t hash = hash_name(key->name, ix->seed);
	bool more = t != NULL;

	for (uint64_t n = 0; more && n <= t->mask; n++) {
		struct bucket *bucket = bucket_at(t, hash + n);

		more = clear_bucket(ix, bucket, (uintptr_t)key, 1) == 0 &&
		       (load_tags(bucket) & PASSED) != 0;
	}
}

void index_remove_all(
    struct index *ix, const struct index_key *first, size_t stride, size_t n)
{
	const struct index_table *t =
	    atomic_load_explicit(&ix->table, memory_order_relaxed);

	/* A bucket of the walk costs less than a name that is hashed. */
	if (t != NULL && n > t->mask) {
		for (uint64_t b = 0; b <= t->mask; b++)
			(void)clear_bucket(
			    ix, &t->buckets[b], (uintptr_t)first, n * stride);
		return;
	}
	for (size_t i = 0; i < n; i++)
		index_remove(ix, (const struct index_key *)(const void
					 *)((const char *)first + i * stride));
}
