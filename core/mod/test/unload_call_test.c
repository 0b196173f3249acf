/* SPDX-License-Identifier: MIT */
/*
 * Unloading and calls: interfaces that go with their module and come back,
 * bonds that keep it, and what code that is inside may ask for.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include <tenon/interfaces.h>
#include <test/test.h>

#include "actor.h"

/* --- interfaces */

struct echo_ops {
	struct tn_ops_head head;
	int (*echo)(void *instance, int n);
};

static int echo(void *instance, int n)
{
	(void)instance;
	return n;
}

static const struct echo_ops echo_ops = { { sizeof(echo_ops), 1 }, echo };

/* @user is bound to what @provider provides; NULL: the test itself. */
static struct tn_interface *bind(
    struct tn_module *provider, struct tn_module *user)
{
	const struct tn_interface_desc desc = { .size = sizeof(desc),
		.name = "echo",
		.version = TN_INTERFACE_VERSION(1, 0),
		.ops = &echo_ops };
	const struct tn_interface_want want = { .size = sizeof(want),
		.name = "echo",
		.version = TN_INTERFACE_VERSION(1, 0),
		.module = user,
		.holder = "the test" };
	struct tn_interface *iface = NULL;

	if (provider != NULL)
		EXPECT(tn_interface_provide(play.w.sys, provider, &desc) == 0);
	EXPECT(tn_interface_bind(play.w.sys, &want, &iface) == 0);
	return iface;
}

#define ECHO(iface, n) tn_call(iface, const struct echo_ops, echo, n)

/* A bond inside of a set does not count, one from outside does. */
TEST(unload, bonds_keep_a_module_but_for_its_own_set)
{
	struct author a = actor_new("a", ACTOR_ALL),
		      b = actor_new("b", ACTOR_PLAIN);
	struct tn_module *mod[2];
	struct tn_interface *iface;

	CHECK(play_open(0));
	CHECK_EQ(actor_load(&a, 0, &mod[0]), 0);
	CHECK_EQ(actor_load(&b, 0, &mod[1]), 0);
	iface = bind(mod[0], mod[1]);
	CHECK_EQ(tn_unload(play.w.sys, mod[0], &play.w.diag), -TN_EBUSY);
	CHECK_EQ(play.w.diag.holders[0].kind, TN_HOLDER_BOND);
	CHECK_STR(play.w.diag.holders[0].interface, "echo");
	CHECK(play_says("Module a is in use by b (interface echo, for "));
	CHECK_EQ(play_unload(mod[0], TN_UNLOAD_FORCE, 0), -TN_EBUSY);
	CHECK_EQ(ECHO(iface, 7), 7);
	CHECK(bind(NULL, NULL) == iface);
	CHECK_EQ(play_unload_set(mod, 2), -TN_EBUSY);
	CHECK_EQ(play.w.diag.nholders, 1);
	CHECK_STR(play.w.diag.holders[0].name, "the test");
	CHECK_EQ(ECHO(iface, 8), 8);
	CHECK_EQ(tn_interface_unbind(iface, NULL, "the test"), 0);
	/* The set has stayed: its bonds count again. */
	CHECK_EQ(tn_unload(play.w.sys, mod[0], &play.w.diag), -TN_EBUSY);
	CHECK_EQ(play.w.diag.nholders, 1);
	CHECK_EQ(play_unload_set(mod, 2), 0);
	CHECK_EQ(ECHO(iface, 9), -TN_ENODEV);
	author_free(&a);
	author_free(&b);
	CHECK(play_close());
}

/* A module that is bound to itself can go. */
TEST(unload, that_waits_for_a_sleeping_call_is_out_of_time)
{
	struct tn_module *mod = play_alone(ACTOR_PLAIN);
	const struct tn_interface_desc desc = { .size = sizeof(desc),
		.flags = TN_INTERFACE_SLEEPS,
		.name = "nap",
		.version = TN_INTERFACE_VERSION(1, 0),
		.ops = &echo_ops };
	const struct tn_interface_want want = { .size = sizeof(want),
		.flags = TN_INTERFACE_SLEEPS | TN_BIND_WEAK,
		.name = "nap",
		.version = TN_INTERFACE_VERSION(1, 0),
		.holder = "the test" };
	struct tn_gate_ticket ticket;
	struct tn_interface *iface;

	CHECK(mod != NULL);
	CHECK_EQ(tn_interface_provide(play.w.sys, mod, &desc), 0);
	CHECK_EQ(tn_interface_bind(play.w.sys, &want, &iface), 0);
	CHECK_EQ(tn_gate_enter_sleepable(&iface->gate, 0, &ticket), 0);
	CHECK_EQ(tn_unload(play.w.sys, mod, NULL), -TN_EBUSY);
	CHECK_EQ(play_unload(mod, TN_UNLOAD_WAIT, 1000000), -TN_ETIMEDOUT);
	CHECK_STR(play_sentence(),
	    "Module a is in use, or may be, by a call that has not ended");
	CHECK_EQ(play_unload(mod, TN_UNLOAD_WAIT, 0), -TN_EBUSY);
	tn_gate_exit_sleepable(&iface->gate, &ticket);
	CHECK_EQ(play_unload(mod, TN_UNLOAD_WAIT, UINT64_MAX), 0);
	CHECK_EQ(tn_interface_unbind(iface, NULL, "the test"), 0);
	CHECK(play_close());
}

TEST(unload, a_bond_of_its_own_does_not_keep_a_module)
{
	struct tn_module *mod = play_alone(ACTOR_ALL);
	struct tn_interface *iface;

	CHECK(mod != NULL);
	iface = bind(mod, mod);
	CHECK_EQ(ECHO(iface, 1), 1);
	CHECK_EQ(world_unload(&play.w, mod), 0);
	CHECK_EQ(ECHO(iface, 1), -TN_ENODEV);
	CHECK(play_close());
}

/* Stopped, it provides nothing; started, it does again. */
TEST(unload, a_stop_takes_interfaces_away_and_a_start_brings_them_back)
{
	struct tn_module *mod = play_alone(ACTOR_ALL);
	struct tn_interface *iface;

	CHECK(mod != NULL);
	iface = bind(mod, mod);
	CHECK_EQ(tn_stop(play.w.sys, mod, NULL, NULL), 0);
	CHECK_EQ(ECHO(iface, 1), -TN_ENODEV);
	CHECK_EQ(tn_start(play.w.sys, mod, NULL), 0);
	CHECK_EQ(ECHO(iface, 1), 1);
	play.result['a'][ACTOR_STOP] = -TN_EIO;
	CHECK_EQ(tn_unload(play.w.sys, mod, NULL), -TN_EIO);
	CHECK_EQ(ECHO(iface, 1), 1);
	play.result['a'][ACTOR_STOP] = 0;
	CHECK_EQ(world_unload(&play.w, mod), 0);
	CHECK(play_close());
}

/* Who is inside of a call would wait for himself. */
TEST(unload, is_not_for_who_is_inside_of_a_call)
{
	struct tn_module *mod = play_alone(ACTOR_ALL);
	struct tn_interface *iface;
	static const struct tn_unload_args force = { .size = sizeof(force),
		.flags = TN_UNLOAD_FORCE };

	CHECK(mod != NULL);
	iface = bind(mod, mod);
	CHECK(tn_interface_enter(iface) != NULL);
	CHECK_EQ(tn_unload(play.w.sys, mod, &play.w.diag), -TN_EDEADLK);
	CHECK_STR(play_sentence(),
	    "called from inside of a call that must not sleep");
	CHECK_EQ(tn_unload_with(play.w.sys, mod, &force, NULL), -TN_EDEADLK);
	CHECK_EQ(tn_module_restore(mod, "a", 1, NULL), -TN_EDEADLK);
	CHECK_EQ(tn_start_name(play.w.sys, "a", NULL), -TN_EDEADLK);
	CHECK_EQ(tn_start(play.w.sys, mod, &play.w.diag), -TN_EDEADLK);
	CHECK_STR(play_sentence(),
	    "called from inside of a call that must not sleep");
	tn_gate_exit(&iface->gate);
	CHECK_EQ(tn_taints(play.w.sys), 0);
	CHECK_EQ(world_unload(&play.w, mod), 0);
	CHECK(play_close());
}

/* --- what a module's own code asks for */

static int unload_owner(void *instance, int n)
{
	(void)n;
	return tn_unload(play.w.sys, instance, &play.w.diag);
}

static const struct echo_ops suicide_ops = { { sizeof(suicide_ops), 1 },
	unload_owner };

/* What a guarded call does is done by the module, wherever the code is. */
TEST(unload, is_not_for_a_guarded_call_of_the_module)
{
	struct tn_module *mod = play_alone(ACTOR_ALL);
	struct tn_interface_desc desc = { .size = sizeof(desc),
		.flags = TN_INTERFACE_GUARDED,
		.name = "last",
		.ops = &suicide_ops };
	struct tn_interface_want want = { .size = sizeof(want),
		.flags = TN_INTERFACE_GUARDED | TN_BIND_WEAK,
		.name = "last",
		.holder = "the test" };
	struct tn_interface *iface;

	CHECK(mod != NULL);
	(void)play_text();
	desc.instance = mod;
	CHECK_EQ(tn_interface_provide(play.w.sys, mod, &desc), 0);
	CHECK_EQ(tn_interface_bind(play.w.sys, &want, &iface), 0);
	CHECK_EQ(tn_call_guarded(iface, const struct echo_ops, echo, 1),
	    -TN_EDEADLK);
	CHECK_EQ(play.w.diag.reason, TN_REASON_INSIDE);
	CHECK_STR(play_text(), "");
	CHECK_EQ(world_unload(&play.w, mod), 0);
	CHECK(play_close());
}

/* --- calls that have nothing to do with the module */

static struct {
	atomic_bool inside, leave, over;
	atomic_uint failed;
} stay;

static int stay_inside(void *instance, int n)
{
	(void)instance;
	atomic_store(&stay.inside, true);
	while (!atomic_load(&stay.leave))
		sched_yield();
	return n;
}

static void *call_stay(void *iface)
{
	(void)ECHO((struct tn_interface *)iface, 0);
	return NULL;
}

static void *get_again_and_again(void *arg)
{
	struct tn_module *mod = arg;

	while (!atomic_load(&stay.over)) {
		if (tn_module_get(mod))
			tn_module_put(mod);
		else
			atomic_fetch_add(&stay.failed, 1);
		sched_yield();
	}
	return NULL;
}

/* What waits for all calls, of whomever, waits before it decides. */
TEST(unload, that_a_call_of_others_is_in_the_way_of_is_not_noticed)
{
	static const struct echo_ops ops = { { sizeof(ops), 1 }, stay_inside };
	const struct tn_interface_desc desc = { .size = sizeof(desc),
		.name = "echo",
		.version = TN_INTERFACE_VERSION(1, 0),
		.ops = &ops };
	struct tn_module *mod = play_alone(ACTOR_PLAIN);
	struct tn_interface *iface;
	pthread_t caller, getter;

	PROVES("L19");
	CHECK(mod != NULL);
	CHECK_EQ(tn_interface_provide(play.w.sys, NULL, &desc), 0);
	iface = bind(NULL, NULL);
	CHECK_EQ(pthread_create(&caller, NULL, call_stay, iface), 0);
	while (!atomic_load(&stay.inside))
		sched_yield();
	CHECK_EQ(pthread_create(&getter, NULL, get_again_and_again, mod), 0);
	for (int tries = 0; tries < 3; tries++)
		CHECK_EQ(tn_unload(play.w.sys, mod, &play.w.diag), -TN_EBUSY);
	CHECK(play_says("Module a is in use"));
	atomic_store(&stay.over, true);
	pthread_join(getter, NULL);
	CHECK_EQ(stay.failed, 0);
	atomic_store(&stay.leave, true);
	pthread_join(caller, NULL);
	CHECK_EQ(world_unload(&play.w, mod), 0);
	CHECK_EQ(tn_interface_unbind(iface, NULL, "the test"), 0);
	CHECK(play_close());
}

/* --- what stops ask for */

static int bind_in_stop;

static void bind_self(enum actor_op op, struct tn_module *mod, char letter)
{
	const struct tn_interface_want want = { .size = sizeof(want),
		.name = "echo",
		.version = TN_INTERFACE_VERSION(1, 0),
		.holder = "itself" };
	struct tn_interface *iface;

	(void)letter;
	(void)mod;
	if (op == ACTOR_STOP)
		bind_in_stop = tn_interface_bind(play.w.sys, &want, &iface);
}

/* It would wait until its own unload has decided who provides. */
TEST(unload, binding_does_not_wait_for_the_unload_that_it_is_part_of)
{
	struct tn_module *mod = play_alone(ACTOR_ALL);

	CHECK(mod != NULL);
	(void)bind(mod, mod);
	play.inside = bind_self;
	bind_in_stop = 0;
	CHECK_EQ(tn_unload(play.w.sys, mod, NULL), 0);
	CHECK_EQ(bind_in_stop, -TN_EDEADLK);
	CHECK(play_close());
}

static int own[ACTOR_OPS];

static void unload_self(enum actor_op op, struct tn_module *mod, char letter)
{
	(void)letter;
	own[op] = tn_unload(play.w.sys, mod, &play.w.diag);
}

TEST(unload, is_not_for_the_modules_own_operations)
{
	struct author a = actor_new("a", ACTOR_ALL);
	struct tn_module *mod;

	memset(own, 0, sizeof(own));
	CHECK(play_open(0));
	play.inside = unload_self;
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	CHECK_EQ(play.w.diag.reason, TN_REASON_OWN_CODE);
	CHECK_STR(play_sentence(),
	    "a: its own code cannot have it started, stopped or unloaded");
	CHECK_EQ(tn_unload(play.w.sys, mod, NULL), 0);
	for (int i = 0; i <= ACTOR_QUIESCE; i++)
		CHECK_EQ(own[i], -TN_EDEADLK);
	author_free(&a);
	CHECK(play_close());
}
