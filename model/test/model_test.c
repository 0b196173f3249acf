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

TEST(model, gate_2_readers_holds)
{
	check_trials(&gate_2_readers, NO_MUTANT);
}

TEST(model, gate_3_readers_holds)
{
	check_trials(&gate_3_readers, NO_MUTANT);
}

TEST(model, gate_fences_holds)
{
	check_trials(&gate_fences, NO_MUTANT);
}

TEST(model, nesting_holds)
{
	check_trials(&nesting, NO_MUTANT);
}

TEST(model, threads_end_holds)
{
	check_trials(&threads_end, NO_MUTANT);
}

TEST(model, crowd_holds)
{
	check_trials(&crowd, NO_MUTANT);
}

TEST(model, sleepable_holds)
{
	check_trials(&sleepable, NO_MUTANT);
}

TEST(model, sleepers_wake_holds)
{
	check_trials(&sleepers_wake, NO_MUTANT);
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

TEST(model, double_put_holds)
{
	check_trials(&double_put, NO_MUTANT);
}

TEST(model, mixed_holds)
{
	check_trials(&mixed, NO_MUTANT);
}

TEST(model, two_targets_holds)
{
	PROVES("L16 L19");
	check_trials(&two_targets, NO_MUTANT);
}

TEST(model, timer_holds)
{
	check_trials(&timer, NO_MUTANT);
}

TEST(model, sleepers_nest_holds)
{
	check_trials(&sleepers_nest, NO_MUTANT);
}

TEST(model, revoking_holds)
{
	PROVES("L04");
	check_trials(&revoking, NO_MUTANT);
}

TEST(model, restoring_holds)
{
	check_trials(&restoring, NO_MUTANT);
}

TEST(mutant, drop_membarrier_is_caught)
{
	check_trials(NULL, DROP_MEMBARRIER);
}

TEST(mutant, load_ops_before_recheck_is_caught)
{
	check_trials(NULL, LOAD_OPS_BEFORE_RECHECK);
}

TEST(mutant, skip_recheck_is_caught)
{
	check_trials(NULL, SKIP_RECHECK);
}

TEST(mutant, early_free_is_caught)
{
	check_trials(NULL, EARLY_FREE);
}

TEST(mutant, relaxed_exit_is_caught)
{
	check_trials(NULL, RELAXED_EXIT);
}

TEST(mutant, missed_nesting_is_caught)
{
	check_trials(NULL, MISSED_NESTING);
}

TEST(mutant, thread_exit_forgets_is_caught)
{
	check_trials(NULL, THREAD_EXIT_FORGETS);
}

TEST(mutant, look_before_fence_is_caught)
{
	check_trials(NULL, LOOK_BEFORE_FENCE);
}

TEST(mutant, claim_without_release_is_caught)
{
	check_trials(NULL, CLAIM_WITHOUT_RELEASE);
}

TEST(mutant, drop_wake_is_caught)
{
	check_trials(NULL, DROP_WAKE);
}

TEST(mutant, claim_without_fence_is_caught)
{
	check_trials(NULL, CLAIM_WITHOUT_FENCE);
}

TEST(mutant, enters_before_exits_is_caught)
{
	check_trials(NULL, ENTERS_BEFORE_EXITS);
}

TEST(mutant, left_after_sums_is_caught)
{
	check_trials(NULL, LEFT_AFTER_SUMS);
}

TEST(mutant, get_fails_while_closing_is_caught)
{
	check_trials(NULL, GET_FAILS_WHILE_CLOSING);
}

TEST(mutant, relaxed_put_is_caught)
{
	check_trials(NULL, RELAXED_PUT);
}

TEST(mutant, handle_no_barrier_is_caught)
{
	check_trials(NULL, HANDLE_NO_BARRIER);
}

TEST(mutant, handle_scan_before_close_is_caught)
{
	check_trials(NULL, HANDLE_SCAN_BEFORE_CLOSE);
}

TEST(mutant, put_without_number_is_caught)
{
	check_trials(NULL, PUT_WITHOUT_NUMBER);
}

TEST(mutant, put_goes_back_is_caught)
{
	check_trials(NULL, PUT_GOES_BACK);
}

TEST(mutant, missed_phase_flip_is_caught)
{
	check_trials(NULL, MISSED_PHASE_FLIP);
}

TEST(mutant, no_fence_inside_is_caught)
{
	check_trials(NULL, NO_FENCE_INSIDE);
}

TEST(mutant, close_one_by_one_is_caught)
{
	check_trials(NULL, CLOSE_ONE_BY_ONE);
}

TEST(mutant, reopen_forgets_is_caught)
{
	check_trials(NULL, REOPEN_FORGETS);
}

TEST(mutant, count_ignored_is_caught)
{
	check_trials(NULL, COUNT_IGNORED);
}

TEST(mutant, no_shutdown_sync_is_caught)
{
	check_trials(NULL, NO_SHUTDOWN_SYNC);
}

TEST(mutant, delete_only_is_caught)
{
	check_trials(NULL, DELETE_ONLY);
}

TEST(mutant, nested_waits_is_caught)
{
	check_trials(NULL, NESTED_WAITS);
}

TEST(mutant, check_before_section_is_caught)
{
	check_trials(NULL, CHECK_BEFORE_SECTION);
}

TEST(mutant, target_before_number_is_caught)
{
	check_trials(NULL, TARGET_BEFORE_NUMBER);
}

TEST(mutant, restore_earlier_is_caught)
{
	check_trials(NULL, RESTORE_EARLIER);
}

TEST(mutant, restore_put_is_caught)
{
	check_trials(NULL, RESTORE_PUT);
}
