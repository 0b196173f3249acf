/* SPDX-License-Identifier: MIT */
/*
 * Several threads load and unload at once.
 */
#include <pthread.h>
#include <stdlib.h>

#include <test/test.h>

#include "kit.h"

#define THREADS 4
#define LOADS   400
#define HELD    8

struct worker {
	struct host_arena *a;
	unsigned seed;
	int bad;
};

static void one_step(struct worker *w, struct tn_image *slot, int i)
{
	const int answer = 1 + i % 2;
	const uint64_t text = slot->part[0].addr;

	/* What stands in the slot is still its own, and then another. */
	if (text)
		w->bad += kit_call(text) != 1 + (int)slot->part[0].offset;
	arena_image_free(w->a, slot);
	*slot = kit_image(64 + rand_r(&w->seed) % 9000, rand_r(&w->seed) % 3000,
	    rand_r(&w->seed) % 3000);
	w->bad += kit_load(w->a, slot, answer) != 0;
	w->bad += arena_image_finish(w->a, slot) != 0;
	slot->part[0].offset = (size_t)i % 2;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct tn_image img[HELD] = { 0 };

	for (int i = 0; i < LOADS; i++)
		one_step(w, &img[rand_r(&w->seed) % HELD], i);
	for (int i = 0; i < HELD; i++)
		arena_image_free(w->a, &img[i]);
	return NULL;
}

static void check_threads(enum arena_mode mode, unsigned flags)
{
	struct host_arena *a = kit_arena(mode, flags);
	struct worker w[THREADS];
	pthread_t t[THREADS];

	CHECK(a);
	for (unsigned i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .a = a, .seed = i + 1 };
		CHECK_EQ(pthread_create(&t[i], NULL, work, &w[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		CHECK_EQ(w[i].bad, 0);
	}
	CHECK_EQ(kit_stats(a).live, 0);
	CHECK(!kit_any_wx());
	arena_destroy(a);
}

TEST(threads, load_and_unload_at_once)
{
	check_threads(ARENA_DUAL, 0);
	check_threads(ARENA_DUAL, ARENA_NO_MEMBARRIER);
	check_threads(ARENA_FLIP, 0);
}
