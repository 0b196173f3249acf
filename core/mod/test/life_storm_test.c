/* SPDX-License-Identifier: MIT */
/*
 * Storms over the life cycle: many threads load, unload, stop and hold the
 * same modules, and inits load each other. Whatever the order, every init has
 * its exit, nobody is in two lives at once, and nothing hangs. A few hundred
 * rounds; the thread sanitizer makes more of them.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include <test/test.h>

#include "actor.h"

#define THREADS 4
#define ROUNDS  200

static struct {
	struct span file[2]; /* of "a" and "b" */
	struct tn_module *mod[3];
	atomic_int alive[128];   /* by the module's letter: inits less exits */
	atomic_int running[128]; /* starts less stops */
	atomic_uint inits, shared, busy, cycles;
	atomic_bool stop;
	const char *_Atomic what; /* the first error */
} storm;

static void blame(const char *what)
{
	const char *none = NULL;

	atomic_compare_exchange_strong(&storm.what, &none, what);
}

static void count(atomic_int *n, int step, int before, const char *what)
{
	if (atomic_fetch_add(n, step) != before)
		blame(what);
}

static int load(int which, struct tn_module **mod)
{
	const struct tn_load_args args = { .size = sizeof(args),
		.data = storm.file[which].p,
		.data_size = storm.file[which].n };

	return tn_load(play.w.sys, &args, mod, NULL);
}

/* What an operation on a module that others work on too may say. */
static bool is_expected(int err)
{
	return err == 0 || err == -TN_EEXIST || err == -TN_ENOENT ||
	       err == -TN_EBUSY || err == -TN_EALREADY || err == -TN_EINVAL;
}

/* b's init loads a, a's init loads b, when the storm wants that. */
static bool nested;

static void load_other(char letter)
{
	struct tn_module *other;
	int err;

	if (!nested)
		return;
	err = load(letter == 'a', &other);
	if (err == -TN_EDEADLK)
		atomic_fetch_add(&storm.cycles, 1);
	else if (!is_expected(err) && err != -TN_ELOOP)
		blame("nested load");
}

static void live(enum actor_op op, struct tn_module *mod, char letter)
{
	const unsigned l = (unsigned char)letter;

	(void)mod;
	switch (op) {
	case ACTOR_INIT:
		count(&storm.alive[l], 1, 0, "two lives at once");
		atomic_fetch_add(&storm.inits, 1);
		load_other(letter);
		break;
	case ACTOR_START:
		count(&storm.running[l], 1, 0, "started twice");
		break;
	case ACTOR_STOP:
		count(&storm.running[l], -1, 1, "stopped without start");
		break;
	case ACTOR_CLEANUP:
		count(&storm.alive[l], -1, 1, "exit without init");
		break;
	default: break;
	}
}

static bool begin(struct author *a, struct author *b)
{
	memset(&storm, 0, sizeof(storm));
	nested = false;
	if (!play_open(0))
		return false;
	play.inside = live;
	*a = actor_new("a", ACTOR_PLAIN);
	*b = actor_new("b", ACTOR_PLAIN);
	storm.file[0] = object_file(a->o);
	storm.file[1] = object_file(b->o);
	return true;
}

static void run_threads(void *(*fn)(void *), int n)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, fn, NULL) != 0)
			__builtin_trap();
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static void finish(struct author *a, struct author *b)
{
	(void)tn_unload_name(play.w.sys, "a", NULL, NULL);
	(void)tn_unload_name(play.w.sys, "b", NULL, NULL);
	CHECK_STR(storm.what, NULL);
	CHECK_EQ(storm.alive['a'], 0);
	CHECK_EQ(storm.alive['b'], 0);
	CHECK_EQ(storm.running['a'], 0);
	CHECK_EQ(storm.running['b'], 0);
	author_free(a);
	author_free(b);
	CHECK(play_close());
}

/* --- one name */

static void *load_and_unload(void *arg)
{
	struct tn_module *mod;

	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		int err = load(0, &mod);

		if (!is_expected(err))
			blame("load");
		if (err != 0)
			continue;
		if (i % 3 == 0)
			err = tn_stop(play.w.sys, mod, NULL, NULL);
		if (!is_expected(err))
			blame("stop");
		if (i % 6 == 0)
			err = tn_start(play.w.sys, mod, NULL);
		if (!is_expected(err))
			blame("start");
		err = tn_unload(play.w.sys, mod, NULL);
		if (!is_expected(err))
			blame("unload");
	}
	return NULL;
}

TEST(life_storm, loads_and_unloads_of_one_name_are_one_after_the_other)
{
	struct author a, b;

	PROVES("L03 L05 H08");
	CHECK(begin(&a, &b));
	run_threads(load_and_unload, THREADS);
	CHECK(storm.inits > 0);
	finish(&a, &b);
}

/* --- inits that load each other */

static void *load_each(void *arg)
{
	struct tn_module *mod;

	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		if (load(i % 2, &mod) != 0)
			sched_yield();
		(void)tn_unload_name(
		    play.w.sys, i % 4 < 2 ? "a" : "b", NULL, NULL);
		(void)tn_unload_name(
		    play.w.sys, i % 4 < 2 ? "b" : "a", NULL, NULL);
	}
	return NULL;
}

TEST(life_storm, inits_that_load_each_other_never_hang)
{
	struct author a, b;

	CHECK(begin(&a, &b));
	nested = true;
	run_threads(load_each, THREADS);
	finish(&a, &b);
}

/* --- decision 23: an attempt that ends in BUSY makes no get fail */

static void *get_and_put(void *arg)
{
	(void)arg;
	while (!atomic_load(&storm.stop)) {
		if (!tn_module_get(storm.mod[0]))
			blame("a get has failed");
		else
			tn_module_put(storm.mod[0]);
	}
	return NULL;
}

static void *try_unloads(void *arg)
{
	const struct tn_unload_args wait = { .size = sizeof(wait),
		.flags = TN_UNLOAD_WAIT,
		.timeout_ns = 200000 };

	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		const int err = tn_unload_with(
		    play.w.sys, storm.mod[0], i % 8 == 0 ? &wait : NULL, NULL);

		if (err == -TN_EBUSY || err == -TN_ETIMEDOUT)
			atomic_fetch_add(&storm.busy, 1);
		else if (err != -TN_EALREADY)
			blame("unload of a module that is held");
	}
	return NULL;
}

TEST(life_storm, an_attempt_that_ends_in_busy_is_not_noticed)
{
	struct author a, b;
	pthread_t getters[2];

	PROVES("L04 L19");
	CHECK(begin(&a, &b));
	CHECK_EQ(load(0, &storm.mod[0]), 0);
	CHECK(tn_module_get(storm.mod[0])); /* held all the time */
	for (int i = 0; i < 2; i++)
		CHECK_EQ(
		    pthread_create(&getters[i], NULL, get_and_put, NULL), 0);
	run_threads(try_unloads, 2);
	atomic_store(&storm.stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(getters[i], NULL);
	CHECK(storm.busy > 0);
	tn_module_put(storm.mod[0]);
	finish(&a, &b);
}

/* --- a set and those who hold its members */

static void *hold_members(void *arg)
{
	(void)arg;
	while (!atomic_load(&storm.stop)) {
		for (int i = 0; i < 2; i++) {
			struct tn_module *mod =
			    tn_module_find(play.w.sys, i == 0 ? "a" : "b");
			struct tn_module_info info;

			if (mod == NULL)
				continue;
			tn_module_info(mod, &info);
			if (info.state != TN_STATE_RUNNING ||
			    atomic_load(&storm.running[i == 0 ? 'a' : 'b']) !=
				1)
				blame("what is held does not run");
			tn_module_put(mod);
		}
	}
	return NULL;
}

TEST(life_storm, a_set_goes_whole_or_not_at_all)
{
	struct author a, b;
	pthread_t holders[2];
	unsigned gone = 0;

	CHECK(begin(&a, &b));
	actor_export(&a, "of_a");
	actor_import(&b, "of_a");
	storm.file[0] = object_file(a.o);
	storm.file[1] = object_file(b.o);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(
		    pthread_create(&holders[i], NULL, hold_members, NULL), 0);
	for (int i = 0; i < ROUNDS; i++) {
		int err;

		EXPECT(load(0, &storm.mod[0]) == 0);
		EXPECT(load(1, &storm.mod[1]) == 0);
		do
			err =
			    tn_unload_set(play.w.sys, storm.mod, 2, NULL, NULL);
		while (err == -TN_EBUSY);
		gone += EXPECT(err == 0);
	}
	atomic_store(&storm.stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(holders[i], NULL);
	CHECK_EQ(gone, ROUNDS);
	finish(&a, &b);
}
