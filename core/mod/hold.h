/* SPDX-License-Identifier: MIT */
/*
 * References that somebody has asked for: who holds how many on which module.
 *
 * There is one record for each pair of a holder and a module that it holds, for
 * as long as it holds any: the number, and where and when the last was taken.
 * A holder is a generation, or NULL: the program, which is everything that is
 * no module. Records are entries of the ledger, in its table by their pair, so
 * that finding one takes constant time, and in the list of their target; those
 * of a generation are revoked with the rest of what it has, which gives its
 * references back.
 *
 * The target's word alone decides whether it can be closed. It counts first and
 * is given back last, so it never shows less than the records, and both under
 * the ledger's lock, which a fork takes: the child finds no count without its
 * record. What the engine itself holds for the time of a call (and an importer,
 * which is known by its list of providers) has no record: gate_target_count
 * less the records.
 */
#pragma once

#include <stdint.h>

#include <base/compiler.h>

#include "sync.h"

struct gate_holder;
struct generation;
struct tn_module;
struct tn_system;

/* The name of the holder that is no module. */
#define HOLD_PROGRAM "the program"

/*
 * Who calls from @site: the module that has code there, else the program. In
 * the context of that code, so that it stays.
 */
struct generation *hold_at(struct tn_system *sys, const void *site);

/*
 * Takes a reference on @target for @holder. -TN_ENOENT: @target is not running;
 * -TN_ENOMEM; -TN_ESTALE: the ledger of @holder is being revoked. Waits as
 * tn_module_get does.
 */
int hold_take(struct tn_module *target, struct generation *holder,
    const void *site) MUST_CHECK;

/* The same for whoever calls from @site. */
int hold_take_at(struct tn_module *target, const void *site) MUST_CHECK;
/* As hold_take, under the ledger's lock. */
int hold_take_locked(struct tn_module *target, struct generation *holder,
    const void *site) MUST_CHECK REQUIRES(ledger_role);

/*
 * Gives one back. What @holder does not hold is reported in the log, and
 * nothing happens: the references of others are not its own.
 */
void hold_drop(struct tn_module *target, struct generation *holder);

/* Calls @fn for each module that @holder holds, under the ledger's lock. */
void hold_each_locked(const struct generation *holder,
    void (*fn)(void *arg, struct tn_module *target, uint64_t count), void *arg)
    REQUIRES(ledger_role);

/* What all holders together hold of @target. */
uint64_t hold_total_locked(const struct tn_module *target)
    REQUIRES(ledger_role);

/* Calls @fn for each holder of @target, under the ledger's lock. */
struct hold_info {
	const struct generation *holder; /* NULL: the program */
	uint64_t count;
	const void *site; /* of the last */
	uint64_t time_ns;
};
void holds_each(const struct tn_module *target,
    void (*fn)(void *arg, const struct hold_info *hold), void *arg);

/*
 * Handles are slots of threads (core/gate), which know the code that has taken
 * them; a module's are those that its own code has taken and not put, also if
 * they were revoked meanwhile: those only keep their slots. All at one time:
 * for the ledger's list, and when the module has run for the last time.
 */
void hold_each_handle(const struct generation *holder,
    void (*fn)(void *arg, const struct gate_holder *handle), void *arg);
/* Puts them; how many there were. */
unsigned hold_put_handles(const struct generation *holder);
/*
 * The init text of @holder is given back, and other code will lie there: what
 * has been taken there (handles, bonds, references and all else in the ledger)
 * stays attributed to the module by an address in its resident text.
 */
void hold_leave_init(struct generation *holder);
/* Is that what @site is? */
bool hold_was_in_init(const struct generation *holder, const void *site);

/* Frees the program's records: no module is left. */
void holds_free(struct tn_system *sys);
