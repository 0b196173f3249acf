/* SPDX-License-Identifier: MIT */
/*
 * Sets of modules of which all are unloaded or none.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include <gate/close.h>
#include <tenon/interfaces.h>
#include <test/test.h>

#include "../author.h"
#include "../module.h"
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

/* --- members that hold each other */

static struct module *author_module(struct tn_module *mod)
{
	return (struct module *)(void *)mod;
}

/* @holder takes a reference on @mod, as code of its own would. */
static bool take(struct tn_module *holder, struct tn_module *mod)
{
	return module_hold(author_module(holder), author_module(mod));
}

static void give(struct tn_module *holder, struct tn_module *mod)
{
	module_release(author_module(holder), author_module(mod));
}

/* A handle on @mod, taken at the first byte of @holder. */
static struct tn_handle handle_of(
    struct tn_module *holder, struct tn_module *mod)
{
	const uintptr_t site = holder->gen->image->part[0].addr + 1;
	struct tn_handle h = { NULL, 0 };

	(void)tn_handle_take(
	    &mod->target, holder->name, (const void *)site, &h);
	return h;
}

/* x, y and z, which import nothing. */
static void load_three(struct author a[3], struct tn_module *mod[3])
{
	static const char *const names[] = { "x", "y", "z" };

	for (int i = 0; i < 3; i++) {
		a[i] = actor_new(names[i], ACTOR_ALL);
		CHECK_EQ(actor_load(&a[i], 0, &mod[i]), 0);
	}
	(void)play_text();
}

static struct {
	struct tn_module *x, *z;
	struct tn_handle on_z;   /* held by x, which is older */
	int in_stop, in_cleanup; /* what entering by it has said, in x */
} inner;

static int enter_inner(void)
{
	const int err = tn_handle_enter(inner.on_z);

	if (err == 0)
		tn_handle_exit(inner.on_z);
	return err;
}

static void use_inner(enum actor_op op, struct tn_module *mod, char letter)
{
	(void)mod;
	if (letter != 'x')
		return;
	if (op == ACTOR_STOP)
		inner.in_stop = enter_inner();
	if (op != ACTOR_CLEANUP)
		return;
	inner.in_cleanup = enter_inner();
	give(inner.x, inner.z);
}

/*
 * What x holds on z it may use up to its own stop. When x ends z is gone: the
 * handle says so, and the reference is given back to nothing.
 */
TEST(unload, a_set_that_refers_to_itself_goes)
{
	struct author a[3];
	struct tn_module *mod[3], *again;

	CHECK(play_open(0));
	load_three(a, mod);
	inner.x = mod[0];
	inner.z = mod[2];
	CHECK(take(mod[0], mod[2]) && take(mod[0], mod[2]));
	CHECK(take(mod[2], mod[1]) && take(mod[1], mod[0]));
	inner.on_z = handle_of(mod[0], mod[2]);
	(void)handle_of(mod[2], mod[1]);
	CHECK_EQ(play_unload_set(mod + 1, 2), -TN_EBUSY);
	CHECK(play_says("Module z is in use by x (2 references"));
	CHECK_EQ(play.w.diag.nholders, 2); /* and the handle */
	CHECK_EQ(play.w.diag.value, 2);
	(void)play_text();
	play.inside = use_inner;
	CHECK_EQ(play_unload_set(mod, 3), 0);
	play.inside = NULL;
	CHECK_STR(play_text(), "zqyqxqzpypxpzxyxxx");
	CHECK_EQ(inner.in_stop, 0);
	CHECK_EQ(inner.in_cleanup, -TN_ESTALE);
	CHECK_EQ(actor_load(&a[2], 0, &again), 0);
	CHECK_EQ(actor_refs(again), 0);
	CHECK_EQ(play_unload(again, 0, 0), 0);
	actor_chain_free(a);
	CHECK(play_close());
}

TEST(unload, a_set_that_refers_to_itself_and_cannot_stop_refers_on)
{
	struct author a[3];
	struct tn_module *mod[3];

	CHECK(play_open(0));
	load_three(a, mod);
	CHECK(take(mod[0], mod[2]));
	inner.on_z = handle_of(mod[0], mod[2]);
	play.result['x'][ACTOR_STOP] = -TN_EIO;
	CHECK_EQ(play_unload_set(mod, 3), -TN_EIO);
	CHECK_EQ(enter_inner(), 0);
	CHECK_EQ(actor_refs(mod[2]), 1);
	CHECK_EQ(play_unload(mod[2], 0, 0), -TN_EBUSY);
	give(mod[0], mod[2]);
	CHECK_EQ(play_unload(mod[2], 0, 0), -TN_EBUSY); /* the handle */
	CHECK_EQ(tn_handle_put(inner.on_z), 0);
	play.result['x'][ACTOR_STOP] = 0;
	CHECK_EQ(play_unload_set(mod, 3), 0);
	actor_chain_free(a);
	CHECK(play_close());
}

/* That is how a module says that it is at work. */
TEST(unload, a_set_stays_while_one_holds_itself)
{
	struct author a[3];
	struct tn_module *mod[3];
	struct tn_handle h;

	CHECK(play_open(0));
	load_three(a, mod);
	CHECK(take(mod[0], mod[1]) && take(mod[1], mod[1]));
	CHECK_EQ(play_unload_set(mod, 3), -TN_EBUSY);
	CHECK(play_says("Module y is in use by y (reference"));
	CHECK_EQ(play.w.diag.nholders, 1);
	give(mod[1], mod[1]);
	h = handle_of(mod[1], mod[1]);
	CHECK_EQ(play_unload_set(mod, 3), -TN_EBUSY);
	CHECK_EQ(play.w.diag.nholders, 1);
	CHECK_EQ(tn_handle_put(h), 0);
	CHECK_EQ(play_unload_set(mod, 3), 0);
	actor_chain_free(a);
	CHECK(play_close());
}

struct exchange_ops {
	struct tn_ops_head head;
	int (*run)(void *instance);
};

static struct {
	struct tn_module *holder, *mod;
	struct tn_interface *iface;
	atomic_bool is_inside;
} exchange;

/* Once nobody comes in any more: a reference of @holder is the program's. */
static int exchange_run(void *instance)
{
	(void)instance;
	atomic_store(&exchange.is_inside, true);
	while ((__atomic_load_n(&exchange.iface->gate.phase, __ATOMIC_ACQUIRE) &
		   1) == 0)
		sched_yield();
	if (!tn_module_get(exchange.mod))
		return -TN_EIO;
	give(exchange.holder, exchange.mod);
	return 0;
}

static void *exchange_call(void *arg)
{
	int *result = arg;

	*result = tn_call(exchange.iface, const struct exchange_ops, run);
	return NULL;
}

/*
 * As many as before are held, but no more by a member: what was counted before
 * the last call has left is no measure of what is there now.
 */
TEST(unload, a_set_counts_what_its_members_hold_when_it_closes)
{
	static const struct exchange_ops ops = { { sizeof(ops), 1 },
		exchange_run };
	const struct tn_interface_desc desc = { .size = sizeof(desc),
		.name = "exchange",
		.version = TN_INTERFACE_VERSION(1, 0),
		.ops = &ops };
	const struct tn_interface_want want = { .size = sizeof(want),
		.flags = TN_BIND_WEAK,
		.name = "exchange",
		.version = TN_INTERFACE_VERSION(1, 0),
		.holder = "the test" };
	const struct tn_unload_args wait = { .size = sizeof(wait),
		.flags = TN_UNLOAD_WAIT,
		.timeout_ns = 100000000 };
	struct author a[3];
	struct tn_module *mod[3];
	pthread_t t;
	int result;

	CHECK(play_open(0));
	load_three(a, mod);
	exchange.holder = mod[0];
	exchange.mod = mod[1];
	CHECK(take(mod[0], mod[1]));
	CHECK_EQ(tn_interface_provide(play.w.sys, mod[0], &desc), 0);
	CHECK_EQ(tn_interface_bind(play.w.sys, &want, &exchange.iface), 0);
	CHECK_EQ(pthread_create(&t, NULL, exchange_call, &result), 0);
	while (!atomic_load(&exchange.is_inside))
		sched_yield();
	CHECK_EQ(tn_unload_set(play.w.sys, mod, 3, &wait, &play.w.diag),
	    -TN_ETIMEDOUT);
	pthread_join(t, NULL);
	CHECK_EQ(result, 0);
	CHECK(play_says(
	    "Module y is in use by the program (reference taken at 0x"));
	tn_module_put(mod[1]);
	CHECK_EQ(play_unload_set(mod, 3), 0);
	actor_chain_free(a);
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
