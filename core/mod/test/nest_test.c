/* SPDX-License-Identifier: MIT */
/*
 * Inits that load: what would be a wait for oneself is refused with its path,
 * and how deep they may go is bounded.
 */
#include <sched.h>
#include <string.h>

#include <test/test.h>

#include "meeting.h"

static struct {
	struct author *next[128]; /* what init of this letter loads */
	int err[128];
	struct tn_module *other;
	int refused; /* to who may not load any more */
	char text[128][256];
	atomic_int arrived;
	int expected; /* inits that meet before they go on */
} nest;

/* @mod is z, which is stopped. */
static void try_all_of(struct tn_module *mod)
{
	nest.refused =
	    (tn_unload(play.w.sys, mod, NULL) == -TN_ELOOP) +
	    (tn_unload_name(play.w.sys, "z", NULL, NULL) == -TN_ELOOP) +
	    (tn_start(play.w.sys, mod, NULL) == -TN_ELOOP) +
	    (tn_start_name(play.w.sys, "z", NULL) == -TN_ELOOP);
}

static void load_next(enum actor_op op, struct tn_module *mod, char letter)
{
	const unsigned l = (unsigned char)letter;
	struct tn_diag diag;
	struct tn_module *inner;

	(void)mod;
	if (op != ACTOR_INIT || nest.next[l] == NULL)
		return;
	atomic_fetch_add(&nest.arrived, 1);
	while (atomic_load(&nest.arrived) < nest.expected)
		sched_yield();
	tn_diag_init(&diag);
	nest.err[l] =
	    play_load_file(object_bytes(nest.next[l]->o), 0, &inner, &diag);
	if (nest.err[l] == -TN_ELOOP)
		try_all_of(nest.other);
	tn_diag_text(&diag, nest.text[l], sizeof(nest.text[l]));
	tn_diag_fini(&diag);
}

static void nest_begin(int expected)
{
	memset(&nest, 0, sizeof(nest));
	nest.expected = expected;
	play.inside = load_next;
}

/* a's init loads b while b's init loads a. */
TEST(nest, two_inits_that_load_each_other_do_not_hang)
{
	struct author a = actor_new("a", ACTOR_PLAIN),
		      b = actor_new("b", ACTOR_PLAIN);
	struct job job[2];
	unsigned refused;

	CHECK(play_open(0));
	job[0] = job_of(&a);
	job[1] = job_of(&b);
	nest_begin(2);
	nest.next['a'] = &b;
	nest.next['b'] = &a;
	job_start(&job[0], job_load);
	job_start(&job[1], job_load);
	job_end(&job[0]);
	job_end(&job[1]);
	/* The later one is told; the other one's load is what it waits for. */
	refused = nest.err['a'] == -TN_EDEADLK ? 'a' : 'b';
	CHECK_EQ(nest.err[refused], -TN_EDEADLK);
	CHECK_STR(nest.text[refused],
	    refused == 'a' ? "b: would wait for itself: a -> b -> a"
			   : "a: would wait for itself: b -> a -> b");
	CHECK_EQ(nest.err[refused == 'a' ? 'b' : 'a'], 0);
	CHECK_EQ(job[0].err, 0);
	CHECK_EQ(job[1].err, 0);
	CHECK_EQ(world_unload(&play.w, job[0].mod), 0);
	CHECK_EQ(world_unload(&play.w, job[1].mod), 0);
	author_free(&a);
	author_free(&b);
	CHECK(play_close());
}

/* a's init loads c, which imports from b, whose init loads a. */
TEST(nest, a_wait_through_an_import_is_found_too)
{
	struct author a = actor_new("a", ACTOR_PLAIN),
		      b = actor_new("b", ACTOR_PLAIN);
	struct author c = actor_new("c", ACTOR_PLAIN);
	struct job job[2];

	actor_export(&b, "of_b");
	actor_import(&c, "of_b");
	CHECK(play_open(0));
	job[0] = job_of(&a);
	job[1] = job_of(&b);
	object_file(c.o);
	nest_begin(2);
	nest.next['a'] = &c;
	nest.next['b'] = &a;
	job_start(&job[0], job_load);
	job_start(&job[1], job_load);
	job_end(&job[0]);
	job_end(&job[1]);
	if (nest.err['a'] == -TN_EDEADLK)
		CHECK_STR(nest.text['a'],
		    "c: would wait for itself: a -> c -> b -> a");
	else
		CHECK_STR(
		    nest.text['b'], "a: would wait for itself: b -> a -> b");
	CHECK_EQ(job[0].err, 0);
	CHECK_EQ(job[1].err, 0);
	(void)tn_unload_name(play.w.sys, "c", NULL, NULL);
	CHECK_EQ(tn_unload(play.w.sys, job[0].mod, NULL), 0);
	CHECK_EQ(tn_unload(play.w.sys, job[1].mod, NULL), 0);
	author_free(&a);
	author_free(&b);
	author_free(&c);
	CHECK(play_close());
}

#define CHAIN 20

static struct author chain[CHAIN];

/* Each init loads the next; the seventeenth is one too many. */
TEST(nest, loads_inside_of_inits_are_bounded)
{
	struct author other = actor_new("z", ACTOR_PLAIN);
	struct tn_module *mod;
	char name[2] = "A";

	CHECK(play_open(0));
	nest_begin(0);
	for (int i = 0; i < CHAIN; i++) {
		name[0] = (char)('A' + i);
		chain[i] = actor_new(name, ACTOR_PLAIN);
		object_file(chain[i].o);
		nest.next['A' + i - 1] = &chain[i];
	}
	CHECK_EQ(actor_load(&other, 0, &nest.other), 0);
	CHECK_EQ(tn_stop(play.w.sys, nest.other, NULL, NULL), 0);
	CHECK_EQ(actor_load(&chain[0], 0, &mod), 0);
	CHECK_EQ(nest.err['A' + 14], 0);
	CHECK_EQ(nest.refused, 4);
	CHECK_EQ(world_unload(&play.w, nest.other), 0);
	CHECK_EQ(nest.err['A' + 15], -TN_ELOOP);
	CHECK_STR(nest.text['A' + 15],
	    "Q: 17 nested loads and unloads are more than the limit of 16");
	for (int i = 0; i < 16; i++) {
		name[0] = (char)('A' + i);
		CHECK_EQ(tn_unload_name(play.w.sys, name, NULL, NULL), 0);
	}
	for (int i = 0; i < CHAIN; i++)
		author_free(&chain[i]);
	author_free(&other);
	CHECK(play_close());
}
