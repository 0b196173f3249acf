/* SPDX-License-Identifier: MIT */
/*
 * Threads that call, hold and look, against others that load, unload, register
 * and shut down: no call may reach a module that is gone, an attempt that ends
 * in BUSY may be noticed by nobody, and nothing may be left. Meant for the
 * thread and address sanitizers.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <base/compiler.h>
#include <test/test.h>

#include "kit.h"

#define ROUNDS     60
#define ROUNDS_MAX 20000 /* until calls and unloads have succeeded */
#define CALLERS    3

struct storm {
	struct kit k;
	atomic_bool stop;
	atomic_int wrong;
	atomic_int calls, refused, stale, unloads, busy;
};

static void expect(struct storm *s, bool right)
{
	if (!right)
		atomic_fetch_add(&s->wrong, 1);
}

static void count(struct storm *s, int err, int64_t ret, int64_t want)
{
	expect(s, err == 0 ? ret == want : err == TN_SLOT_NOT_FOUND);
	atomic_fetch_add(err == 0 ? &s->calls : &s->refused, 1);
}

static void hold(struct storm *s)
{
	struct tn_slot_handle h;
	int64_t ret = -1;
	int sum = -1;
	int err = tn_slot_acquire(s->k.slots, 0, "caller", &h);

	if (err != 0) {
		expect(s, err == TN_SLOT_NOT_FOUND);
		return;
	}
	/* as long as it is held nothing can fail */
	err = tn_slot_handle_call(&h, "hello_add", ARGS(20, 22), &ret);
	expect(s, err == 0 && ret == 42);
	err = TN_SLOT_CALL(int, (int, int), &h, "hello_add", &sum, (1, 2));
	expect(s, err == 0 && sum == 3);
	expect(s, tn_slot_handle_call_entry(&h, ARGS(1, 1), &ret) == 0);
	expect(s, tn_slot_release(&h) == 0);
	expect(s, !tn_slot_handle_is_held(&h));
}

static void *call_and_hold(void *arg)
{
	struct storm *s = arg;
	struct tn_slot_info info;
	uint32_t slot;
	int64_t ret;
	int err;

	while (!atomic_load(&s->stop)) {
		ret = -1;
		err =
		    tn_slot_call(s->k.slots, 0, "hello_add", ARGS(3, 4), &ret);
		count(s, err, ret, 7);
		ret = -1;
		err = tn_slot_call_entry(s->k.slots, 0, ARGS(5, 6), &ret);
		count(s, err, ret, 11);
		hold(s);
		expect(s, tn_slot_info(s->k.slots, 0, &info) == 0);
		(void)tn_slot_holders(s->k.slots, 0, NULL, 0);
		(void)tn_slot_first(s->k.slots, &slot);
		(void)tn_slot_find(s->k.slots, "slot0", &slot);
	}
	return NULL;
}

/* Some calls came through, and some unloads. */
static bool is_blowing(struct storm *s)
{
	return atomic_load(&s->calls) > 0 && atomic_load(&s->unloads) > 0;
}

/* Also sets the entry, to the same function: callers cannot tell. */
static void *load_and_unload(void *arg)
{
	struct storm *s = arg;

	for (int i = 0; i < ROUNDS || (i < ROUNDS_MAX && !is_blowing(s)); i++) {
		int err = tn_slot_load(s->k.slots, 0, NULL);

		expect(s, err == 0 || err == TN_SLOT_ALREADY_EXISTS ||
			      err == TN_SLOT_BUSY || err == TN_SLOT_NOT_FOUND);
		(void)tn_slot_set_entry(s->k.slots, 0, "hello_add");
		err = tn_slot_unload(s->k.slots, 0, NULL);
		expect(s, err == 0 || err == TN_SLOT_NOT_FOUND ||
			      err == TN_SLOT_BUSY);
		atomic_fetch_add(err == 0 ? &s->unloads : &s->busy, 1);
	}
	return NULL;
}

/* Writes over the blob whenever it may: never under a loader. */
static void *overwrite(void *arg)
{
	struct storm *s = arg;
	const struct span blob = kit_blob("hello");

	while (!atomic_load(&s->stop)) {
		const int err = tn_slot_register(
		    s->k.slots, 0, blob.p, blob.n, TN_SLOT_OVERWRITE);

		expect(s, err == 0 || err == TN_SLOT_BUSY);
	}
	return NULL;
}

static bool storm_open(struct storm *s, bool fixed)
{
	const struct span blob = kit_blob("hello");

	memset(s, 0, sizeof(*s));
	return kit_open(&s->k, fixed, 2) &&
	       EXPECT(
		   tn_slot_register(s->k.slots, 0, blob.p, blob.n, 0) == 0) &&
	       EXPECT(tn_slot_set_entry(s->k.slots, 0, "hello_add") == 0);
}

/* Whatever the storm has left is unloaded, for which nobody is in the way. */
static bool storm_close(struct storm *s)
{
	const int err = tn_slot_unload(s->k.slots, 0, NULL);

	return EXPECT(err == 0 || err == TN_SLOT_NOT_FOUND) &&
	       EXPECT(atomic_load(&s->wrong) == 0) && kit_close(&s->k);
}

static void blow(bool fixed)
{
	pthread_t callers[CALLERS], loaders[2], writer;
	struct storm s;

	CHECK(storm_open(&s, fixed));
	for (int i = 0; i < CALLERS; i++)
		pthread_create(&callers[i], NULL, call_and_hold, &s);
	pthread_create(&writer, NULL, overwrite, &s);
	for (int i = 0; i < 2; i++)
		pthread_create(&loaders[i], NULL, load_and_unload, &s);
	for (int i = 0; i < 2; i++)
		pthread_join(loaders[i], NULL);
	atomic_store(&s.stop, true);
	for (int i = 0; i < CALLERS; i++)
		pthread_join(callers[i], NULL);
	pthread_join(writer, NULL);
	CHECK(is_blowing(&s));
	CHECK(storm_close(&s));
}

TEST(storm, of_calls_and_handles_against_load_and_unload)
{
	NEED_MODULES();
	PROVES("G03 G14 G16 G20");
	blow(false);
}

TEST(storm, of_calls_and_handles_in_a_callers_pool)
{
	NEED_MODULES();
	PROVES("G03 G20");
	blow(true);
}

/* --- two loads at once */

static void *load_once(void *arg)
{
	struct storm *s = arg;
	const int err = tn_slot_load(s->k.slots, 0, NULL);

	expect(s,
	    err == 0 || err == TN_SLOT_BUSY || err == TN_SLOT_ALREADY_EXISTS);
	if (err == 0)
		atomic_fetch_add(&s->calls, 1);
	return NULL;
}

TEST(storm, lets_one_of_many_loads_succeed)
{
	NEED_MODULES();
	PROVES("G04 G10");
	for (int round = 0; round < 10; round++) {
		pthread_t t[4];
		struct storm s;

		CHECK(storm_open(&s, round % 2 == 0));
		for (int i = 0; i < 4; i++)
			pthread_create(&t[i], NULL, load_once, &s);
		for (int i = 0; i < 4; i++)
			pthread_join(t[i], NULL);
		CHECK_EQ(atomic_load(&s.calls), 1);
		CHECK_EQ(kit_call(&s.k, 0, "hello_add", ARGS(1, 2)), 3);
		CHECK(storm_close(&s));
	}
}

/* --- attempts that end in BUSY disturb nobody */

static void *keep_trying(void *arg)
{
	struct storm *s = arg;

	while (!atomic_load(&s->stop)) {
		expect(s, tn_slot_unload(s->k.slots, 0, NULL) == TN_SLOT_BUSY);
		expect(s, tn_slots_shutdown(s->k.slots, NULL) == TN_SLOT_BUSY);
		atomic_fetch_add(&s->busy, 1);
	}
	return NULL;
}

TEST(storm, of_attempts_in_vain_is_noticed_by_nobody)
{
	NEED_MODULES();
	struct tn_slot_handle h;
	struct storm s;
	pthread_t t;

	PROVES("G20 G21");
	CHECK(storm_open(&s, false));
	CHECK_EQ(tn_slot_load(s.k.slots, 0, NULL), 0);
	CHECK_EQ(kit_load(&s.k, 1, "probe"), 0); /* nobody holds this one */
	CHECK_EQ(tn_slot_acquire(s.k.slots, 0, "holder", &h), 0);
	pthread_create(&t, NULL, keep_trying, &s);
	for (int i = 0; i < 2000 || atomic_load(&s.busy) < 3; i++) {
		struct tn_slot_handle other;
		int64_t ret = 0;

		/* every one of these must succeed */
		expect(&s, tn_slot_call(s.k.slots, 0, "hello_add", ARGS(i, 1),
			       &ret) == 0 &&
			       ret == i + 1);
		expect(&s, tn_slot_call(s.k.slots, 1, "probe_args",
			       ARGS(1, 2, 3, 4), &ret) == 0 &&
			       ret == 1234);
		expect(&s, tn_slot_acquire(s.k.slots, 0, "x", &other) == 0);
		expect(&s, tn_slot_release(&other) == 0);
	}
	atomic_store(&s.stop, true);
	pthread_join(t, NULL);
	CHECK_EQ(tn_slot_release(&h), 0);
	CHECK(storm_close(&s));
}

/* --- the end of a manager while handles are given up */

static void *give_up(void *arg)
{
	struct tn_slot_handle *h = arg;
	int64_t ret;
	int err;

	do
		err = tn_slot_handle_call(h, "hello_add", ARGS(1, 2), &ret);
	while (err == 0);
	if (err != TN_SLOT_STALE)
		return h;
	return tn_slot_release(h) == 0 ? NULL : h;
}

TEST(storm, of_handles_survives_the_end_of_the_manager)
{
	NEED_MODULES();
	PROVES("G17");
	for (int round = 0; round < 6; round++) {
		struct tn_slot_handle h[CALLERS];
		pthread_t t[CALLERS];
		struct storm s;
		void *bad;

		CHECK(storm_open(&s, false));
		CHECK_EQ(tn_slot_load(s.k.slots, 0, NULL), 0);
		for (int i = 0; i < CALLERS; i++) {
			CHECK_EQ(
			    tn_slot_acquire(s.k.slots, 0, "caller", &h[i]), 0);
			pthread_create(&t[i], NULL, give_up, &h[i]);
		}
		tn_slots_abandon(s.k.slots);
		for (int i = 0; i < CALLERS; i++) {
			pthread_join(t[i], &bad);
			CHECK(bad == NULL);
		}
		/* the last of them has freed it all */
		CHECK(kit_finish(&s.k));
	}
}
