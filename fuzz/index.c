/* SPDX-License-Identifier: MIT */
/*
 * The name index against a plain table. An input is a row of steps of two
 * bytes: what to do, and with which of 128 names; a long run of steps makes
 * the index grow, collect tombstones and grow again.
 */
#include "index.h"
#include "kit.h"

#include <stdio.h>
#include <string.h>

#include "offline.h"

#define NAMES 128

struct record {
	struct index_key key;
	char name[12];
};

struct fixture {
	struct offline offline;
	struct kit kit;
	struct index ix;
	/* Two records of each name; which of them is in, or NULL. */
	struct record records[2][NAMES];
	struct index_key *in[NAMES];
	size_t count;
};

static void begin(struct fixture *f, uint64_t seed)
{
	memset(f, 0, sizeof(*f));
	offline_init(&f->offline, NULL, 0);
	kit_init(&f->kit, &f->offline.port);
	index_init(&f->ix, &f->kit.port, seed);
	for (unsigned i = 0; i < 2 * NAMES; i++) {
		struct record *r = &f->records[i / NAMES][i % NAMES];

		snprintf(r->name, sizeof(r->name), "n%u", i % NAMES);
		r->key.name = r->name;
	}
}

static void insert(struct fixture *f, unsigned which, unsigned i)
{
	struct index_key *key = &f->records[which][i].key;

	FUZZ_CHECK(index_reserve(&f->ix, 1) == 0);
	FUZZ_CHECK(index_insert(&f->ix, key) == f->in[i]);
	if (f->in[i] == NULL) {
		f->in[i] = key;
		f->count++;
	}
}

static void drop(struct fixture *f, unsigned which, unsigned i)
{
	struct index_key *key = &f->records[which][i].key;

	index_remove(&f->ix, key);
	if (f->in[i] == key) {
		f->in[i] = NULL;
		f->count--;
	}
}

static void insert_run(struct fixture *f, unsigned which, unsigned i)
{
	const size_t n = NAMES - i < 16 ? NAMES - i : 16;
	struct record *first = &f->records[which][i];
	struct index_key *there = NULL;
	size_t done;

	FUZZ_CHECK(index_reserve(&f->ix, n) == 0);
	done = index_insert_all(&f->ix, &first->key, sizeof(*first), n, &there);
	FUZZ_CHECK(done <= n);
	FUZZ_CHECK(done == n || there == f->in[i + done]);
	for (size_t j = 0; j < done; j++) {
		FUZZ_CHECK(f->in[i + j] == NULL);
		f->in[i + j] = &first[j].key;
	}
	f->count += done;
}

/* As a module goes: its records at once, whichever of them are in. */
static void drop_run(struct fixture *f, unsigned which, unsigned i)
{
	const size_t n = NAMES - i < 16 ? NAMES - i : 16;
	struct record *first = &f->records[which][i];

	index_remove_all(&f->ix, &first->key, sizeof(*first), n);
	for (size_t j = 0; j < n; j++) {
		if (f->in[i + j] == &first[j].key) {
			f->in[i + j] = NULL;
			f->count--;
		}
	}
}

static bool count_one(void *arg, struct index_key *key)
{
	size_t *n = arg;

	touch_string(key->name);
	++*n;
	return true;
}

static void check_all(struct fixture *f)
{
	size_t n = 0;

	for (unsigned i = 0; i < NAMES; i++) {
		const char *name = f->records[0][i].name;

		FUZZ_CHECK(index_find(&f->ix, name) == f->in[i]);
	}
	index_each(&f->ix, count_one, &n);
	FUZZ_CHECK(n == f->count && f->ix.count == n);
}

static void step(struct fixture *f, unsigned what, unsigned i)
{
	const unsigned which = i / NAMES;

	i %= NAMES;
	switch (what % 8) {
	case 0:
	case 1: insert(f, which, i); break;
	case 2: drop(f, which, i); break;
	case 3: drop_run(f, which, i); break;
	case 4: insert_run(f, which, i); break;
	case 5:
		FUZZ_CHECK(
		    index_find(&f->ix, f->records[0][i].name) == f->in[i]);
		break;
	case 6: FUZZ_CHECK(index_reserve(&f->ix, i * 8 + 1) == 0); break;
	default: check_all(f); break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fixture f;

	if (size < 8)
		return 0;
	begin(&f, get_le64(data));
	for (size_t i = 8; i + 1 < size; i += 2)
		step(&f, data[i], data[i + 1]);
	check_all(&f);
	index_fini(&f.ix);
	kit_check(&f.kit, 0);
	return 0;
}
