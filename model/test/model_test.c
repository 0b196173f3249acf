/* SPDX-License-Identifier: MIT */
/*
 * The protocol of core/gate holds in all runs of its models, and each mutant
 * is caught where it can be: models.c says on which machine.
 */
#include <stdlib.h>
#include <string.h>

#include <test/test.h>

#include "models.h"
#include "search.h"

/* Searches all trials of a mutant; each must show what it is to show. */
static void check_trials(const struct model *model, enum mutant mutant)
{
	unsigned caught = 0, n = 0;

	for (unsigned i = 0; i < ntrials; i++) {
		const struct trial *t = &trials[i];
		struct finding f;

		if (t->mutant != mutant || (model && t->model != model))
			continue;
		f = search(t->model, t->machine, t->mutant);
		if ((f.wrong != NULL) != t->shows)
			test_write(f.trace ? f.trace : "not caught\n",
			    f.trace ? strlen(f.trace) : 11);
		free(f.trace);
		CHECK_EQ(f.wrong != NULL, t->shows);
		caught += f.wrong != NULL;
		n++;
	}
	CHECK(n >= 2);
	CHECK_EQ(caught > 0, mutant != NO_MUTANT);
}

TEST(model, reference_holds)
{
	PROVES("L04 L21 K5.3");
	check_trials(&reference, NO_MUTANT);
}

TEST(model, handles_holds)
{
	PROVES("L04 L19 L21");
	check_trials(&handles, NO_MUTANT);
}

TEST(model, two_targets_holds)
{
	PROVES("L16 L19");
	check_trials(&two_targets, NO_MUTANT);
}

/* The others, one line for each. */
#define HOLDS(model_)                                                          \
	TEST(model, model_##_holds)                                            \
	{                                                                      \
		check_trials(&model_, NO_MUTANT);                              \
	}
#define IS_CAUGHT(name, mutant_)                                               \
	TEST(mutant, name##_is_caught)                                         \
	{                                                                      \
		check_trials(NULL, mutant_);                                   \
	}

// clang-format off
HOLDS(gate_2_readers)
HOLDS(gate_3_readers)
HOLDS(gate_fences)
HOLDS(nesting)
HOLDS(threads_end)
HOLDS(crowd)
HOLDS(sleepable)
HOLDS(sleepers_wake)
HOLDS(double_put)
HOLDS(mixed)
HOLDS(timer)
HOLDS(sleepers_nest)
HOLDS(revoking)
HOLDS(restoring)

IS_CAUGHT(drop_membarrier, DROP_MEMBARRIER)
IS_CAUGHT(load_ops_before_recheck, LOAD_OPS_BEFORE_RECHECK)
IS_CAUGHT(skip_recheck, SKIP_RECHECK)
IS_CAUGHT(early_free, EARLY_FREE)
IS_CAUGHT(relaxed_exit, RELAXED_EXIT)
IS_CAUGHT(missed_nesting, MISSED_NESTING)
IS_CAUGHT(thread_exit_forgets, THREAD_EXIT_FORGETS)
IS_CAUGHT(look_before_fence, LOOK_BEFORE_FENCE)
IS_CAUGHT(claim_without_release, CLAIM_WITHOUT_RELEASE)
IS_CAUGHT(drop_wake, DROP_WAKE)
IS_CAUGHT(claim_without_fence, CLAIM_WITHOUT_FENCE)
IS_CAUGHT(enters_before_exits, ENTERS_BEFORE_EXITS)
IS_CAUGHT(left_after_sums, LEFT_AFTER_SUMS)
IS_CAUGHT(get_fails_while_closing, GET_FAILS_WHILE_CLOSING)
IS_CAUGHT(relaxed_put, RELAXED_PUT)
IS_CAUGHT(handle_no_barrier, HANDLE_NO_BARRIER)
IS_CAUGHT(handle_scan_before_close, HANDLE_SCAN_BEFORE_CLOSE)
IS_CAUGHT(put_without_number, PUT_WITHOUT_NUMBER)
IS_CAUGHT(put_goes_back, PUT_GOES_BACK)
IS_CAUGHT(missed_phase_flip, MISSED_PHASE_FLIP)
IS_CAUGHT(no_fence_inside, NO_FENCE_INSIDE)
IS_CAUGHT(close_one_by_one, CLOSE_ONE_BY_ONE)
IS_CAUGHT(reopen_forgets, REOPEN_FORGETS)
IS_CAUGHT(count_ignored, COUNT_IGNORED)
IS_CAUGHT(no_shutdown_sync, NO_SHUTDOWN_SYNC)
IS_CAUGHT(delete_only, DELETE_ONLY)
IS_CAUGHT(nested_waits, NESTED_WAITS)
IS_CAUGHT(check_before_section, CHECK_BEFORE_SECTION)
IS_CAUGHT(target_before_number, TARGET_BEFORE_NUMBER)
IS_CAUGHT(restore_earlier, RESTORE_EARLIER)
IS_CAUGHT(restore_put, RESTORE_PUT)
// clang-format on
