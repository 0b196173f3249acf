/* SPDX-License-Identifier: MIT */
/*
 * The host's side of the lane: see lane.h. The worker's side, program/lane.c,
 * describes how the two wait for each other.
 *
 * A worker that dies wakes nobody, so a sleep is cut into slices, and after
 * each the process is looked at, or the lifeline where that cannot be. Faults
 * are told by the worker itself, at once.
 */
#include "lane.h"

#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <tenon/err.h>

#include "machine.h"

/* Longer than a tick, so that the timer of most waits is never programmed. */
#define SLICE 10000000ull /* ns */

uint64_t lane_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void lane_open(struct lane *l, struct wire_lane *wire, int lifeline)
{
	*l = (struct lane){
		.wire = wire, .turn = 1, .lifeline = lifeline, .process = -1
	};
	__atomic_store_n(&wire->turn, 1, __ATOMIC_RELEASE);
}

/* The best of some measurements: whatever interrupts makes them longer. */
uint32_t lane_rounds(uint32_t ns)
{
	enum {
		ROUNDS = 200,
		TIMES = 5
	};
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < TIMES; i++) {
		const uint64_t start = lane_now();

		for (int j = 0; j < ROUNDS; j++)
			machine_relax();
		const uint64_t took = lane_now() - start;

		best = took < best ? took : best;
	}
	return (uint32_t)((uint64_t)ns * ROUNDS / (best ? best : 1));
}

static long futex(
    uint32_t *word, int op, uint32_t value, const struct timespec *t)
{
	return syscall(SYS_futex, word, op, value, t, NULL, 0);
}

static uint32_t turn_now(const struct lane *l)
{
	return __atomic_load_n(&l->wire->turn, __ATOMIC_SEQ_CST);
}

static uint64_t load(const uint64_t *from)
{
	return __atomic_load_n(from, __ATOMIC_RELAXED);
}

void lane_post(struct lane *l, const struct message *m)
{
	struct wire_lane *w = l->wire;

	__atomic_store_n(&w->kind, m->kind, __ATOMIC_RELAXED);
	__atomic_store_n(&w->value, m->value, __ATOMIC_RELAXED);
	for (int i = 0; i < 4; i++)
		__atomic_store_n(&w->arg[i], m->arg[i], __ATOMIC_RELAXED);
	l->turn += 2;
	/* Pairs with the worker's look at the turn. */
	__atomic_store_n(&w->turn, l->turn, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&w->worker_parked, __ATOMIC_SEQ_CST))
		(void)futex(&w->turn, FUTEX_WAKE, INT_MAX, NULL);
}

static bool comes_soon(struct lane *l)
{
	bool came = turn_now(l) != l->turn;

	for (uint32_t i = 0; i < l->spin.rounds && !came; i++) {
		machine_relax();
		came = turn_now(l) != l->turn;
	}
	wire_spin_learn(&l->spin, came);
	return came;
}

static bool has_ended(const struct lane *l)
{
	const bool sure = l->process >= 0;
	struct pollfd p = {
		.fd = sure ? l->process : l->lifeline,
		.events = sure ? POLLIN : 0,
	};

	if (__atomic_load_n(&l->stopped, __ATOMIC_ACQUIRE) ||
	    lane_is_to_stop(l))
		return true;
	return poll(&p, 1, 0) == 1 &&
	       (p.revents & (POLLIN | POLLHUP | POLLERR)) != 0;
}

static int sleep_until(struct lane *l, uint64_t deadline_ns)
{
	while (turn_now(l) == l->turn) {
		const uint64_t now = lane_now();
		uint64_t left;

		if (now >= deadline_ns)
			return -TN_ETIMEDOUT;
		left = deadline_ns - now;
		left = left < SLICE ? left : SLICE;
		const struct timespec t = { .tv_nsec = (long)left };

		(void)futex(&l->wire->turn, FUTEX_WAIT, l->turn, &t);
		/* Its last words come before its end. */
		if (turn_now(l) == l->turn && has_ended(l) &&
		    turn_now(l) == l->turn)
			return -TN_EOWNERDEAD;
	}
	return 0;
}

int lane_wait(struct lane *l, uint64_t deadline_ns, struct message *m)
{
	struct wire_lane *w = l->wire;
	int err = 0;

	if (!comes_soon(l)) {
		__atomic_store_n(&w->host_parked, 1, __ATOMIC_SEQ_CST);
		err = sleep_until(l, deadline_ns);
		__atomic_store_n(&w->host_parked, 0, __ATOMIC_RELAXED);
	}
	if (err)
		return err;
	/* Pairs with the worker's store. */
	if (__atomic_load_n(&w->turn, __ATOMIC_ACQUIRE) != l->turn + 1)
		return -TN_EBADMSG;
	m->kind = __atomic_load_n(&w->kind, __ATOMIC_RELAXED);
	m->value = load(&w->value);
	for (int i = 0; i < 4; i++)
		m->arg[i] = load(&w->arg[i]);
	return 0;
}

void lane_stop(struct lane *l)
{
	__atomic_store_n(&l->stopped, true, __ATOMIC_RELEASE);
	(void)futex(&l->wire->turn, FUTEX_WAKE, INT_MAX, NULL);
}
