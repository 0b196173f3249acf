/* SPDX-License-Identifier: MIT */
/*
 * Who stays with an interface: bonds and handles, named in refusals, and taken
 * at the moment when somebody closes it.
 */
#include <stdio.h>
#include <string.h>

#include <test/test.h>

#include "../interface.h"
#include "counting.h"

/* The refusal of the last unload names one holder, this one. */
static bool is_named(
    const struct world *w, enum tn_holder_kind kind, const char *name)
{
	const struct tn_diag *d = &w->diag;

	return d->nholders == 1 && d->holders[0].kind == kind &&
	       strcmp(d->holders[0].name, name) == 0;
}

TEST(interface, bond_keeps_the_last_provider_and_is_named)
{
	int first = 0, second = 0;
	struct tn_interface_want want = counting_want("count");
	struct tn_module *a, *b;
	struct tn_interface *iface;
	struct world w;

	PROVES("L19");
	CHECK(counting_open(&w));
	CHECK_EQ(counting_load(&w, "a", counting_desc("count", &first), &a), 0);
	CHECK_EQ(tn_interface_bind(w.sys, &want, &iface), 0);
	CHECK_EQ(world_unload(&w, a), -TN_EBUSY);
	CHECK(is_named(&w, TN_HOLDER_BOND, "the test"));
	CHECK_EQ(CALL(iface, 1), 1);
	/* Another one takes over. */
	CHECK_EQ(
	    counting_load(&w, "b", counting_desc("count", &second), &b), 0);
	CHECK_EQ(CALL(iface, 1), 2);
	CHECK_EQ(world_unload(&w, a), 0);
	CHECK_EQ(CALL(iface, 1), 1);
	CHECK_EQ(second, 1);
	CHECK_EQ(world_unload(&w, b), -TN_EBUSY);
	CHECK_EQ(tn_interface_unbind(iface, NULL, "the test"), 0);
	CHECK_EQ(world_unload(&w, b), 0);
	CHECK(world_close(&w));
}

/* Its first provider says how it is called, whoever has asked before. */
TEST(interface, bind_that_is_refused_decides_nothing)
{
	int count = 0;
	struct tn_interface_want want = counting_want("count");
	const struct tn_interface_desc desc = counting_desc("count", &count);
	struct tn_interface_info info;
	struct tn_interface *iface;
	struct world w;

	want.flags = TN_INTERFACE_SLEEPS;
	CHECK(counting_open(&w));
	CHECK_EQ(tn_interface_bind(w.sys, &want, &iface), -TN_ENODEV);
	CHECK_EQ(tn_interface_info(w.sys, "count", &info), -TN_ENOENT);
	CHECK_EQ(tn_interface_provide(w.sys, NULL, &desc), 0);
	CHECK_EQ(tn_interface_bind(w.sys, &want, &iface), -TN_EINVAL);
	CHECK_EQ(tn_interface_withdraw(w.sys, NULL, "count", 0), 0);
	CHECK(world_close(&w));
}

/* Under a name that is gone afterwards; bytes of it are near the site. */
static __attribute__((noinline)) int bind_here(
    struct world *w, struct tn_interface **iface)
{
	struct tn_interface_want want = counting_want("count");
	char name[] = "a passer-by";
	int err;

	want.holder = name;
	err = tn_interface_bind(w->sys, &want, iface);
	memset(name, '#', sizeof(name) - 1);
	return err;
}

TEST(interface, bond_has_its_own_name_and_the_place_of_the_call)
{
	int count = 0;
	struct tn_module *mod;
	struct tn_interface *iface;
	const struct tn_holder *h;
	struct world w;

	CHECK(counting_open(&w));
	CHECK_EQ(
	    counting_load(&w, "a", counting_desc("count", &count), &mod), 0);
	CHECK_EQ(bind_here(&w, &iface), 0);
	CHECK_EQ(tn_unload(w.sys, mod, &w.diag), -TN_EBUSY);
	h = w.diag.holders;
	CHECK_EQ(w.diag.nholders, 1);
	CHECK_STR(h->name, "a passer-by");
	CHECK((uintptr_t)h->site - (uintptr_t)bind_here < 1024);
	CHECK_EQ(tn_interface_unbind(iface, NULL, "a passer-by"), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK(world_close(&w));
}

TEST(interface, handle_holds_the_provider_and_is_named)
{
	int count = 0;
	struct tn_interface_want want = counting_want("count");
	const struct tn_binding *b;
	struct tn_interface *iface;
	struct tn_handle h, stale;
	struct tn_module *mod;
	struct world w;

	PROVES("L19");
	want.flags = TN_BIND_WEAK;
	CHECK(counting_open(&w));
	CHECK_EQ(
	    counting_load(&w, "a", counting_desc("count", &count), &mod), 0);
	CHECK_EQ(tn_interface_bind(w.sys, &want, &iface), 0);
	CHECK_EQ(tn_interface_acquire(iface, "a caller that stays", &h, &b), 0);
	CHECK_EQ(world_unload(&w, mod), -TN_EBUSY);
	CHECK(is_named(&w, TN_HOLDER_HANDLE, "a caller that stays"));
	CHECK_EQ(tn_handle_enter(h), 0);
	CHECK_EQ(((const struct count_ops *)b->ops)->add(b->instance, 7), 7);
	tn_handle_exit(h);
	stale = h;
	CHECK_EQ(tn_handle_put(h), 0);
	CHECK_EQ(tn_handle_put(stale), -TN_ESTALE);
	CHECK_EQ(tn_handle_enter(stale), -TN_ESTALE);
	CHECK_EQ(tn_handle_get(mod, "another", &h), 0);
	CHECK_EQ(world_unload(&w, mod), -TN_EBUSY);
	CHECK_EQ(tn_handle_put(h), 0);
	CHECK_EQ(tn_unload(w.sys, mod, &w.diag), 0);
	CHECK_EQ(tn_handle_get(mod, "too late", &h), -TN_ENOENT);
	CHECK_EQ(tn_interface_acquire(iface, "too late", &h, &b), -TN_ENODEV);
	CHECK(world_close(&w));
}

/* Another thread's acquire, at a moment of the test's choice. */
static struct {
	struct tn_system *sys;
	const struct tn_interface_want *want;
	struct tn_interface *iface;
	struct tn_handle handle;
	const struct tn_binding *binding;
	void (*unlock)(void *ctx);
	bool due;
	int err;
} late;

static void acquire_when_unlocked(void *ctx)
{
	const bool due = late.due;

	late.due = false;
	late.unlock(ctx);
	if (due)
		late.err = tn_interface_acquire(
		    late.iface, "late", &late.handle, &late.binding);
}

TEST(interface, withdraw_sees_a_handle_taken_before_the_gate_is_shut)
{
	int count = 0;
	const struct tn_interface_desc desc = counting_desc("count", &count);
	struct tn_interface_want want = counting_want("count");
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	want.flags = TN_BIND_WEAK;
	CHECK_EQ(tn_interface_provide(w.sys, NULL, &desc), 0);
	CHECK_EQ(tn_interface_bind(w.sys, &want, &late.iface), 0);
	late.unlock = w.rig.port.unlock;
	w.rig.port.unlock = acquire_when_unlocked;
	late.due = true;
	late.err = 1;
	CHECK_EQ(tn_interface_withdraw(w.sys, NULL, "count", 0), -TN_EBUSY);
	w.rig.port.unlock = late.unlock;
	CHECK_EQ(late.err, 0);
	CHECK_EQ(late.binding->state, TN_BINDING_OPEN);
	/* nobody has noticed */
	CHECK_EQ(CALL(late.iface, 3), 3);
	CHECK_EQ(tn_handle_put(late.handle), 0);
	CHECK_EQ(tn_interface_withdraw(w.sys, NULL, "count", 0), 0);
	CHECK_EQ(CALL(late.iface, 3), -TN_ENODEV);
	CHECK(world_close(&w));
}

static void bind_when_unlocked(void *ctx)
{
	const bool due = late.due;

	late.due = false;
	late.unlock(ctx);
	if (due)
		late.err = tn_interface_bind(late.sys, late.want, &late.iface);
}

/* As from inside of an operation that sleeps, which the closer waits for. */
TEST(interface, binding_does_not_wait_for_who_waits_for_those_inside)
{
	static const unsigned flags[] = { 0, TN_BIND_WEAK };
	int count = 0;
	const struct tn_interface_desc desc = counting_desc("count", &count);
	struct tn_interface_want want = counting_want("count");
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	late.unlock = w.rig.port.unlock;
	late.sys = w.sys;
	late.want = &want;
	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		want.flags = flags[i];
		CHECK_EQ(tn_interface_provide(w.sys, NULL, &desc), 0);
		w.rig.port.unlock = bind_when_unlocked;
		late.due = true;
		late.err = 1;
		/* a bond that is not weak keeps it */
		EXPECT(tn_interface_withdraw(w.sys, NULL, "count", 0) ==
		       (flags[i] == 0 ? -TN_EBUSY : 0));
		w.rig.port.unlock = late.unlock;
		CHECK_EQ(late.err, 0);
		count = 0;
		CHECK_EQ(CALL(late.iface, 3), flags[i] == 0 ? 3 : -TN_ENODEV);
		CHECK_EQ(tn_interface_unbind(late.iface, NULL, "the test"), 0);
		CHECK_EQ(tn_interface_withdraw(w.sys, NULL, "count", 0),
		    flags[i] == 0 ? 0 : -TN_ENOENT);
	}
	CHECK(world_close(&w));
}

TEST(interface, bond_of_the_world_is_not_ended_by_a_module_that_is_gone)
{
	int count = 0;
	const struct tn_interface_desc desc = counting_desc("count", &count);
	const struct tn_interface_want want = counting_want("count");
	struct tn_interface_info info;
	struct tn_interface *iface;
	struct tn_module *mod;
	struct world w;

	CHECK(counting_open(&w));
	CHECK_EQ(
	    counting_load(&w, "a", counting_desc("other", &count), &mod), 0);
	CHECK_EQ(tn_interface_provide(w.sys, NULL, &desc), 0);
	CHECK_EQ(tn_interface_bind(w.sys, &want, &iface), 0);
	CHECK_EQ(tn_unload(w.sys, mod, &w.diag), 0);
	CHECK_EQ(tn_interface_unbind(iface, mod, "the test"), -TN_ENOENT);
	CHECK_EQ(tn_interface_unbind(iface, mod, NULL), -TN_ENOENT);
	CHECK_EQ(tn_interface_unbind(iface, NULL, NULL), -TN_ENOENT);
	CHECK_EQ(tn_interface_info(w.sys, "count", &info), 0);
	CHECK_EQ(info.nbonds, 1);
	CHECK_EQ(tn_interface_unbind(iface, NULL, "the test"), 0);
	CHECK_EQ(tn_module_forget(w.sys, mod), 0);
	CHECK(world_close(&w));
}
