/* SPDX-License-Identifier: MIT */
/*
 * Sets whose members hold each other, by references and handles: that is in
 * nobody's way but for what a member holds of itself.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include <gate/close.h>
#include <tenon/interfaces.h>
#include <test/test.h>

#include "../author.h"
#include "../module.h"
#include "actor.h"

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
		.timeout_ns = 500000000 };
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
