/* SPDX-License-Identifier: MIT */
/*
 * Waiting in the engine, over the port's wait and wake: a mutex for what the
 * registry lock shall not protect, and events that others wait for.
 *
 * The mutex word is 0 free, 1 held, 2 held and somebody waits; so taking and
 * giving a free one is a compare-and-swap each and calls no port. A mutex is
 * zeroed memory. In a world without wait there is one thread, and a mutex that
 * is found held would be held by its taker: that is a bug of the engine.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>
#include <base/sync.h>
#include <tenon/err.h>
#include <tenon/port.h>

struct mutex {
	_Atomic uint32_t word;
};

/*
 * The locks of a system, in the order in which they are taken: the port's lock,
 * ledger.lock, param_lock (docs/locking.md). Names for the checker; there is
 * nothing behind them.
 */
extern struct lock_role registry_role, ledger_role, param_role;

void mutex_take(const struct tn_port *port, struct mutex *m);
/* False: it was somebody else's until @deadline_ns. */
bool mutex_take_until(
    const struct tn_port *port, struct mutex *m, uint64_t deadline_ns);
void mutex_give(const struct tn_port *port, struct mutex *m);

/*
 * An event: a number that grows with each change of something. Read it under
 * the lock of that something, drop the lock, then wait for it to differ.
 */
struct event {
	_Atomic uint32_t count;
};

static inline uint32_t event_read(const struct event *e)
{
	return atomic_load_explicit(&e->count, memory_order_acquire);
}

/* Something has changed: wakes all who wait. */
void event_raise(const struct tn_port *port, struct event *e);

/*
 * Waits until the event is not @seen any more, or earlier. -TN_ETIMEDOUT;
 * -TN_EDEADLK in a world without other threads. Sleeps; without any lock.
 */
int event_wait(const struct tn_port *port, const struct event *e, uint32_t seen,
    uint64_t deadline_ns) MUST_CHECK;

/* The calling thread's number; a world without threads has the one. */
static inline uintptr_t this_thread(const struct tn_port *port)
{
	return port->thread_self != NULL ? port->thread_self(port->ctx) : 1;
}

/* A deadline @ns from now; UINT64_MAX stays "never". */
uint64_t deadline_in(const struct tn_port *port, uint64_t ns);
