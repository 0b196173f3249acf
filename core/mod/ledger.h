/* SPDX-License-Identifier: MIT */
/*
 * The ledger, as the engine's own files see it.
 *
 * Entries are in two structures at once: the list of their generation, newest
 * first, and a hash table of the whole system by their number. Every use of a
 * resource by a module begins with a look into that table, so that a number
 * that is stale, of another class or of another module is refused without a
 * look at freed memory. A block of memory has its address as its number, which
 * is even; other numbers are odd and count up. A record of references has a
 * number made of its pair instead (hold.c), which nobody is told.
 *
 * ledger.lock protects
 *   1. the entries, their lists and the table, and the classes,
 *   2. the state of timers, work items, threads and callbacks (fire.h).
 * Nothing that sleeps is called under it, and no code of a module; closing the
 * references of modules waits for a barrier of the processors (closing.c).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/compiler.h>
#include <base/rest.h>
#include <tenon/ledger.h>

#include "sync.h"

#define LEDGER_OWN     6 /* classes of the engine; they come when needed */
#define LEDGER_WORLD   16
#define LEDGER_CLASSES (LEDGER_OWN + LEDGER_WORLD)
#define LEDGER_BUCKETS 16 /* until there are more entries */

/* What one generation holds, or the program; zeroed memory is an empty one. */
struct ledger_book {
	/* ledger.lock: */
	struct tn_ledger_entry *newest;
	uint32_t count;
	bool closed; /* being revoked: takes nothing more */
	bool paused; /* its module is not running: nothing of it fires */
};

struct ledger {
	struct mutex lock;
	_Atomic uintptr_t holder; /* the thread that has it, or 0 */
	struct rest rest;         /* the holder's */
	enum rest_copier copier;  /* while there is one: its own */
	/* lock: */
	const struct tn_ledger_class *classes[LEDGER_CLASSES]; /* by order */
	unsigned nclasses, nworld;
	struct tn_ledger_entry **buckets;
	size_t nbuckets; /* a power of two */
	size_t count;    /* entries */
	uint64_t last_id;
	struct ledger_book program; /* entries without an owner */
	struct tn_ledger_entry *few[LEDGER_BUCKETS];
};

struct generation;

/* Whose it is; NULL: the program's. */
static inline struct generation *ledger_owner(
    const struct tn_ledger_entry *entry)
{
	return entry->owner;
}

void ledger_open(struct tn_system *sys);
/* No entry is left. */
void ledger_close(struct tn_system *sys);

void ledger_lock(struct tn_system *sys) ACQUIRES(ledger_role)
    EXCLUDES(param_role);
void ledger_unlock(struct tn_system *sys) RELEASES(ledger_role);
/* Around what only reads, and calls the program: who forks need not wait. */
void ledger_rest_begin(struct tn_system *sys) REQUIRES(ledger_role);
void ledger_rest_end(struct tn_system *sys) REQUIRES(ledger_role);
void ledger_before_fork(struct tn_system *sys);
void ledger_after_fork(struct tn_system *sys, bool child);

/* --- under the lock */

/*
 * Adds an entry whose type and id are set, and the class if it is new.
 * -TN_ESTALE: no generation, or its ledger is being revoked.
 */
int ledger_add_locked(struct generation *gen, struct tn_ledger_entry *entry)
    MUST_CHECK REQUIRES(ledger_role);
/* The same; NULL: the program's. */
int ledger_add_to_locked(struct tn_system *sys, struct generation *gen,
    struct tn_ledger_entry *entry) MUST_CHECK REQUIRES(ledger_role);
/* The entries that may have this number, by .chain. */
struct tn_ledger_entry *ledger_chain(struct tn_system *sys, uint64_t id)
    REQUIRES(ledger_role);
/* A new number. */
uint64_t ledger_next_id(struct tn_system *sys) REQUIRES(ledger_role);
/* The entry of @mod; NULL and the reason in @err, as tn_ledger_drop. */
struct tn_ledger_entry *ledger_find_locked(struct tn_module *mod,
    const struct tn_ledger_class *type, uint64_t id, int *err)
    REQUIRES(ledger_role);
/* Detaches it and takes it out; revoke is the caller's, without the lock. */
void ledger_remove_locked(struct tn_system *sys, struct tn_ledger_entry *entry)
    REQUIRES(ledger_role);
/* Has it left the ledger? */
static inline bool ledger_has_left(const struct tn_ledger_entry *entry)
{
	return entry->link == NULL;
}

/* --- without the lock */

/*
 * Takes everything back that the generation holds, in the fixed order, and
 * says so in the log; its code runs no more but in what is being revoked.
 * Returns how many entries there were. Afterwards there is none and none can
 * be added. May sleep.
 */
int ledger_revoke_all(struct generation *gen)
    EXCLUDES(registry_role, ledger_role);
/*
 * Is the calling thread in an operation that a timer, work item, thread or
 * callback of the generation has fired? Then its ledger cannot be revoked here:
 * that would wait for the caller.
 */
bool ledger_runs_here(const struct generation *gen) EXCLUDES(ledger_role);
