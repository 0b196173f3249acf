/* SPDX-License-Identifier: MIT */
/*
 * Operations in progress: which thread loads, unloads, starts or stops which
 * module, and who waits for whom.
 *
 * An activity lies on the stack of its thread and in the system's lists while
 * it lasts. A module that is worked on points to it, so that one operation at
 * a time changes a module; whoever wants the same module meanwhile is refused
 * or waits until the activity ends, which is when it is told the result. A
 * wait that would be for oneself is found before it begins, by walking from
 * the module that is waited for to its thread, and from that to what it waits
 * for. Everything here is under the registry lock.
 */
#pragma once

#include <stdint.h>

#include <base/compiler.h>
#include <base/list.h>
#include <tenon/diag.h>

#include "sync.h"

struct tn_module;
struct tn_system;

enum activity_kind {
	ACTIVITY_LOAD,
	ACTIVITY_START,
	ACTIVITY_STOP,
	ACTIVITY_SAVE,
	ACTIVITY_RESTORE,
	ACTIVITY_UNLOAD,
};

struct activity {
	struct list link;    /* sys->activities, while it works on a module */
	struct list waiting; /* sys->waiters, while its thread waits */
	uintptr_t thread;
	enum activity_kind kind;
	bool follows; /* one of a set, not the first: no deeper nesting */
	struct tn_module *mod;    /* it works on this one, or NULL */
	struct tn_module *awaits; /* its thread waits for this one, or NULL */
	/* References that are no generation's in the list: those of a load until
	   that is published, and of what is withdrawn until it is gone. */
	struct tn_module **providers;
	uint32_t nproviders;
	/* how the activity that was waited for has ended: */
	int result;
	struct tn_diag *diag; /* receives its failure, or NULL */
};

/* Activities of one thread inside each other: loads in an init in an init. */
#define ACTIVITY_NEST_MAX 16

static inline struct activity *activity_at(const struct list *pos)
{
	return CONTAINER_OF(
	    (struct list *)(uintptr_t)pos, struct activity, link);
}

/* A zeroed activity of the calling thread, not in the list. */
void activity_init(struct activity *act, struct tn_system *sys);

/*
 * Makes @mod the one that @act works on; nobody works on it. -TN_ELOOP: the
 * thread's activities are nested too deeply.
 */
int activity_begin_locked(struct activity *act, enum activity_kind kind,
    struct tn_module *mod, struct tn_diag *diag)
    MUST_CHECK REQUIRES(registry_role);

/*
 * Ends it, with @result and the failure in @diag (or NULL) for those who wait,
 * and wakes them.
 */
void activity_end_locked(struct activity *act, int result,
    const struct tn_diag *diag) REQUIRES(registry_role);

/* Gives its providers back. */
void activity_unpin_locked(struct activity *act) REQUIRES(registry_role);

/* This process is a copy in which the calling thread is the only one. */
void activity_forget_others_locked(struct tn_system *sys)
    REQUIRES(registry_role) REQUIRES(ledger_role);

/*
 * Waits until the activity on @mod has ended; its result is then in @act. The
 * lock is dropped meanwhile. -TN_EDEADLK with the path when it would wait for
 * itself, -TN_ETIMEDOUT after the system's patience.
 */
int activity_wait_locked(struct activity *act, struct tn_module *mod,
    struct tn_diag *diag) MUST_CHECK REQUIRES(registry_role);

/* Somebody works on @mod: says who and returns the error. */
int activity_refuse_locked(struct activity *act, struct tn_module *mod,
    struct tn_diag *diag) MUST_CHECK REQUIRES(registry_role);
