/* SPDX-License-Identifier: MIT */
/*
 * The name index: growth, collisions, tombstones, many names, readers that
 * hold no lock; and the nearest of many names.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <base/hash.h>
#include <test/test.h>

#include "index.h"
#include "world.h"

struct record {
	struct index_key key;
	char name[24];
};

/* @n records with the names PREFIX0, PREFIX1 ... */
static struct record *make_records(const char *prefix, size_t n)
{
	struct record *r = calloc(n, sizeof(*r));

	if (r == NULL)
		abort();
	for (size_t i = 0; i < n; i++) {
		snprintf(r[i].name, sizeof(r[i].name), "%s%zu", prefix, i);
		r[i].key.name = r[i].name;
	}
	return r;
}

struct fixture {
	struct rig rig;
	struct index ix;
};

static void begin(struct fixture *f, uint64_t seed)
{
	rig_offline(&f->rig, 0);
	index_init(&f->ix, &f->rig.port, seed);
}

static bool end(struct fixture *f)
{
	const struct rig_held none = { 0 };

	index_fini(&f->ix);
	return rig_same(rig_held(&f->rig), none) && f->rig.misuse == NULL;
}

static bool add(struct fixture *f, struct record *r)
{
	return index_reserve(&f->ix, 1) == 0 &&
	       index_insert(&f->ix, &r->key) == NULL;
}

static bool finds(const struct fixture *f, const struct record *r)
{
	return index_find(&f->ix, r->name) == &r->key;
}

TEST(index, an_empty_one_finds_nothing)
{
	const struct record absent = { { "absent" }, "absent" };
	struct fixture f;

	begin(&f, 1);
	CHECK(index_find(&f.ix, "x") == NULL);
	CHECK(index_find(&f.ix, "") == NULL);
	index_remove(&f.ix, &absent.key);
	index_remove_all(&f.ix, &absent.key, sizeof(absent), 1);
	CHECK_EQ(f.ix.count, 0);
	CHECK(end(&f));
}

TEST(index, ten_thousand_names_one_by_one)
{
	const size_t n = 10000;
	struct record *r = make_records("symbol_", n);
	struct record *absent = make_records("symbols_", n);
	struct fixture f;

	begin(&f, 0x1234);
	for (size_t i = 0; i < n; i++)
		CHECK(add(&f, &r[i]));
	CHECK_EQ(f.ix.count, n);
	for (size_t i = 0; i < n; i++) {
		CHECK(finds(&f, &r[i]));
		CHECK(index_find(&f.ix, absent[i].name) == NULL);
	}
	/* every other one goes, the rest stays */
	for (size_t i = 0; i < n; i += 2)
		index_remove(&f.ix, &r[i].key);
	CHECK_EQ(f.ix.count, n / 2);
	for (size_t i = 0; i < n; i++)
		CHECK(
		    index_find(&f.ix, r[i].name) == (i % 2 ? &r[i].key : NULL));
	free(r);
	free(absent);
	CHECK(end(&f));
}

TEST(index, many_at_once_and_out_again)
{
	const size_t n = 10000;
	struct record *a = make_records("a", n), *b = make_records("b", 10);
	struct index_key *there = NULL;
	struct fixture f;

	begin(&f, 7);
	CHECK_EQ(index_reserve(&f.ix, n + 10), 0);
	CHECK_EQ(index_insert_all(&f.ix, &b->key, sizeof(*b), 10, &there), 10);
	CHECK_EQ(index_insert_all(&f.ix, &a->key, sizeof(*a), n, &there), n);
	CHECK(there == NULL);
	for (size_t i = 0; i < n; i++)
		CHECK(finds(&f, &a[i]));
	/* by a walk over the table ... */
	index_remove_all(&f.ix, &a->key, sizeof(*a), n);
	CHECK_EQ(f.ix.count, 10);
	for (size_t i = 0; i < n; i++)
		CHECK(index_find(&f.ix, a[i].name) == NULL);
	for (size_t i = 0; i < 10; i++)
		CHECK(finds(&f, &b[i]));
	/* ... and name by name */
	index_remove_all(&f.ix, &b->key, sizeof(*b), 10);
	CHECK_EQ(f.ix.count, 0);
	free(a);
	free(b);
	CHECK(end(&f));
}

/* The first double ends it; what went in before is said. */
TEST(index, a_double_among_many_stops_them)
{
	struct record *a = make_records("n", 30), twin = { { NULL }, "n17" };
	struct index_key *there = NULL;
	struct fixture f;

	begin(&f, 7);
	twin.key.name = twin.name;
	CHECK(add(&f, &twin));
	CHECK_EQ(index_reserve(&f.ix, 30), 0);
	CHECK_EQ(index_insert_all(&f.ix, &a->key, sizeof(*a), 30, &there), 17);
	CHECK(there == &twin.key);
	CHECK_EQ(f.ix.count, 18);
	index_remove_all(&f.ix, &a->key, sizeof(*a), 17);
	CHECK_EQ(f.ix.count, 1);
	CHECK(finds(&f, &twin));
	free(a);
	CHECK(end(&f));
}

TEST(index, the_first_of_a_name_stays)
{
	struct record a = { { NULL }, "same" }, b = { { NULL }, "same" };
	struct fixture f;

	begin(&f, 7);
	a.key.name = a.name;
	b.key.name = b.name;
	CHECK(add(&f, &a));
	CHECK_EQ(index_reserve(&f.ix, 1), 0);
	CHECK(index_insert(&f.ix, &b.key) == &a.key);
	CHECK(finds(&f, &a));
	/* the one that is not in cannot take the other out */
	index_remove(&f.ix, &b.key);
	CHECK(finds(&f, &a));
	index_remove(&f.ix, &a.key);
	CHECK(add(&f, &b));
	CHECK(finds(&f, &b));
	CHECK(end(&f));
}

/* --- collisions: names that share a home bucket in a table of any size */

#define CROWD 60

/* Finds names whose hashes agree in their low bits. */
static struct record *colliding(uint64_t seed, size_t n)
{
	struct record *r = calloc(n, sizeof(*r));
	size_t found = 0;

	if (r == NULL)
		abort();
	for (unsigned i = 0; found < n; i++) {
		snprintf(r[found].name, sizeof(r[found].name), "c%u", i);
		if ((hash_name(r[found].name, seed) & 0x7f) != 5)
			continue;
		r[found].key.name = r[found].name;
		found++;
	}
	return r;
}

/* Eight words a bucket: sixty names overflow into seven others. */
TEST(index, overflowing_buckets_lose_nobody)
{
	struct record *r = colliding(99, CROWD);
	struct fixture f;

	begin(&f, 99);
	for (size_t i = 0; i < CROWD; i++)
		CHECK(add(&f, &r[i]));
	for (size_t i = 0; i < CROWD; i++)
		CHECK(finds(&f, &r[i]));
	/* a vacant place on the way does not end a search */
	for (size_t i = 0; i < CROWD; i += 3)
		index_remove(&f.ix, &r[i].key);
	for (size_t i = 0; i < CROWD; i++)
		CHECK(
		    index_find(&f.ix, r[i].name) == (i % 3 ? &r[i].key : NULL));
	/* and is used again */
	for (size_t i = 0; i < CROWD; i += 3)
		CHECK(add(&f, &r[i]));
	for (size_t i = 0; i < CROWD; i++)
		CHECK(finds(&f, &r[i]));
	free(r);
	CHECK(end(&f));
}

/* Under another seed the same names are scattered. */
TEST(index, the_seed_scatters_names_that_collide)
{
	struct record *r = colliding(99, CROWD);
	unsigned same = 0;

	for (size_t i = 0; i < CROWD; i++)
		same += (hash_name(r[i].name, 100) & 0x7f) ==
			(hash_name(r[0].name, 100) & 0x7f);
	CHECK(same < 10);
	free(r);
}

/* Names that come and go for ever do not make it grow. */
TEST(index, names_that_come_and_go_do_not_fill_the_table)
{
	struct record *r = make_records("t", 3000);
	long most = 0;
	struct fixture f;

	begin(&f, 3);
	for (size_t i = 0; i < 3000; i++) {
		CHECK(add(&f, &r[i]));
		if (i >= 20)
			index_remove(&f.ix, &r[i - 20].key);
		if (rig_held(&f.rig).bytes > most)
			most = rig_held(&f.rig).bytes;
	}
	CHECK_EQ(f.ix.count, 20);
	CHECK(most < 2048);
	free(r);
	CHECK(end(&f));
}

/* Buckets that names have gone past are as good as new one day. */
TEST(index, marks_of_passed_buckets_are_forgotten)
{
	struct record *r = colliding(99, CROWD);
	struct fixture f;

	begin(&f, 99);
	CHECK_EQ(index_reserve(&f.ix, CROWD), 0);
	for (size_t i = 0; i < CROWD; i++)
		CHECK(index_insert(&f.ix, &r[i].key) == NULL);
	CHECK(f.ix.passed >= CROWD / 7);
	for (size_t i = 1; i < CROWD; i++)
		index_remove(&f.ix, &r[i].key);
	CHECK(f.ix.passed >= CROWD / 7);
	CHECK_EQ(index_reserve(&f.ix, 1), 0);
	CHECK_EQ(f.ix.passed, 0);
	CHECK(finds(&f, &r[0]));
	CHECK(index_find(&f.ix, r[1].name) == NULL);
	free(r);
	CHECK(end(&f));
}

/* Growing fails without harm. */
TEST(index, without_memory_it_stays_as_it_was)
{
	struct record *r = make_records("m", 25);
	struct fixture f;

	begin(&f, 3);
	CHECK_EQ(index_reserve(&f.ix, 24), 0);
	for (size_t i = 0; i < 24; i++)
		CHECK(add(&f, &r[i]));
	rig_arm(&f.rig, 1);
	CHECK_EQ(index_reserve(&f.ix, 1000), -TN_ENOMEM);
	rig_arm(&f.rig, 0);
	for (size_t i = 0; i < 24; i++)
		CHECK(finds(&f, &r[i]));
	CHECK(index_find(&f.ix, r[24].name) == NULL);
	CHECK(add(&f, &r[24]));
	free(r);
	CHECK(end(&f));
}

static bool count_one(void *arg, struct index_key *key)
{
	size_t *n = arg;

	return key->name != NULL && ++*n != 5;
}

TEST(index, each_visits_all_until_told_to_stop)
{
	struct record *r = make_records("e", 9);
	struct fixture f;
	size_t n = 0;

	begin(&f, 3);
	for (size_t i = 0; i < 4; i++)
		CHECK(add(&f, &r[i]));
	index_each(&f.ix, count_one, &n);
	CHECK_EQ(n, 4);
	for (size_t i = 4; i < 9; i++)
		CHECK(add(&f, &r[i]));
	n = 0;
	index_each(&f.ix, count_one, &n);
	CHECK_EQ(n, 5);
	free(r);
	CHECK(end(&f));
}

/* Lengths around the word, and bytes above 127. */
TEST(index, names_of_all_lengths_differ)
{
	struct record r[64];
	struct fixture f;

	begin(&f, 11);
	for (size_t i = 0; i < 64; i++) {
		const size_t n = i % 20;

		memset(r[i].name, i < 20 ? 'a' : 0xfe, sizeof(r[i].name));
		r[i].name[n] = '\0';
		if (i >= 40)
			r[i].name[n > 0 ? n - 1 : 0] = n > 0 ? 'z' : '\0';
		r[i].key.name = r[i].name;
	}
	for (size_t i = 1; i < 60; i++) {
		if (i % 20 == 0)
			continue; /* the empty name is there once */
		CHECK(add(&f, &r[i]));
	}
	for (size_t i = 1; i < 60; i++)
		if (i % 20 != 0)
			CHECK(finds(&f, &r[i]));
	CHECK(end(&f));
}

/*
 * Names are compared word by word. A long one must not lead behind the end of
 * a short one, where no page may be.
 */
TEST(index, a_long_name_is_not_compared_past_a_short_one)
{
	static char name[3 * 4096];
	char *pages = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *stored = pages + 4096 - 4;

	CHECK(pages != MAP_FAILED);
	CHECK_EQ(mprotect(pages + 4096, 4096, PROT_NONE), 0);
	memcpy(stored, "abc", 4);
	memset(name, 'a', sizeof(name) - 1);
	memcpy(name, "abc", 3);
	for (size_t n = 1; n < sizeof(name); n += n < 300 ? 1 : 97) {
		const char was = name[n];

		name[n] = '\0';
		CHECK_EQ(hash_name_equals(stored, name, n), n == 3);
		name[n] = was;
	}
	munmap(pages, 2 * 4096);
}

/* --- readers without a lock */

struct readers {
	const struct tn_port *port;
	struct index ix;
	struct record *stay, *go;
	atomic_bool stop;
	atomic_ulong wrong, hits, misses;
};

#define STAYING 50
#define GOING   4

static void *read_index(void *arg)
{
	struct readers *r = arg;

	for (unsigned i = 0; !atomic_load(&r->stop); i++) {
		const struct record *stay = &r->stay[i % STAYING];
		const struct record *go = &r->go[i % GOING];
		const struct index_key *k;

		r->port->read_enter(r->port->ctx);
		if (index_find(&r->ix, stay->name) != &stay->key)
			atomic_fetch_add(&r->wrong, 1);
		k = index_find(&r->ix, go->name);
		if (k != NULL && k != &go->key)
			atomic_fetch_add(&r->wrong, 1);
		atomic_fetch_add(k != NULL ? &r->hits : &r->misses, 1);
		r->port->read_exit(r->port->ctx);
	}
	return NULL;
}

/* Until the readers have met names that are there, and gone, this often. */
#define MEETINGS 20000

/* One writer puts names in and out, into each other's words, and grows. */
static bool write_index(struct readers *r)
{
	for (unsigned i = 0;
	     i < 4000000 && (atomic_load(&r->hits) < MEETINGS ||
				atomic_load(&r->misses) < MEETINGS);
	     i++) {
		struct record *go = &r->go[i % GOING];

		if (index_reserve(&r->ix, i % 64 == 0 ? 600 : 1) != 0 ||
		    index_insert(&r->ix, &go->key) != NULL)
			return false;
		index_remove(&r->ix, &go->key);
	}
	return true;
}

TEST(index, readers_see_a_record_or_none)
{
	const struct host_port_config standard = { 0 };
	struct host_port *host;
	pthread_t thread[2];
	struct readers r;

	memset(&r, 0, sizeof(r));
	CHECK_EQ(host_port_create(&standard, &host), 0);
	r.port = host_port_table(host);
	r.stay = make_records("stay", STAYING);
	r.go = make_records("go", GOING);
	index_init(&r.ix, r.port, 5);
	CHECK_EQ(index_reserve(&r.ix, STAYING), 0);
	for (size_t i = 0; i < STAYING; i++)
		CHECK(index_insert(&r.ix, &r.stay[i].key) == NULL);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, read_index, &r), 0);
	CHECK(write_index(&r));
	atomic_store(&r.stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	CHECK_EQ(r.wrong, 0);
	index_fini(&r.ix);
	free(r.stay);
	free(r.go);
	host_port_destroy(host);
}
