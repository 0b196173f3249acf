/* SPDX-License-Identifier: MIT */
/*
 * Sets of modules of which all are unloaded or none.
 */
#include <stdio.h>

#include <test/test.h>

#include "actor.h"

TEST(unload, a_set_goes_users_first_in_whatever_order_it_is_given)
{
	static const int orders[][3] = { { 0, 1, 2 }, { 2, 1, 0 },
		{ 1, 2, 0 } };
	struct author a[3];
	struct tn_module *mod[3], *set[3];

	PROVES("L16");
	CHECK(play_open(0));
	for (unsigned k = 0; k < ARRAY_SIZE(orders); k++) {
		actor_chain(a, mod);
		for (int i = 0; i < 3; i++)
			set[i] = mod[orders[k][i]];
		CHECK_EQ(play_unload_set(set, 3), 0);
		CHECK_STR(play_text(), "cqbqaqcpbpapcxbxax");
		actor_chain_free(a);
	}
	CHECK(play_close());
}

TEST(unload, a_veto_in_a_set_undoes_all)
{
	struct author a[3];
	struct tn_module *mod[3];

	CHECK(play_open(0));
	actor_chain(a, mod);
	play.result['a'][ACTOR_QUIESCE] = -TN_EIO;
	CHECK_EQ(play_unload_set(mod, 3), -TN_EPERM);
	CHECK_STR(play_text(), "cqbqaqbrcr");
	for (int i = 0; i < 3; i++)
		CHECK_EQ(actor_state(mod[i]), TN_STATE_RUNNING);
	play.result['a'][ACTOR_QUIESCE] = 0;
	CHECK_EQ(play_unload_set(mod, 3), 0);
	actor_chain_free(a);
	CHECK(play_close());
}

TEST(unload, a_set_of_which_one_is_in_use_stays)
{
	struct author a[3];
	struct tn_module *mod[3];
	uint64_t before;

	CHECK(play_open(0));
	actor_chain(a, mod);
	CHECK(tn_module_get(mod[1]));
	before = world_state(&play.w);
	CHECK_EQ(play_unload_set(mod, 3), -TN_EBUSY);
	CHECK(play_says(
	    "Module b is in use by the program (reference taken at 0x"));
	CHECK_EQ(play_unload_set(mod, 2), -TN_EBUSY); /* c imports from b */
	CHECK(play_says(
	    "Module b is in use by c, the program (reference taken at 0x"));
	tn_diag_fini(&play.w.diag);
	CHECK_EQ(world_state(&play.w), before);
	tn_module_put(mod[1]);
	(void)play_text();
	CHECK_EQ(play_unload_set(mod, 3), 0);
	actor_chain_free(a);
	CHECK(play_close());
}

/* c has stopped, b cannot: c is started again, and a never knew. */
TEST(unload, a_set_of_which_one_cannot_stop_goes_on)
{
	struct author a[3];
	struct tn_module *mod[3];

	CHECK(play_open(0));
	actor_chain(a, mod);
	play.result['b'][ACTOR_STOP] = -TN_EIO;
	CHECK_EQ(play_unload_set(mod, 3), -TN_EIO);
	CHECK_STR(play_text(), "cqbqaqcpbparbrcs");
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(actor_state(mod[i]), TN_STATE_RUNNING);
		CHECK(tn_module_get(mod[i]));
		tn_module_put(mod[i]);
	}
	/* one that cannot be started again stays stopped, and says so */
	play.result['c'][ACTOR_START] = -TN_EIO;
	CHECK_EQ(play_unload_set(mod, 3), -TN_EIO);
	CHECK_EQ(actor_state(mod[2]), TN_STATE_STOPPED);
	CHECK(!tn_module_get(mod[2]));
	play.result['b'][ACTOR_STOP] = 0;
	CHECK_EQ(play_unload_set(mod, 3), 0);
	actor_chain_free(a);
	CHECK(play_close());
}

TEST(unload, a_set_with_one_that_is_absent_or_permanent_stays)
{
	struct author a = actor_new("a", ACTOR_PLAIN),
		      b = actor_new("b", ACTOR_PLAIN);
	struct author p = actor_new("p", 1u << ACTOR_INIT);
	struct tn_module *mod[3];

	CHECK(play_open(0));
	CHECK_EQ(actor_load(&a, 0, &mod[0]), 0);
	CHECK_EQ(actor_load(&p, 0, &mod[1]), 0);
	CHECK_EQ(actor_load(&b, 0, &mod[2]), 0);
	CHECK_EQ(play_unload_set(mod, 3), -TN_EBUSY);
	CHECK_EQ(play.w.diag.reason, TN_REASON_NO_EXIT);
	CHECK_EQ(play_unload(mod[1], TN_UNLOAD_FORCE, 0), 0);
	CHECK_EQ(play_unload_set(mod, 3), -TN_ENOENT);
	CHECK_EQ(actor_state(mod[0]), TN_STATE_RUNNING);
	mod[1] = mod[2];
	CHECK_EQ(play_unload_set(mod, 2), 0);
	author_free(&a);
	author_free(&b);
	author_free(&p);
	CHECK(play_close());
}

/* Many at once are no deep nesting. */
TEST(unload, a_set_may_be_large)
{
	enum {
		MANY = 100
	};
	static struct author a[MANY];
	struct tn_module *mod[MANY];
	char name[8];

	CHECK(play_open(0));
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		a[i] = actor_new(name, ACTOR_PLAIN);
		actor_export(&a[i], name);
		if (i != 0) {
			snprintf(name, sizeof(name), "m%d", i - 1);
			actor_import(&a[i], name);
		}
		CHECK_EQ(actor_load(&a[i], 0, &mod[i]), 0);
	}
	CHECK_EQ(play_unload_set(mod, MANY), 0);
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(actor_state(mod[i]), TN_STATE_REGISTERED);
		author_free(&a[i]);
	}
	CHECK(play_close());
}

TEST(unload, a_set_may_be_short_of_memory)
{
	struct author a[3];
	struct tn_module *mod[3];
	unsigned n = 1;
	int err;

	CHECK(play_open(0));
	actor_chain(a, mod);
	for (;; n++) {
		const uint64_t before = world_state(&play.w);

		tn_diag_fini(&play.w.diag);
		rig_arm(&play.w.rig, n);
		err = play_unload_set(mod, 3);
		if (play.w.rig.calls < n)
			break;
		rig_arm(&play.w.rig, 0);
		CHECK_EQ(err, -TN_ENOMEM);
		CHECK_EQ(play.w.diag.reason, TN_REASON_NO_MEMORY);
		CHECK_EQ(world_state(&play.w), before);
	}
	rig_arm(&play.w.rig, 0);
	CHECK_EQ(err, 0);
	CHECK(n > 1);
	actor_chain_free(a);
	CHECK(play_close());
}
