/* SPDX-License-Identifier: MIT */
/*
 * One worker, as the host sees it.
 *
 * Two locks: turn, held for the length of a call, and state, held for moments.
 * turn before state; no function of the caller runs with state held.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <host/process.h>
#include <host/worker.h>

#include "lane.h"
#include "link.h"
#include "spawn.h"

struct worker {
	/* constant once it is open: */
	const struct tn_isolate_config *config;
	uint32_t slot;
	struct wire_page *page; /* shared with the process */
	size_t page_size;       /* of the mapping */
	uint64_t page_addr;     /* where it is in the process */
	struct image img;
	struct tn_timing timing;
	uint64_t exit, cleanup; /* lkmod_exit, cleanup_module; 0: none */
	uint64_t leave;         /* WIRE_HELLO_LEAVE */
	unsigned generation;    /* of this process */
	uint64_t exit_ns;       /* what its exit may take */

	pthread_mutex_t turn;      /* one call at a time */
	_Atomic(pthread_t) caller; /* who has it, else 0 */

	/* turn: */
	struct lane lane;
	char text[WIRE_TEXT_SIZE + 1];

	pthread_mutex_t state;
	/* state: */
	struct tn_isolate_report report;
	int lifeline; /* -1: not ours */
	int far;      /* its other end until the worker has it, else -1 */
	struct process process;
	bool has_news; /* `ended` has not been called yet */

	atomic_int status;       /* report.error, for those without the lock */
	_Atomic uint64_t called; /* the function that runs, 0: none */
	struct process_member member;
};

/* Copies @from, cut to fit, into the zeroed @to. */
static inline void copy_text(char *to, size_t cap, const char *from)
{
	memcpy(to, from, strnlen(from, cap - 1));
}

/* --- worker.c */

struct worker *worker_create(const struct worker_load *load);
/* Ends the process and frees all that there is. */
void worker_release(struct worker *w);

/* Calls a function; the turn is the caller's, or nobody else knows @w. */
MUST_CHECK int worker_run_one(struct worker *w, uint64_t fn,
    const int64_t args[4], uint64_t deadline_ns, int64_t *ret);
/* Calls @n functions without arguments, as long as that works. */
MUST_CHECK int worker_run_all(
    struct worker *w, const uint64_t *list, size_t n, uint64_t deadline_ns);

/* The address of function @name, 0: there is none. */
uint64_t worker_function(const struct worker *w, const char *name);

/* --- end.c */

/*
 * Notes why it ends, unless it has ended, and makes it end: @m has the worker's
 * own words or is NULL. Returns what calls answer from now on. Whoever calls it
 * calls worker_tell when it holds no lock.
 */
int worker_end(
    struct worker *w, enum tn_isolate_end end, const struct message *m);

/* Calls the user's `ended` if there is news. No lock is held. */
void worker_tell(struct worker *w);

/* --- serve.c */

/*
 * Hands over @m and serves the module's own calls until its answer, a message
 * of kind @wanted, or until @deadline_ns. The turn is the caller's.
 */
MUST_CHECK int worker_run(
    struct worker *w, struct message *m, uint32_t wanted, uint64_t deadline_ns);

/* When something that may take @timeout_ns is over; 0: never. */
uint64_t worker_deadline(uint64_t timeout_ns);
