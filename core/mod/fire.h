/* SPDX-License-Identifier: MIT */
/*
 * What timers, work items, threads and callbacks have in common: each is an
 * entry of the ledger that fires an operation of an interface.
 *
 * While it fires there is a frame, on the stack of the thread that runs it and
 * in the system's list. A firing is freed when it has left the ledger and the
 * last pin is gone; each frame is a pin, and so is whoever waits for frames.
 * So an operation may give its own timer back: that lives until the frame ends.
 *
 * A gate that is not open is not waited for, because its provider's exit may be
 * waiting for the firing: timers and work items stay set, threads sleep, and
 * all of them try again. Until a module is running its own interfaces are not
 * open, so what its init has set begins then.
 *
 * All state is under ledger.lock; operations run without it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/compiler.h>
#include <base/list.h>
#include <tenon/ledger.h>

#include "resource.h"
#include "sync.h"

/* What is called. */
struct target {
	struct tn_interface *iface;
	unsigned op;
	void *cookie;
};

struct firing {
	struct tn_ledger_entry entry; /* first */
	struct target target;
	size_t size; /* of the object around it */
	/* ledger.lock: */
	uint32_t pins;
};

/* A thread that fires what is due, one after the other (timer.c). */
struct timer;
struct service {
	struct tn_system *sys;
	const char *name;
	void *thread; /* registry lock; NULL until first needed */
	struct event bell;
	/* ledger.lock: */
	struct timer **heap; /* heap[0] is due first */
	uint32_t n, room;
	uint32_t users; /* timers that may enter it: room for all */
	uint64_t order; /* of the last that has entered */
	bool stop;
};

struct generation;

/* Of a system. */
struct fires {
	struct event left; /* a frame has ended, or a timer is not set now */
	/* ledger.lock: */
	struct list frames;
	struct list callbacks; /* in the order of their numbers */
	uint64_t last_callback;
	uint32_t waiters; /* who look at left */
	struct service timers, works;
};

/* The opaque storage of a module. */
struct handle {
	struct tn_module *mod;
	uint64_t id;
	uint64_t reserved[2];
};

/* A module asks for one. */
struct request {
	struct module *owner;
	void *handle;
	const void *site;
	struct target target;
};

/*
 * Nothing of @gen fires from now on; what is due waits. Operations that run and
 * may sleep have until @deadline_ns to end, others as long as all counted calls
 * have (readers_leave). -TN_EBUSY: one has not ended; then all goes on. May
 * sleep.
 */
int fires_pause(struct generation *gen, uint64_t deadline_ns)
    MUST_CHECK EXCLUDES(ledger_role);
void fires_resume(struct generation *gen) EXCLUDES(ledger_role);
/* Calls @fn for each operation of @gen that runs; under the ledger's lock. */
typedef void running_fn(void *arg, const struct firing *f, uint64_t since_ns);
void fires_each_running(
    const struct generation *gen, running_fn *fn, void *arg);

void fires_open(struct tn_system *sys);
/* Ends the threads of the services. No firing is left. */
void fires_close(struct tn_system *sys);

/* A new firing, not in the ledger yet; @size bytes. NULL: no memory. */
struct firing *firing_new(
    const struct request *r, const struct tn_ledger_class *type, size_t size);
/* Enters it into the ledger and fills the handle. Under the lock. */
int firing_add_locked(const struct request *r, struct firing *f)
    MUST_CHECK REQUIRES(ledger_role);

/*
 * Finds what a module's storage stands for. 0: and the lock is held then;
 * -TN_EINVAL: never set up; -TN_ESTALE: not there any more.
 */
int firing_take(const void *handle, const struct tn_ledger_class *type,
    struct firing **out) MUST_CHECK ACQUIRES_IF(false, ledger_role);
/*
 * Takes it out of the ledger for good: detach and revoke. As firing_take;
 * -TN_ESTALE also: its own operation asks, and it is being revoked anyhow.
 */
int firing_drop(const void *handle, const struct tn_ledger_class *type)
    MUST_CHECK EXCLUDES(ledger_role);

/* --- under the lock */

/*
 * Fires; gives the lock meanwhile. 0 and what the operation returned;
 * -TN_EAGAIN, -TN_ENODEV: its gate is not open now (interface_fire), or its
 * module is paused, until that is decided or while it is stopped; -TN_ESTALE:
 * it has left the ledger, and its module may be gone. @f may be gone
 * afterwards, unless the caller has a pin.
 */
int firing_run(struct tn_system *sys, struct firing *f, int *status)
    MUST_CHECK REQUIRES(ledger_role);
/* How long to wait after such an error. */
uint64_t firing_pause(int err);
/* Is it being fired by the calling thread? By another one? */
bool firing_is_mine(struct tn_system *sys, const struct firing *f)
    REQUIRES(ledger_role);
bool firing_is_busy(struct tn_system *sys, const struct firing *f)
    REQUIRES(ledger_role);
/* Does the calling thread run one of @gen, of @type? NULL is any. */
bool fires_here(struct tn_system *sys, const struct generation *gen,
    const struct tn_ledger_class *type) REQUIRES(ledger_role);
/* Waits for those that have given themselves back and still run. */
void fires_settle(const struct generation *gen) REQUIRES(ledger_role);
/*
 * In a child of fork: the operations that other threads were in are at an end.
 * One that may sleep stays inside of its gate, as all such calls do.
 */
void fires_forget_others(struct tn_system *sys) REQUIRES(ledger_role);
/* Waits until something may have changed; gives the lock meanwhile. */
void firing_wait(struct tn_system *sys) REQUIRES(ledger_role);
/* The same, for @ns at most. */
void firing_wait_for(struct tn_system *sys, uint64_t ns) REQUIRES(ledger_role);
/* Something that is waited for has changed. */
void firing_changed(struct tn_system *sys) REQUIRES(ledger_role);
void firing_unpin(struct tn_system *sys, struct firing *f)
    REQUIRES(ledger_role);
/* "clock.2": what is called, for describe; returns its length. */
size_t firing_name(const struct firing *f, char *text, size_t cap);

/* A class's revoke: waits for its frames and frees it; detach has pinned. */
void firing_revoke(struct tn_ledger_entry *entry) EXCLUDES(ledger_role);

/* --- timer.c */

/* Ends its thread, if there is one; no timer is left. */
void service_stop(struct service *s) EXCLUDES(ledger_role);
