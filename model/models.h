/* SPDX-License-Identifier: MIT */
/*
 * The models of core/gate, their mutants, and what is expected of each: the
 * protocol holds on both machines, and each mutant is caught.
 *
 * A model repeats the accesses of the code, in its order and with its memory
 * orders; how often and with how many threads is bounded. A mutant is the
 * model with one mistake that somebody could make in the code.
 */
#pragma once

#include "machine.h"

enum mutant {
	NO_MUTANT,
	DROP_MEMBARRIER,          /* closers store, but have no barrier */
	LOAD_OPS_BEFORE_RECHECK,  /* the binding, and then the word */
	SKIP_RECHECK,             /* enter whatever the binding says */
	EARLY_FREE,               /* free without waiting for sections */
	RELAXED_EXIT,             /* the exit is no release */
	MISSED_NESTING,           /* an inner exit ends the section */
	THREAD_EXIT_FORGETS,      /* a thread ends, its section does not */
	LOOK_BEFORE_FENCE,        /* alone: loads, and then the fence */
	CLAIM_WITHOUT_RELEASE,    /* the word of the last thread goes on */
	DROP_WAKE,                /* the gate opens, nobody is told */
	CLAIM_WITHOUT_FENCE,      /* a new record, and no fence */
	ENTERS_BEFORE_EXITS,      /* sums in the wrong order */
	LEFT_AFTER_SUMS,          /* the closer sleeps on a late value */
	GET_FAILS_WHILE_CLOSING,  /* an attempt counts as a success */
	RELAXED_PUT,              /* the put is no release */
	HANDLE_NO_BARRIER,        /* as DROP_MEMBARRIER, for slots */
	HANDLE_SCAN_BEFORE_CLOSE, /* slots first, and then CLOSING */
	PUT_WITHOUT_NUMBER,       /* a put frees whatever the slot holds */
	PUT_GOES_BACK,            /* a late put stores its older number */
	MISSED_PHASE_FLIP,        /* a gate closes, and nobody is told */
	NO_FENCE_INSIDE,          /* a thread with fences leaves one out */
	CLOSE_ONE_BY_ONE,         /* of two: one dies before both can */
	REOPEN_FORGETS,           /* what was shut stays CLOSING */
	COUNT_IGNORED,            /* a reference from outside does not count */
	NO_SHUTDOWN_SYNC,         /* a timer's teardown does not wait */
	DELETE_ONLY,              /* it is deleted, and can be set again */
	NESTED_WAITS,             /* who is inside waits for a gate */
	CHECK_BEFORE_SECTION,     /* is it held? and then the section */
	TARGET_BEFORE_NUMBER,     /* a slot's target, and then whose it is */
	RESTORE_EARLIER,          /* also what was revoked for good */
	RESTORE_PUT,              /* and what is being taken again */
	MUTANTS
};

extern const char *const mutant_names[MUTANTS];

extern const struct model gate_2_readers, gate_3_readers, gate_fences;
extern const struct model nesting, threads_end, crowd;
extern const struct model sleepable, sleepers_wake, reference, handles,
    double_put;
extern const struct model mixed, two_targets, timer, sleepers_nest;
extern const struct model revoking, restoring;

/*
 * The closer, who is the last thread, frees, and is DONE: no reader is inside
 * (his register @inside), and all that they did (events from @used on) is over.
 */
void free_for_readers(
    struct run *r, unsigned freed, unsigned inside, unsigned used);

/* One search: @shows says that the mutant must be caught, or that nothing
   may be wrong. */
struct trial {
	const struct model *model;
	enum mutant mutant;
	enum machine machine;
	bool shows;
};

extern const struct trial trials[];
extern const unsigned ntrials;
