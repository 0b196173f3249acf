/* SPDX-License-Identifier: MIT */
/*
 * The world of gates in a process: membarrier, futex and clocks for those who
 * wait, and the functions behind the inline ones of <tenon/gate.h>, which
 * modules import and which do the work of threads without tn_gate_self.
 */
#include <sched.h>
#include <time.h>

#include <base/compiler.h>
#include <gate/world.h>
#include <host/epoch.h>
#include <host/process.h>

#include "reserve.h"
#include "thread.h"
#include "tour.h"

/* --- the world */

/*
 * Threads without fences are there, so membarrier has worked once. Where it
 * does not any more, threads that come from now on have fences.
 */
static bool world_barrier(void)
{
	if (!epoch_fences() && process_barrier(BARRIER_MEMORY))
		return true;
	epoch_use_fences();
	return tour_processors();
}

/* At once at first, in case it is a matter of nanoseconds, then others run,
   then in growing naps up to 1 ms. */
static void world_relax(unsigned round)
{
	const unsigned spins = 32, yields = spins + 4;
	const unsigned naps = round < yields ? 0 : round - yields;
	struct timespec nap = { 0, 1000L << (naps < 10 ? naps : 10) };

	if (round >= yields)
		nanosleep(&nap, NULL);
	else if (round >= spins)
		sched_yield();
}

static void world_wait(
    const uint32_t *word, uint32_t value, uint64_t deadline_ns)
{
	(void)thread_wait(NULL, word, value, deadline_ns); /* callers look */
}

static void world_wake(const uint32_t *word)
{
	thread_wake(NULL, word);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t world_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t tn_gate_coarse_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC_COARSE);
}

const struct gate_world host_gate_world = {
	.self = epoch_thread,
	.enter = epoch_enter,
	.exit = epoch_exit,
	.barrier = world_barrier,
	.relax = world_relax,
	.wait = world_wait,
	.wake = world_wake,
	.now_ns = world_now_ns,
	.coarse_ns = tn_gate_coarse_ns,
	.alloc = reserve_alloc,
};

/* --- without a record, or with fences */

static const struct tn_binding *enter_in_crowd(struct tn_gate *g)
{
	const struct tn_binding *b;

	epoch_enter();
	/* acquire: pairs with the release of gate_publish */
	b = __atomic_load_n(&g->binding, __ATOMIC_ACQUIRE);
	if (b->state == TN_BINDING_OPEN)
		return b;
	epoch_exit();
	return NULL;
}

/* The outer section, with its fence, stands in front of the load inside. */
static const struct tn_binding *enter_fenced(
    struct tn_gate_thread *t, struct tn_gate *g)
{
	const struct tn_binding *b;

	epoch_enter();
	b = tn_gate_enter_on(t, g);
	epoch_exit();
	return b;
}

static __attribute__((noinline)) const struct tn_binding *enter_slowly(
    struct tn_gate *g)
{
	struct tn_gate_thread *t = epoch_thread(true);

	return t ? enter_fenced(t, g) : enter_in_crowd(g);
}

static __attribute__((noinline)) const struct tn_binding *guard_slowly(
    struct tn_gate *g, struct tn_gate_frame *f)
{
	struct tn_gate_thread *t = epoch_thread(true);
	const struct tn_binding *b;

	if (!t)
		return NULL;
	epoch_enter();
	b = tn_guard_enter_on(t, g, f);
	epoch_exit();
	return b;
}

/* --- the twins */

const struct tn_binding *tn_gate_enter_call(struct tn_gate *g)
{
	return LIKELY(tn_gate_self) ? tn_gate_enter_on(tn_gate_self, g)
				    : enter_slowly(g);
}

void tn_gate_exit_call(struct tn_gate *g)
{
	(void)g;
	if (LIKELY(tn_gate_self))
		tn_section_exit_on(tn_gate_self);
	else
		epoch_exit();
}

const struct tn_binding *tn_guard_enter_call(
    struct tn_gate *g, struct tn_gate_frame *f)
{
	return LIKELY(tn_gate_self) ? tn_guard_enter_on(tn_gate_self, g, f)
				    : guard_slowly(g, f);
}

void tn_guard_exit_call(struct tn_gate *g, struct tn_gate_frame *f)
{
	struct tn_gate_thread *t = epoch_thread(false);

	(void)g;
	if (LIKELY(t))
		tn_guard_exit_on(t, f);
	/* else the thread is ending and its record is given back */
}
