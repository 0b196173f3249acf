/* SPDX-License-Identifier: MIT */
/*
 * Unloading: who is named when it is refused, by name, and waiting.
 */
#include <pthread.h>
#include <sched.h>

#include <tenon/interfaces.h>
#include <test/test.h>

#include "actor.h"

#define SECOND UINT64_C(1000000000)

/* --- holders */

TEST(unload, names_everybody_who_holds_the_module)
{
	struct author a[3];
	struct tn_module *mod[3];
	struct tn_handle h;
	const struct tn_diag *d = &play.w.diag;

	PROVES("L19 L20");
	CHECK(play_open(0));
	actor_chain(a, mod);
	CHECK_EQ(tn_unload(play.w.sys, mod[0], &play.w.diag), -TN_EBUSY);
	CHECK_STR(play_sentence(), "Module a is in use by b");
	CHECK_EQ(d->value, 1);
	CHECK(tn_module_get(mod[0]));
	CHECK_EQ(tn_unload(play.w.sys, mod[0], &play.w.diag), -TN_EBUSY);
	CHECK(play_says(
	    "Module a is in use by b, the program (reference taken at 0x"));
	CHECK_EQ(tn_handle_get(mod[0], "the test", &h), 0);
	CHECK_EQ(tn_unload(play.w.sys, mod[0], &play.w.diag), -TN_EBUSY);
	CHECK_EQ(d->nholders, 3);
	CHECK_EQ(d->holders[0].kind, TN_HOLDER_IMPORTER);
	CHECK_EQ(d->holders[1].kind, TN_HOLDER_REFERENCE);
	CHECK_EQ(d->holders[2].kind, TN_HOLDER_HANDLE);
	CHECK_STR(d->holders[2].name, "the test");
	CHECK(d->holders[2].site != NULL);
	CHECK(d->holders[2].age_ns < 3600 * SECOND);
	tn_module_put(mod[0]);
	CHECK_EQ(tn_unload(play.w.sys, mod[0], &play.w.diag), -TN_EBUSY);
	CHECK(
	    play_says("Module a is in use by b, the test (handle taken at 0x"));
	CHECK_EQ(tn_unload(play.w.sys, mod[2], NULL), 0);
	CHECK_EQ(tn_unload(play.w.sys, mod[1], NULL), 0);
	CHECK_EQ(tn_unload(play.w.sys, mod[0], &play.w.diag), -TN_EBUSY);
	CHECK_EQ(d->nholders, 1);
	CHECK_EQ(tn_handle_put(h), 0);
	CHECK_EQ(tn_unload(play.w.sys, mod[0], &play.w.diag), 0);
	tn_diag_fini(&play.w.diag);
	actor_chain_free(a);
	CHECK(play_close());
}

/* Without memory for the list it still says how many there are. */
TEST(unload, says_how_many_when_it_cannot_name_them)
{
	struct author a[3];
	struct tn_module *mod[3];

	CHECK(play_open(0));
	actor_chain(a, mod);
	rig_arm(&play.w.rig, 1);
	CHECK_EQ(tn_unload(play.w.sys, mod[0], &play.w.diag), -TN_EBUSY);
	CHECK_EQ(play.w.rig.calls, 1);
	rig_arm(&play.w.rig, 0);
	CHECK_STR(
	    play_sentence(), "Module a is in use by 1 (no memory for names)");
	CHECK_EQ(play_unload_set(mod, 3), 0);
	actor_chain_free(a);
	CHECK(play_close());
}

/* --- by name */

TEST(unload, works_by_name)
{
	struct author a = actor_new("a", ACTOR_PLAIN);
	struct tn_module *mod;

	CHECK(play_open(0));
	CHECK_EQ(
	    tn_unload_name(play.w.sys, "a", NULL, &play.w.diag), -TN_ENOENT);
	CHECK_STR(play_sentence(), "a is not loaded");
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	CHECK_EQ(tn_unload_name(play.w.sys, "a", NULL, NULL), 0);
	CHECK_EQ(tn_unload_name(play.w.sys, "a", NULL, NULL), -TN_ENOENT);
	CHECK_STR(play_text(), "aiasapax");
	author_free(&a);
	CHECK(play_close());
}

TEST(unload, stops_and_starts_by_name)
{
	struct author a = actor_new("a", ACTOR_PLAIN);
	struct tn_module *mod;

	CHECK(play_open(0));
	CHECK_EQ(tn_start_name(play.w.sys, "a", &play.w.diag), -TN_ENOENT);
	CHECK_STR(play_sentence(), "a is not loaded");
	CHECK_EQ(tn_stop_name(play.w.sys, "a", NULL, &play.w.diag), -TN_ENOENT);
	CHECK_STR(play_sentence(), "a is not loaded");
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	CHECK_EQ(tn_start_name(play.w.sys, "a", NULL), -TN_EINVAL);
	CHECK_EQ(tn_stop_name(play.w.sys, "a", NULL, NULL), 0);
	CHECK_EQ(tn_stop_name(play.w.sys, "a", NULL, NULL), -TN_EINVAL);
	CHECK_EQ(tn_start_name(play.w.sys, "a", NULL), 0);
	CHECK_EQ(actor_state(mod), TN_STATE_RUNNING);
	CHECK_STR(play_text(), "aiasapas");
	CHECK_EQ(world_unload(&play.w, mod), 0);
	author_free(&a);
	CHECK(play_close());
}

TEST(unload, takes_a_set_by_its_names)
{
	static const char *const names[] = { "a", "c", "b" };
	static const char *const one_absent[] = { "c", "none", "b" };
	static const char *const twice[] = { "c", "c" };
	struct tn_module *mod[3];
	struct author a[3];

	CHECK(play_open(0));
	actor_chain(a, mod);
	CHECK_EQ(tn_unload_names(play.w.sys, names, 0, NULL, NULL), 0);
	CHECK_EQ(tn_unload_names(play.w.sys, one_absent, 3, NULL, &play.w.diag),
	    -TN_ENOENT);
	CHECK_STR(play_sentence(), "none is not loaded");
	CHECK_EQ(tn_unload_names(play.w.sys, twice, 2, NULL, NULL), -TN_EINVAL);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(actor_state(mod[i]), TN_STATE_RUNNING);
	CHECK_EQ(tn_unload_names(play.w.sys, names, 3, NULL, NULL), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(actor_state(mod[i]), TN_STATE_REGISTERED);
		author_free(&a[i]);
	}
	CHECK(play_close());
}

TEST(unload, refuses_arguments_that_are_not_ours)
{
	struct author a = actor_new("a", ACTOR_PLAIN);
	struct tn_module *mod, *two[2];
	struct tn_unload_args args = { .size = 4 };

	CHECK(play_open(0));
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	CHECK_EQ(
	    tn_unload_with(play.w.sys, mod, &args, &play.w.diag), -TN_EINVAL);
	CHECK_EQ(play.w.diag.reason, TN_REASON_BAD_ARGUMENT);
	CHECK_EQ(tn_unload_name(play.w.sys, "a", &args, NULL), -TN_EINVAL);
	CHECK_EQ(play_unload(mod, 1024, 0), -TN_EINVAL);
	two[0] = two[1] = mod;
	CHECK_EQ(play_unload_set(two, 2), -TN_EINVAL);
	CHECK_STR(
	    play_sentence(), "bad argument: a module that is listed twice");
	args = (struct tn_unload_args){ .size = sizeof(args),
		.flags = TN_UNLOAD_FORCE };
	CHECK_EQ(tn_unload_set(play.w.sys, two, 2, &args, NULL), -TN_EINVAL);
	CHECK_EQ(play_unload_set(two, 0), 0);
	CHECK_EQ(play_unload_set(&mod, 1), 0);
	author_free(&a);
	CHECK(play_close());
}

/* --- waiting */

static atomic_bool quiet;

static void tell_quiet(enum actor_op op, struct tn_module *mod, char letter)
{
	(void)mod;
	(void)letter;
	if (op == ACTOR_QUIESCE)
		atomic_store(&quiet, true);
}

/* When the unload has begun. */
static void *put_later(void *arg)
{
	while (!atomic_load(&quiet))
		sched_yield();
	tn_module_put(arg);
	return NULL;
}

TEST(unload, waits_until_the_last_reference_is_put)
{
	struct tn_module *mod = play_alone(ACTOR_ALL);
	pthread_t thread;

	PROVES("L05");
	CHECK(mod != NULL);
	(void)play_text();
	CHECK(tn_module_get(mod));
	atomic_store(&quiet, false);
	play.inside = tell_quiet;
	CHECK_EQ(pthread_create(&thread, NULL, put_later, mod), 0);
	CHECK_EQ(play_unload(mod, TN_UNLOAD_WAIT, 60 * SECOND), 0);
	pthread_join(thread, NULL);
	CHECK_STR(play_text(), "aqapax");
	CHECK(play_close());
}

TEST(unload, waits_no_longer_than_it_was_told)
{
	const struct tn_unload_args soon = {
		.size = sizeof(soon), .flags = TN_UNLOAD_WAIT, .timeout_ns = 1
	};
	struct tn_module *mod = play_alone(ACTOR_ALL);

	CHECK(mod != NULL);
	(void)play_text();
	CHECK(tn_module_get(mod));
	CHECK_EQ(tn_unload_name(play.w.sys, "a", &soon, NULL), -TN_ETIMEDOUT);
	CHECK_STR(play_text(), "aqar");
	CHECK_EQ(play_unload(mod, TN_UNLOAD_WAIT, 2000000), -TN_ETIMEDOUT);
	CHECK(play_says(
	    "Module a is in use by the program (reference taken at 0x"));
	CHECK_EQ(play_unload(mod, TN_UNLOAD_WAIT, 0), -TN_EBUSY);
	CHECK_STR(play_text(), "aqaraqar");
	tn_module_put(mod);
	CHECK_EQ(world_unload(&play.w, mod), 0);
	CHECK(play_close());
}
