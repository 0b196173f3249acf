/* SPDX-License-Identifier: MIT */
/*
 * The host's side of the lane: see wire.h. It believes nothing: the turn is
 * remembered here, a message is copied once, and a wait ends at its deadline
 * whatever the other side does.
 */
#pragma once

#include <stdbool.h>

#include <base/compiler.h>

#include "wire.h"

struct lane {
	struct wire_lane *wire; /* shared with the worker */
	uint32_t turn; /* odd: the worker's, as we have handed it over */
	struct wire_spin spin;
	int lifeline;
	int process;         /* a descriptor that tells of its end, or -1 */
	bool stopped;        /* any thread sets it: the worker is being ended */
	const uint8_t *stop; /* atomic; likewise, from outside; or NULL */
};

struct message {
	uint32_t kind;
	uint64_t value;
	uint64_t arg[4];
};

void lane_open(struct lane *l, struct wire_lane *wire, int lifeline);

/* Rounds of waiting that take about @ns here. */
uint32_t lane_rounds(uint32_t ns);

/* Hands the turn to the worker. */
void lane_post(struct lane *l, const struct message *m);

/*
 * Waits for the turn until @deadline_ns on the monotonic clock. -TN_ETIMEDOUT;
 * -TN_EOWNERDEAD: the worker has ended; -TN_EBADMSG: the turn is none that the
 * worker may set.
 */
MUST_CHECK int lane_wait(
    struct lane *l, uint64_t deadline_ns, struct message *m);

/* The worker is to be killed: see tn_isolation_load. */
static inline bool lane_is_to_stop(const struct lane *l)
{
	return l->stop && __atomic_load_n(l->stop, __ATOMIC_RELAXED);
}

/* A thread that waits answers -TN_EOWNERDEAD at once. Any thread. */
void lane_stop(struct lane *l);

uint64_t lane_now(void);
