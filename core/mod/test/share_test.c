/* SPDX-License-Identifier: MIT */
/*
 * Several threads that load and unload one module at the same time: who wins,
 * who waits, and what the others get.
 */
#include <tenon/graph.h>
#include <test/test.h>

#include "../module.h"
#include "meeting.h"

#define THREADS 4

/* --- one name */

static void many_load_one(struct author *a, struct job job[THREADS])
{
	for (int i = 0; i < THREADS; i++)
		job[i] = job_of(a);
	door_at('a', ACTOR_INIT);
	for (int i = 0; i < THREADS; i++) {
		job_start(&job[i], job_load);
		if (i == 0)
			door_wait();
		else
			job_wait(&job[i]);
	}
	door_open();
	for (int i = 0; i < THREADS; i++)
		job_end(&job[i]);
}

TEST(share, loads_of_one_module_have_one_winner_and_one_result)
{
	struct author a = actor_new("a", ACTOR_PLAIN);
	struct job job[THREADS];

	CHECK(play_open(0));
	many_load_one(&a, job);
	CHECK_EQ(job[0].err, 0);
	for (int i = 1; i < THREADS; i++) {
		/* A thread that came when all was over has found it there. */
		if (job[i].err == -TN_EEXIST)
			continue;
		CHECK_EQ(job[i].err, 0);
		CHECK(job[i].mod == job[0].mod);
		CHECK_EQ(job[i].diag.reason, TN_REASON_NONE);
	}
	CHECK_STR(play_text(), "aias");
	CHECK_EQ(actor_refs(job[0].mod), 0);
	CHECK_EQ(world_unload(&play.w, job[0].mod), 0);
	for (int i = 0; i < THREADS; i++)
		tn_diag_fini(&job[i].diag);
	author_free(&a);
	CHECK(play_close());
}

static void share_one(struct author *a, int result)
{
	struct job first = job_of(a), second = first;

	play.result['a'][ACTOR_INIT] = result;
	door_at('a', ACTOR_INIT);
	job_start(&first, job_load);
	door_wait();
	job_start(&second, job_load);
	job_wait(&second);
	door_open();
	job_end(&first);
	job_end(&second);
	CHECK_EQ(first.err, result);
	if (result == 0 && second.err == 0)
		CHECK(first.mod == second.mod);
	if (result != 0) {
		CHECK_EQ(second.err, result);
		CHECK_STR(second.text, first.text);
	}
	tn_diag_fini(&first.diag);
	tn_diag_fini(&second.diag);
	if (result == 0)
		CHECK_EQ(world_unload(&play.w, first.mod), 0);
}

TEST(share, a_failed_load_is_shared_with_its_diagnosis)
{
	struct author a = actor_new("a", ACTOR_PLAIN);

	PROVES("L17");
	CHECK(play_open(0));
	share_one(&a, -TN_EIO);
	share_one(&a, 0);
	share_one(&a, -TN_ENOSPC);
	author_free(&a);
	CHECK(play_close());
}

static struct span set_files[2];

static void *job_load_set(void *job)
{
	struct tn_load_args sources[2];
	const struct tn_set_args args = {
		.size = sizeof(args), .sources = sources, .nsources = 2
	};
	struct job *j = job;
	struct tn_set set;

	for (int i = 0; i < 2; i++)
		sources[i] = (struct tn_load_args){ .size = sizeof(sources[i]),
			.data = set_files[i].p,
			.data_size = set_files[i].n };
	j->err = tn_load_set(play.w.sys, &args, &set, NULL);
	return NULL;
}

/* It would take it back if it failed, and that is not its own to take. */
TEST(share, a_set_does_not_share_the_load_of_another)
{
	struct author a = actor_new("a", ACTOR_PLAIN);
	struct author b = actor_new("b", ACTOR_PLAIN);
	struct job first = job_of(&a), set = { .err = 0 };

	CHECK(play_open(1000000)); /* how long loads wait for each other */
	set_files[0] = first.file;
	set_files[1] = object_file(b.o);
	door_at('a', ACTOR_INIT);
	job_start(&first, job_load);
	door_wait();
	(void)job_load_set(&set);
	CHECK_EQ(set.err, -TN_EEXIST);
	door_open();
	job_end(&first);
	CHECK_EQ(first.err, 0);
	CHECK_STR(play_text(), "aias");
	CHECK_EQ(world_unload(&play.w, first.mod), 0);
	tn_diag_fini(&first.diag);
	author_free(&a);
	author_free(&b);
	CHECK(play_close());
}

static struct tn_module *record_of(const char *name)
{
	struct tn_module *mod;

	registry_lock(play.w.sys);
	mod = module_find_locked(play.w.sys, name);
	registry_unlock(play.w.sys);
	return mod;
}

/* The set takes its first module back; whoever shared its load has that. */
TEST(share, a_record_that_two_loads_returned_outlives_the_set_of_one)
{
	struct author a = actor_new("a", ACTOR_PLAIN);
	struct author b = actor_new("b", ACTOR_PLAIN);
	struct job set = { .err = 0 }, second = job_of(&a);

	CHECK(play_open(0));
	play.result['b'][ACTOR_INIT] = -TN_EIO;
	set_files[0] = second.file;
	set_files[1] = object_file(b.o);
	door_at('a', ACTOR_INIT);
	job_start(&set, job_load_set);
	door_wait();
	job_start(&second, job_load);
	job_wait(&second);
	door_open();
	job_end(&set);
	job_end(&second);
	CHECK_EQ(set.err, -TN_EIO);
	/* Unless it came when a was there already, or gone again. */
	if (second.err == 0 && record_of("a") != NULL &&
	    actor_state(record_of("a")) == TN_STATE_RUNNING)
		CHECK_EQ(world_unload(&play.w, second.mod), 0);
	if (second.err == 0) {
		CHECK(record_of("a") == second.mod);
		CHECK(!tn_module_get(second.mod));
		CHECK_EQ(tn_module_forget(play.w.sys, second.mod), 0);
	}
	CHECK(record_of("a") == NULL);
	tn_diag_fini(&second.diag);
	author_free(&a);
	author_free(&b);
	CHECK(play_close());
}

TEST(share, an_exclusive_load_does_not_wait)
{
	struct author a = actor_new("a", ACTOR_PLAIN);
	struct job first = job_of(&a);
	struct tn_module *mod;

	CHECK(play_open(0));
	door_at('a', ACTOR_START);
	job_start(&first, job_load);
	door_wait();
	CHECK_EQ(actor_load(&a, TN_LOAD_EXCLUSIVE, &mod), -TN_EEXIST);
	CHECK_STR(play_sentence(),
	    "a module called a is loaded already or on its way");
	door_open();
	job_end(&first);
	CHECK_EQ(first.err, 0);
	CHECK_EQ(actor_load(&a, 0, &mod), -TN_EEXIST);
	CHECK_EQ(world_unload(&play.w, first.mod), 0);
	author_free(&a);
	CHECK(play_close());
}

/* --- loads and unloads that meet */

TEST(share, of_two_unloads_one_wins)
{
	struct author a = actor_new("a", ACTOR_PLAIN);
	struct job job = { .err = 0 };

	CHECK(play_open(0));
	CHECK_EQ(actor_load(&a, 0, &job.mod), 0);
	door_at('a', ACTOR_CLEANUP);
	job_start(&job, job_unload);
	door_wait();
	CHECK_EQ(tn_unload(play.w.sys, job.mod, &play.w.diag), -TN_EALREADY);
	CHECK_STR(play_sentence(), "a: is being unloaded by another thread");
	CHECK_EQ(tn_start(play.w.sys, job.mod, NULL), -TN_EALREADY);
	CHECK_EQ(tn_start_name(play.w.sys, "a", NULL), -TN_EALREADY);
	CHECK(!tn_module_get(job.mod));
	door_open();
	job_end(&job);
	CHECK_EQ(job.err, 0);
	CHECK_EQ(tn_unload(play.w.sys, job.mod, NULL), -TN_ENOENT);
	author_free(&a);
	CHECK(play_close());
}

TEST(share, a_module_that_is_being_loaded_is_not_unloaded)
{
	struct author a = actor_new("a", ACTOR_PLAIN);
	struct job job = job_of(&a);
	struct tn_module *mod;

	CHECK(play_open(0));
	CHECK_EQ(actor_load(&a, 0, &mod), 0); /* the name's record */
	CHECK_EQ(tn_unload(play.w.sys, mod, NULL), 0);
	door_at('a', ACTOR_INIT);
	job_start(&job, job_load);
	door_wait();
	CHECK_EQ(
	    tn_unload_name(play.w.sys, "a", NULL, &play.w.diag), -TN_EBUSY);
	CHECK_STR(play_sentence(), "a: is being loaded by another thread");
	CHECK_EQ(tn_start(play.w.sys, mod, NULL), -TN_EBUSY);
	CHECK_EQ(tn_start_name(play.w.sys, "a", NULL), -TN_EBUSY);
	CHECK_EQ(tn_system_destroy(play.w.sys), -TN_EBUSY);
	door_open();
	job_end(&job);
	CHECK_EQ(job.err, 0);
	CHECK_EQ(world_unload(&play.w, job.mod), 0);
	author_free(&a);
	CHECK(play_close());
}

/* A get fails while it goes; a load waits and brings it again. */
static void load_while_going(struct author *a, unsigned flags)
{
	struct job out = { .err = 0 }, in = job_of(a);

	in.flags = flags;
	CHECK_EQ(actor_load(a, 0, &out.mod), 0);
	door_at('a', ACTOR_CLEANUP);
	job_start(&out, job_unload);
	door_wait();
	CHECK(!tn_module_get(out.mod));
	CHECK(tn_module_find(play.w.sys, "a") == NULL);
	job_start(&in, job_load);
	job_wait(&in);
	door_open();
	job_end(&out);
	job_end(&in);
	CHECK_EQ(out.err, 0);
	CHECK_EQ(in.err, 0);
	CHECK(in.mod == out.mod); /* the name's record */
	CHECK_EQ(actor_state(in.mod), TN_STATE_RUNNING);
	play.inside = NULL;
	CHECK_EQ(world_unload(&play.w, in.mod), 0);
	CHECK_STR(play_text(), "aiasapaxaiasapax");
}

TEST(share, a_load_waits_for_a_module_that_is_going)
{
	struct author a = actor_new("a", ACTOR_PLAIN);

	PROVES("L21");
	CHECK(play_open(0));
	load_while_going(&a, 0);
	/* What goes is nobody's load that could be shared. */
	load_while_going(&a, TN_LOAD_EXCLUSIVE);
	author_free(&a);
	CHECK(play_close());
}
