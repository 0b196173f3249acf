/* SPDX-License-Identifier: MIT */
/*
 * References: a get and a close decide between themselves.
 */
#include "kit.h"

struct asker {
	struct tn_gate_target target;
	atomic_int got; /* 0: has not come back, 1: yes, -1: no */
};

TEST(target, a_reference_is_had_of_live_targets_only)
{
	struct tn_gate_target t = { 0 };

	PROVES("L04 L21 K5.3");
	CHECK(!tn_target_get(&t));
	gate_target_open(&t);
	CHECK(gate_target_is_live(&t));
	CHECK(tn_target_get(&t));
	CHECK(tn_target_get(&t));
	CHECK_EQ(gate_target_count(&t), 2);
	tn_target_put(&t);
	tn_target_put(&t);
	CHECK_EQ(gate_target_close(&t, false), 0);
	CHECK(!tn_target_get(&t));
	CHECK(!gate_target_is_live(&t));
	CHECK_EQ(gate_target_count(&t), 0);
	CHECK_EQ(gate_target_close(&t, false), -TN_ENOENT);
	gate_target_open(&t);
	CHECK(tn_target_get(&t));
}

TEST(target, is_not_closed_while_a_reference_is_held)
{
	struct tn_gate_target t = { 0 };

	PROVES("L19 K5.3");
	gate_target_open(&t);
	CHECK(tn_target_get(&t));
	CHECK_EQ(gate_target_close(&t, false), -TN_EBUSY);
	CHECK_EQ(gate_target_close(&t, true), -TN_EBUSY);
	CHECK(tn_target_get(&t));
	tn_target_put(&t);
	tn_target_put(&t);
	CHECK_EQ(gate_target_close(&t, false), 0);
}

static void *ask(void *arg)
{
	struct asker *a = arg;

	a->got = tn_target_get(&a->target) ? 1 : -1;
	return NULL;
}

static void *ask_for_handle(void *arg)
{
	struct asker *a = arg;
	struct tn_handle h;

	a->got = tn_handle_take(&a->target, NULL, NULL, &h) == 0 ? 1 : -1;
	if (a->got == 1)
		a->got = tn_handle_put(h) == 0 ? 1 : -2;
	return NULL;
}

static void check_waits(void *(*how)(void *arg), uint64_t outcome, int got)
{
	struct asker a = { .target.word = TN_TARGET_CLOSING };
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, how, &a), 0);
	kit_let_others_run();
	CHECK_EQ(a.got, 0);
	__atomic_store_n(&a.target.word, outcome, __ATOMIC_RELEASE);
	pthread_join(t, NULL);
	CHECK_EQ(a.got, got);
}

TEST(target, who_asks_during_an_attempt_waits_for_its_outcome)
{
	PROVES("L21");
	check_waits(ask, TN_TARGET_LIVE, 1);
	check_waits(ask, 0, -1);
	check_waits(ask_for_handle, TN_TARGET_LIVE, 1);
	check_waits(ask_for_handle, 0, -1);
}
