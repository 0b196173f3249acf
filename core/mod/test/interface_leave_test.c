/* SPDX-License-Identifier: MIT */
/*
 * What a module that leaves does with interfaces, its own and those of others:
 * in its stop, and when all that it has is taken back.
 */
#include <tenon/interfaces.h>
#include <tenon/ledger.h>
#include <test/test.h>

#include "../module.h"
#include "actor.h"

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

static int provide(struct tn_module *mod, const char *name)
{
	const struct tn_interface_desc desc = { .size = sizeof(desc),
		.name = name,
		.version = TN_INTERFACE_VERSION(1, 0),
		.ops = &echo_ops };

	return tn_interface_provide(play.w.sys, mod, &desc);
}

/* NULL: the test itself, which keeps nobody. */
static int bind(
    struct tn_module *mod, const char *name, struct tn_interface **out)
{
	const struct tn_interface_want want = { .size = sizeof(want),
		.flags = mod == NULL ? TN_BIND_WEAK : 0,
		.name = name,
		.version = TN_INTERFACE_VERSION(1, 0),
		.module = mod,
		.holder = "the test" };

	return tn_interface_bind(play.w.sys, &want, out);
}

/* --- when its interfaces have been taken back */

static struct {
	struct tn_ledger_entry entry;
	int bound, provided; /* what was returned */
} late;

/* As an operation may that is still running then. */
static void join_in(struct tn_ledger_entry *entry)
{
	struct tn_module *mod = ((struct generation *)entry->owner)->mod;
	struct tn_interface *iface;

	late.bound = bind(mod, "echo", &iface);
	late.provided = provide(mod, "late");
}

static const struct tn_ledger_class late_class = { .size = sizeof(late_class),
	.abi = 1,
	.name = "late",
	.order = 50,
	.revoke = join_in };

static void charge_in_init(enum actor_op op, struct tn_module *mod, char letter)
{
	(void)letter;
	if (op == ACTOR_INIT)
		EXPECT(tn_ledger_add(mod, &late_class, &late.entry, NULL) == 0);
}

/* @init: what it returns. */
static void is_refused_when_late(int init)
{
	struct author a = actor_new("a", ACTOR_PLAIN);
	struct tn_interface_info info;
	struct tn_module *mod;

	late.bound = late.provided = 1;
	play.result['a'][ACTOR_INIT] = init;
	CHECK_EQ(actor_load(&a, 0, &mod), init);
	if (init == 0)
		CHECK_EQ(tn_unload(play.w.sys, mod, NULL), 0);
	CHECK_EQ(late.bound, -TN_EINVAL);
	CHECK_EQ(late.provided, -TN_ENOENT);
	CHECK_EQ(tn_interface_info(play.w.sys, "echo", &info), 0);
	CHECK_EQ(info.nbonds, 0);
	CHECK_EQ(tn_interface_info(play.w.sys, "late", &info), -TN_ENOENT);
	author_free(&a);
}

TEST(interface, module_that_is_taken_out_neither_binds_nor_provides)
{
	CHECK(play_open(0));
	CHECK_EQ(tn_ledger_class_add(play.w.sys, &late_class), 0);
	CHECK_EQ(provide(NULL, "echo"), 0);
	play.inside = charge_in_init;
	is_refused_when_late(-TN_EIO);
	is_refused_when_late(0);
	CHECK(play_close());
}
