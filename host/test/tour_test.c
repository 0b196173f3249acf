/* SPDX-License-Identifier: MIT */
/*
 * The tour of all processors: who is visited, and who returns where.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>

#include <gate/close.h>
#include <host/epoch.h>
#include <test/sandbox.h>

#include "tour.h"

struct guest {
	atomic_bool in, leave;
	pthread_t thread;
};

/* It has a record, and nothing to do. */
static void *guest_run(void *arg)
{
	struct guest *g = arg;

	epoch_enter();
	epoch_exit();
	atomic_store(&g->in, true);
	while (!atomic_load(&g->leave))
		sched_yield();
	return NULL;
}

static bool guest_come(struct guest *g)
{
	if (pthread_create(&g->thread, NULL, guest_run, g) != 0)
		return false;
	while (!atomic_load(&g->in))
		sched_yield();
	return true;
}

static void guest_go(struct guest *g)
{
	atomic_store(&g->leave, true);
	pthread_join(g->thread, NULL);
}

TEST(tour, whoever_makes_it_may_run_where_it_might_before)
{
	struct guest g = { false, false, 0 };
	cpu_set_t all, before, after;
	int first = 0;

	CHECK_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
	CHECK(guest_come(&g));
	if (!tour_processors()) {
		guest_go(&g);
		SKIP("it is not possible here");
	}
	CHECK_EQ(sched_getaffinity(0, sizeof(after), &after), 0);
	CHECK(CPU_EQUAL(&all, &after));
	while (!CPU_ISSET(first, &all))
		first++;
	CPU_ZERO(&before);
	CPU_SET(first, &before);
	CHECK_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
	CHECK(tour_processors());
	CHECK_EQ(sched_getaffinity(0, sizeof(after), &after), 0);
	CHECK(CPU_EQUAL(&before, &after));
	CHECK_EQ(sched_setaffinity(0, sizeof(all), &all), 0);
	guest_go(&g);
}

static int forbidden(void)
{
	struct guest g = { false, false, 0 };

	if (epoch_fences() || !guest_come(&g) || !tour_processors() ||
	    !sandbox_forbid(SYS_sched_setaffinity))
		return SANDBOX_NONE;
	if (tour_processors() || !gate_barrier())
		return 1; /* the latter has membarrier */
	if (!sandbox_forbid(SYS_membarrier))
		return SANDBOX_NONE;
	if (gate_barrier() || gate_can_synchronize())
		return 2;
	guest_go(&g);
	return gate_barrier() && gate_can_synchronize() ? 0 : 3;
}

TEST(tour, one_that_is_not_possible_is_no_barrier)
{
	CHECK_IN_CHILD(forbidden);
}

/* Each has stored to its own word and looks at the other's: not both miss. */
#define ROUNDS 2000

static struct {
	atomic_uint reader, waiter, round, met;
	atomic_bool saw;
} duel;

static void *duel_reader(void *arg)
{
	(void)arg;
	epoch_enter(); /* a record without fences */
	epoch_exit();
	atomic_store(&duel.met, 1);
	for (unsigned i = 1; i <= ROUNDS; i++) {
		while (atomic_load_explicit(
			   &duel.round, memory_order_acquire) != i)
			;
		atomic_store_explicit(&duel.reader, i, memory_order_relaxed);
		atomic_signal_fence(memory_order_seq_cst);
		atomic_store_explicit(&duel.saw,
		    atomic_load_explicit(&duel.waiter, memory_order_relaxed) ==
			i,
		    memory_order_relaxed);
		atomic_store_explicit(&duel.met, i + 1, memory_order_release);
	}
	return NULL;
}

TEST(tour, it_is_a_barrier_for_who_has_only_one_of_the_compiler)
{
	struct guest g = { false, false, 0 };
	unsigned missed = 0;
	pthread_t t;

	CHECK(guest_come(&g));
	if (!tour_processors()) {
		guest_go(&g);
		SKIP("it is not possible here");
	}
	guest_go(&g);
	CHECK_EQ(pthread_create(&t, NULL, duel_reader, NULL), 0);
	while (atomic_load(&duel.met) != 1)
		sched_yield();
	for (unsigned i = 1; i <= ROUNDS; i++) {
		bool saw;

		atomic_store_explicit(&duel.round, i, memory_order_release);
		atomic_store_explicit(&duel.waiter, i, memory_order_relaxed);
		EXPECT(tour_processors());
		saw = atomic_load_explicit(
			  &duel.reader, memory_order_relaxed) == i;
		while (atomic_load_explicit(&duel.met, memory_order_acquire) !=
		       i + 1)
			;
		missed += !saw && !atomic_load(&duel.saw);
	}
	pthread_join(t, NULL);
	CHECK_EQ(missed, 0);
}
