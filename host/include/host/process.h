/* SPDX-License-Identifier: MIT */
/*
 * What Linux makes process-wide, and so the only globals of this component
 * (decision 13): the registration with membarrier, the fork handlers with the
 * list of those who take part in them, and the count of forks.
 */
#pragma once

#include <stdbool.h>

#include <base/list.h>

/*
 * Somebody who must be whole in both processes after a fork: before() takes
 * its locks, after() releases them in parent and child. Members are called in
 * the order of joining, after() in reverse.
 *
 * The order of locks, which forks and all others keep:
 *	the locks of systems: the port's (registry), the ledger, parameters
 *	the locks of listeners, arenas, blocks, workers, plugins
 * enter() takes the former for all members before the first before(), leave()
 * gives them back after all after().
 *
 * A callback under the locks of a system may fork, and may call what reads the
 * list of members (process_find): it waits for the list's lock with those of
 * its system, or for the C library's own lock of forks, which musl holds while
 * handlers run. So whoever forks waits with the list's lock for those threads
 * only that change something, and keeps the others at rest (base/rest.h).
 */
struct process_member {
	struct list node;
	/* Both or neither, of each pair. */
	void (*enter)(struct process_member *m);
	void (*leave)(struct process_member *m);
	void (*before)(struct process_member *m);
	void (*after)(struct process_member *m);
};

void process_join(struct process_member *m);
void process_leave(struct process_member *m);

/*
 * Calls @fn for each member under the list's lock until it returns true;
 * returns that member or NULL.
 */
struct process_member *process_find(
    bool (*fn)(struct process_member *m, const void *arg), const void *arg);

/* How many forks this process and its ancestors have seen. */
unsigned process_forks(void);

/* How many of them made this process: another number, another process. */
unsigned process_generation(void);

/*
 * True in a child made behind the back of the fork handlers (_Fork, clone):
 * locks and lists may be torn there.
 */
bool process_is_torn(void);

enum process_barrier {
	BARRIER_MEMORY, /* every thread passes a full memory barrier */
	BARRIER_CODE,   /* and discards prefetched instructions */
};

/*
 * Prepares the process for barriers of this kind: cheap while it has one
 * thread, some milliseconds later on. False when the system refuses it.
 */
bool process_enrol(enum process_barrier kind);

/* False when the system refuses it: nothing has happened then. */
bool process_barrier(enum process_barrier kind);
