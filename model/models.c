/* SPDX-License-Identifier: MIT */
/*
 * See models.h.
 */
#include "models.h"

const char *const mutant_names[MUTANTS] = {
	[NO_MUTANT] = "-",
	[DROP_MEMBARRIER] = "drop-membarrier",
	[LOAD_OPS_BEFORE_RECHECK] = "load-ops-before-recheck",
	[SKIP_RECHECK] = "skip-recheck",
	[EARLY_FREE] = "early-free",
	[RELAXED_EXIT] = "relaxed-exit",
	[MISSED_NESTING] = "missed-nesting",
	[THREAD_EXIT_FORGETS] = "thread-exit-forgets",
	[LOOK_BEFORE_FENCE] = "look-before-fence",
	[CLAIM_WITHOUT_FENCE] = "claim-without-fence",
	[CLAIM_WITHOUT_RELEASE] = "claim-without-release",
	[DROP_WAKE] = "drop-wake",
	[ENTERS_BEFORE_EXITS] = "enters-before-exits",
	[LEFT_AFTER_SUMS] = "left-after-sums",
	[GET_FAILS_WHILE_CLOSING] = "get-fails-while-closing",
	[RELAXED_PUT] = "relaxed-put",
	[HANDLE_NO_BARRIER] = "handle-no-barrier",
	[HANDLE_SCAN_BEFORE_CLOSE] = "handle-scan-before-close",
	[PUT_WITHOUT_NUMBER] = "put-without-number",
	[PUT_GOES_BACK] = "put-goes-back",
	[MISSED_PHASE_FLIP] = "missed-phase-flip",
	[NO_FENCE_INSIDE] = "no-fence-inside",
	[CLOSE_ONE_BY_ONE] = "close-one-by-one",
	[REOPEN_FORGETS] = "reopen-forgets",
	[COUNT_IGNORED] = "count-ignored",
	[NO_SHUTDOWN_SYNC] = "no-shutdown-sync",
	[DELETE_ONLY] = "delete-only",
	[NESTED_WAITS] = "nested-waits",
	[CHECK_BEFORE_SECTION] = "check-before-section",
	[TARGET_BEFORE_NUMBER] = "target-before-number",
	[RESTORE_EARLIER] = "restore-earlier",
	[RESTORE_PUT] = "restore-put",
};

void free_for_readers(
    struct run *r, unsigned freed, unsigned inside, unsigned used)
{
	r->s->ghost[freed] = 1;
	for (unsigned t = 0; t + 1 < r->model->nthreads; t++) {
		check(r, !r->s->thread[t].reg[inside], "frees code that runs");
		check(r, ordered(r, used + t),
		    "frees what an earlier use may still read");
	}
	go(r, DONE);
}

/* A mutant that only reordering shows is proved harmless under TSO. */
#define HOLDS(model)                                                           \
	{ &(model), NO_MUTANT, TSO, false },                                   \
	{                                                                      \
		&(model), NO_MUTANT, RELAXED, false                            \
	}
#define CAUGHT(model, mutant)                                                  \
	{ &(model), mutant, TSO, true },                                       \
	{                                                                      \
		&(model), mutant, RELAXED, true                                \
	}
#define CAUGHT_RELAXED(model, mutant)                                          \
	{ &(model), mutant, TSO, false },                                      \
	{                                                                      \
		&(model), mutant, RELAXED, true                                \
	}

const struct trial trials[] = {
	HOLDS(gate_2_readers),
	CAUGHT(gate_2_readers, DROP_MEMBARRIER),
	CAUGHT(gate_2_readers, LOAD_OPS_BEFORE_RECHECK),
	CAUGHT(gate_2_readers, SKIP_RECHECK),
	CAUGHT(gate_2_readers, EARLY_FREE),
	CAUGHT_RELAXED(gate_2_readers, RELAXED_EXIT),
	HOLDS(gate_3_readers),
	HOLDS(gate_fences),
	CAUGHT(gate_fences, DROP_MEMBARRIER),
	HOLDS(nesting),
	CAUGHT(nesting, MISSED_NESTING),
	HOLDS(threads_end),
	CAUGHT(threads_end, THREAD_EXIT_FORGETS),
	CAUGHT(threads_end, LOOK_BEFORE_FENCE),
	CAUGHT_RELAXED(threads_end, CLAIM_WITHOUT_FENCE),
	CAUGHT_RELAXED(threads_end, CLAIM_WITHOUT_RELEASE),
	HOLDS(crowd),
	CAUGHT(crowd, LOOK_BEFORE_FENCE),
	HOLDS(sleepable),
	CAUGHT(sleepable, ENTERS_BEFORE_EXITS),
	CAUGHT(sleepable, LEFT_AFTER_SUMS),
	CAUGHT(sleepable, MISSED_PHASE_FLIP),
	HOLDS(sleepers_wake),
	CAUGHT(sleepers_wake, DROP_WAKE),
	HOLDS(sleepers_nest),
	CAUGHT(sleepers_nest, NESTED_WAITS),
	HOLDS(reference),
	CAUGHT(reference, GET_FAILS_WHILE_CLOSING),
	HOLDS(handles),
	CAUGHT(handles, HANDLE_NO_BARRIER),
	CAUGHT(handles, HANDLE_SCAN_BEFORE_CLOSE),
	CAUGHT(handles, GET_FAILS_WHILE_CLOSING),
	CAUGHT_RELAXED(handles, RELAXED_PUT),
	HOLDS(double_put),
	CAUGHT(double_put, PUT_WITHOUT_NUMBER),
	CAUGHT(double_put, PUT_GOES_BACK),
	HOLDS(revoking),
	CAUGHT(revoking, CHECK_BEFORE_SECTION),
	CAUGHT(revoking, TARGET_BEFORE_NUMBER),
	CAUGHT(revoking, DROP_MEMBARRIER),
	CAUGHT(revoking, EARLY_FREE),
	CAUGHT_RELAXED(revoking, RELAXED_EXIT),
	HOLDS(restoring),
	CAUGHT(restoring, RESTORE_EARLIER),
	CAUGHT(restoring, RESTORE_PUT),
	HOLDS(mixed),
	CAUGHT(mixed, NO_FENCE_INSIDE),
	CAUGHT(mixed, LOOK_BEFORE_FENCE),
	CAUGHT(mixed, CLAIM_WITHOUT_FENCE),
	CAUGHT_RELAXED(mixed, CLAIM_WITHOUT_RELEASE),
	HOLDS(two_targets),
	CAUGHT(two_targets, CLOSE_ONE_BY_ONE),
	CAUGHT(two_targets, REOPEN_FORGETS),
	CAUGHT(two_targets, COUNT_IGNORED),
	HOLDS(timer),
	CAUGHT(timer, NO_SHUTDOWN_SYNC),
	CAUGHT(timer, DELETE_ONLY),
	CAUGHT(timer, DROP_WAKE),
	CAUGHT(timer, DROP_MEMBARRIER),
	CAUGHT(timer, EARLY_FREE),
};

const unsigned ntrials = sizeof(trials) / sizeof(trials[0]);
