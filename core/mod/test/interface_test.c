/* SPDX-License-Identifier: MIT */
/*
 * Interfaces: who provides them, who is bound, where a call arrives, and what
 * keeps a provider from leaving. More than 600 lines, since all tests share one
 * table of operations and one module that provides.
 */
#include <stdio.h>
#include <string.h>

#include <test/test.h>

#include <tenon/interfaces.h>

#include "../interface.h"
#include "files.h"
#include "world.h"

struct count_ops {
	struct tn_ops_head head;
	int (*add)(void *instance, int n);
	int (*missing)(void *instance, int n);
	int (*cookie)(void *instance, void *cookie);
};

static int count_add(void *instance, int n)
{
	int *count = instance;

	*count += n;
	return *count;
}

static int count_cookie(void *instance, void *cookie)
{
	int *count = instance;

	*count += *(int *)cookie;
	return *count;
}

static const struct count_ops ops = {
	.head = { sizeof(ops), 1 },
	.add = count_add,
	.cookie = count_cookie,
};

static struct tn_interface_desc desc_of(const char *name, int *instance)
{
	return (struct tn_interface_desc){
		.size = sizeof(struct tn_interface_desc),
		.name = name,
		.version = TN_INTERFACE_VERSION(1, 2),
		.ops = &ops,
		.instance = instance,
	};
}

static struct tn_interface_want want_of(const char *name)
{
	return (struct tn_interface_want){
		.size = sizeof(struct tn_interface_want),
		.name = name,
		.version = TN_INTERFACE_VERSION(1, 0),
		.ops_size = sizeof(struct count_ops),
		.holder = "the test",
	};
}

static int fire(struct tn_interface *iface, unsigned op, void *cookie)
{
	int status = 0;
	const int err = interface_fire(iface, op, cookie, &status);

	return err != 0 ? err : status;
}

#define CALL(iface, n) tn_call(iface, const struct count_ops, add, n)

/* --- modules whose init provides what the test says */

static struct {
	struct world *w;
	struct tn_interface_desc desc;
	int result;
} probe;

static int find_named(void *arg, struct tn_module *mod)
{
	struct tn_module **out = arg;
	struct tn_module_info info;

	tn_module_info(mod, &info);
	if (info.state == TN_STATE_RUNNING)
		return 0;
	*out = mod;
	return 1;
}

static int t_provide(void)
{
	struct tn_module *self = NULL;

	tn_module_each(probe.w->sys, find_named, &self);
	if (tn_interface_provide(probe.w->sys, self, &probe.desc) != 0)
		return -1;
	return probe.result;
}

static int t_nothing(void)
{
	return 0;
}

static const struct tn_export exports[] = {
	WORLD_EXPORT(t_provide),
	WORLD_EXPORT(t_nothing),
};

static bool begin(struct world *w)
{
	memset(&probe, 0, sizeof(probe));
	probe.w = w;
	return world_open(w, exports, ARRAY_SIZE(exports));
}

/* A module of this name that provides @desc in its init. */
static int load_provider(struct world *w, const char *name,
    struct tn_interface_desc desc, struct tn_module **mod)
{
	struct author a = author_new(isa_here()->machine, name);
	int err;

	(void)author_jump(&a, "init_module", "t_provide");
	(void)author_jump(&a, "cleanup_module", "t_nothing");
	probe.desc = desc;
	err = world_load(w, a.o, 0, mod);
	author_free(&a);
	return err;
}

TEST(interface, a_call_arrives_at_what_the_world_provides)
{
	int count = 0, cookie = 5;
	struct tn_interface_desc desc = desc_of("count", &count);
	struct tn_interface_want want = want_of("count");
	struct tn_interface *iface;
	struct world w;

	PROVES("H17");
	CHECK(begin(&w));
	CHECK_EQ(tn_interface_bind(w.sys, &want, &iface), -TN_ENODEV);
	CHECK_EQ(tn_interface_provide(w.sys, NULL, &desc), 0);
	CHECK_EQ(tn_interface_bind(w.sys, &want, &iface), 0);
	CHECK_EQ(CALL(iface, 3), 3);
	CHECK_EQ(CALL(iface, 4), 7);
	CHECK_EQ(fire(iface, 2, &cookie), 12);
	CHECK_EQ(fire(iface, 1, &cookie), -TN_ENOSYS);
	CHECK_EQ(fire(iface, 3, &cookie), -TN_ENOSYS);
	CHECK_EQ(tn_interface_withdraw(w.sys, NULL, "count", 0), -TN_EBUSY);
	CHECK_EQ(tn_interface_unbind(iface, NULL, "another"), -TN_ENOENT);
	CHECK_EQ(tn_interface_unbind(iface, NULL, "the test"), 0);
	CHECK_EQ(tn_interface_withdraw(w.sys, NULL, "count", 0), 0);
	CHECK_EQ(tn_interface_withdraw(w.sys, NULL, "count", 0), -TN_ENOENT);
	CHECK_EQ(CALL(iface, 1), -TN_ENODEV);
	CHECK_EQ(fire(iface, 0, &cookie), -TN_ENODEV);
	CHECK_EQ(count, 12);
	CHECK(world_close(&w));
}

TEST(interface, wrong_descriptions_are_refused)
{
	int count = 0;
	struct tn_interface_desc desc = desc_of("count", &count), bad = desc;
	struct tn_interface_want want = want_of("count"), wrong = want;
	struct tn_ops_head small = { 4, 1 };
	struct tn_interface *iface;
	char name[80];
	struct world w;

	CHECK(begin(&w));
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	bad.size--;
	CHECK_EQ(tn_interface_provide(w.sys, NULL, &bad), -TN_EINVAL);
	bad = desc, bad.ops = NULL;
	CHECK_EQ(tn_interface_provide(w.sys, NULL, &bad), -TN_EINVAL);
	bad = desc, bad.ops = &small;
	CHECK_EQ(tn_interface_provide(w.sys, NULL, &bad), -TN_EINVAL);
	bad = desc, bad.name = "";
	CHECK_EQ(tn_interface_provide(w.sys, NULL, &bad), -TN_EINVAL);
	bad = desc, bad.name = name;
	CHECK_EQ(tn_interface_provide(w.sys, NULL, &bad), -TN_EINVAL);
	bad = desc, bad.flags = 4;
	CHECK_EQ(tn_interface_provide(w.sys, NULL, &bad), -TN_EINVAL);
	bad = desc, bad.flags = TN_INTERFACE_SLEEPS | TN_INTERFACE_GUARDED;
	CHECK_EQ(tn_interface_provide(w.sys, NULL, &bad), -TN_EINVAL);
	CHECK_EQ(tn_interface_provide(w.sys, NULL, &desc), 0);
	CHECK_EQ(tn_interface_provide(w.sys, NULL, &desc), -TN_EEXIST);
	wrong.flags = TN_INTERFACE_SLEEPS;
	CHECK_EQ(tn_interface_bind(w.sys, &wrong, &iface), -TN_EINVAL);
	wrong = want, wrong.version = TN_INTERFACE_VERSION(1, 3);
	CHECK_EQ(tn_interface_bind(w.sys, &wrong, &iface), -TN_ERANGE);
	wrong = want, wrong.version = TN_INTERFACE_VERSION(0, 9);
	CHECK_EQ(tn_interface_bind(w.sys, &wrong, &iface), -TN_ERANGE);
	wrong = want, wrong.ops_size++;
	CHECK_EQ(tn_interface_bind(w.sys, &wrong, &iface), -TN_ERANGE);
	wrong = want, wrong.holder = NULL;
	CHECK_EQ(tn_interface_bind(w.sys, &wrong, &iface), -TN_EINVAL);
	CHECK_EQ(tn_interface_withdraw(w.sys, NULL, "count", 0), 0);
	CHECK(world_close(&w));
}

TEST(interface, of_a_module_opens_when_it_runs_and_goes_with_it)
{
	int count = 0;
	struct tn_interface_want want = want_of("count");
	struct tn_interface_info info;
	struct tn_interface *iface;
	struct tn_module *mod;
	struct world w;

	CHECK(begin(&w));
	want.flags = TN_BIND_WEAK;
	CHECK_EQ(tn_interface_bind(w.sys, &want, &iface), 0);
	CHECK_EQ(CALL(iface, 1), -TN_ENODEV);
	CHECK_EQ(load_provider(&w, "a", desc_of("count", &count), &mod), 0);
	CHECK_EQ(CALL(iface, 2), 2);
	CHECK_EQ(tn_interface_info(w.sys, "count", &info), 0);
	CHECK(info.provided && info.primary == mod);
	CHECK_EQ(info.version, TN_INTERFACE_VERSION(1, 2));
	CHECK_EQ(info.nproviders, 1);
	CHECK_EQ(info.nbonds, 1);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK_EQ(CALL(iface, 1), -TN_ENODEV);
	CHECK_EQ(count, 2);
	CHECK_EQ(load_provider(&w, "b", desc_of("count", &count), &mod), 0);
	CHECK_EQ(CALL(iface, 1), 3);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK(world_close(&w));
}

TEST(interface, of_a_module_whose_init_fails_is_taken_back)
{
	int count = 0;
	struct tn_interface_info info;
	struct tn_module *mod;
	struct world w;

	PROVES("L17");
	CHECK(begin(&w));
	probe.result = -TN_EIO;
	CHECK_EQ(
	    load_provider(&w, "a", desc_of("count", &count), &mod), -TN_EIO);
	CHECK_EQ(tn_interface_info(w.sys, "count", &info), 0);
	CHECK(!info.provided);
	CHECK_EQ(info.nproviders, 0);
	CHECK(world_close(&w));
}

TEST(interface, bond_keeps_the_last_provider_and_is_named)
{
	int first = 0, second = 0;
	struct tn_interface_want want = want_of("count");
	struct tn_module *a, *b;
	struct tn_interface *iface;
	struct world w;

	PROVES("L19");
	CHECK(begin(&w));
	CHECK_EQ(load_provider(&w, "a", desc_of("count", &first), &a), 0);
	CHECK_EQ(tn_interface_bind(w.sys, &want, &iface), 0);
	CHECK_EQ(world_unload(&w, a), -TN_EBUSY);
	CHECK_EQ(CALL(iface, 1), 1);
	/* Another one takes over. */
	CHECK_EQ(load_provider(&w, "b", desc_of("count", &second), &b), 0);
	CHECK_EQ(CALL(iface, 1), 2);
	CHECK_EQ(world_unload(&w, a), 0);
	CHECK_EQ(CALL(iface, 1), 1);
	CHECK_EQ(second, 1);
	CHECK_EQ(world_unload(&w, b), -TN_EBUSY);
	CHECK_EQ(tn_interface_unbind(iface, NULL, "the test"), 0);
	CHECK_EQ(world_unload(&w, b), 0);
	CHECK(world_close(&w));
}

/* Under a name that is gone afterwards; bytes of it are near the site. */
static __attribute__((noinline)) int bind_here(
    struct world *w, struct tn_interface **iface)
{
	struct tn_interface_want want = want_of("count");
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

	CHECK(begin(&w));
	CHECK_EQ(load_provider(&w, "a", desc_of("count", &count), &mod), 0);
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

static int note_provider(
    void *arg, const struct tn_module *provider, bool primary)
{
	char *text = arg;
	struct tn_module_info info = { .name = "world" };

	if (provider != NULL)
		tn_module_info((struct tn_module *)(uintptr_t)provider, &info);
	strcat(strcat(text, info.name), primary ? "* " : " ");
	return 0;
}

TEST(interface, one_of_several_providers_can_be_preferred)
{
	int first = 0, second = 0;
	struct tn_interface_desc desc = desc_of("count", &first);
	struct tn_interface_want want = want_of("count");
	struct tn_interface *iface;
	struct tn_module *b;
	char text[80] = "";
	struct world w;

	PROVES("H24");
	CHECK(begin(&w));
	CHECK_EQ(tn_interface_provide(w.sys, NULL, &desc), 0);
	CHECK_EQ(load_provider(&w, "b", desc_of("count", &second), &b), 0);
	CHECK_EQ(tn_interface_bind(w.sys, &want, &iface), 0);
	CHECK_EQ(CALL(iface, 1), 1);
	CHECK_EQ(tn_interface_prefer(w.sys, b, "count", 0), 0);
	CHECK_EQ(tn_interface_prefer(w.sys, b, "count", 0), 0);
	CHECK_EQ(tn_interface_prefer(w.sys, b, "other", 0), -TN_ENOENT);
	tn_interface_providers(w.sys, "count", note_provider, text);
	CHECK(strcmp(text, "world b* ") == 0);
	CHECK_EQ(CALL(iface, 1), 1);
	CHECK_EQ(second, 1);
	CHECK_EQ(world_unload(&w, b), 0);
	CHECK_EQ(CALL(iface, 1), 2);
	CHECK_EQ(tn_interface_unbind(iface, NULL, "the test"), 0);
	CHECK_EQ(tn_interface_withdraw(w.sys, NULL, "count", 0), 0);
	CHECK(world_close(&w));
}

TEST(interface, handle_holds_the_provider_and_is_named)
{
	int count = 0;
	struct tn_interface_want want = want_of("count");
	const struct tn_binding *b;
	struct tn_interface *iface;
	struct tn_handle h, stale;
	struct tn_module *mod;
	struct world w;

	PROVES("L19");
	want.flags = TN_BIND_WEAK;
	CHECK(begin(&w));
	CHECK_EQ(load_provider(&w, "a", desc_of("count", &count), &mod), 0);
	CHECK_EQ(tn_interface_bind(w.sys, &want, &iface), 0);
	CHECK_EQ(tn_interface_acquire(iface, "a caller that stays", &h, &b), 0);
	CHECK_EQ(world_unload(&w, mod), -TN_EBUSY);
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

/* The guarded and the sleeping way arrive as well. */
static void calls_in_its_way(uint32_t flags)
{
	int count = 0, one = 1;
	struct tn_interface_desc desc = desc_of("count", &count);
	struct tn_interface_want want = want_of("count");
	struct tn_interface *iface;
	struct world w;

	desc.flags = flags;
	want.flags = flags;
	CHECK(begin(&w));
	CHECK_EQ(tn_interface_provide(w.sys, NULL, &desc), 0);
	CHECK_EQ(tn_interface_bind(w.sys, &want, &iface), 0);
	if (flags == TN_INTERFACE_GUARDED)
		CHECK_EQ(
		    tn_call_guarded(iface, const struct count_ops, add, 2), 2);
	else
		CHECK_EQ(
		    tn_call_sleeping(iface, const struct count_ops, add, 2), 2);
	CHECK_EQ(fire(iface, 2, &one), 3);
	CHECK_EQ(tn_interface_unbind(iface, NULL, "the test"), 0);
	CHECK_EQ(tn_interface_withdraw(w.sys, NULL, "count", 0), 0);
	CHECK_EQ(fire(iface, 2, &one), -TN_ENODEV);
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
	const struct tn_interface_desc desc = desc_of("count", &count);
	struct tn_interface_want want = want_of("count");
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
	const struct tn_interface_desc desc = desc_of("count", &count);
	struct tn_interface_want want = want_of("count");
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
	const struct tn_interface_desc desc = desc_of("count", &count);
	const struct tn_interface_want want = want_of("count");
	struct tn_interface_info info;
	struct tn_interface *iface;
	struct tn_module *mod;
	struct world w;

	CHECK(begin(&w));
	CHECK_EQ(load_provider(&w, "a", desc_of("other", &count), &mod), 0);
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

TEST(interface, guarded_calls_arrive)
{
	calls_in_its_way(TN_INTERFACE_GUARDED);
}

TEST(interface, sleeping_calls_arrive)
{
	calls_in_its_way(TN_INTERFACE_SLEEPS);
}

/* A call that is inside while its provider is to leave. */
static struct {
	struct tn_interface *iface;
	struct tn_system *sys;
	struct tn_module *mod;
	int err;
} inside;

static int unload_from_inside(void *instance, int n)
{
	struct tn_diag diag;

	(void)instance;
	(void)n;
	tn_diag_init(&diag);
	inside.err = tn_unload(inside.sys, inside.mod, &diag);
	tn_diag_fini(&diag);
	return 0;
}

static const struct count_ops leaving = {
	.head = { sizeof(leaving), 1 },
	.add = unload_from_inside,
};

TEST(interface, provider_is_busy_while_a_sleeping_call_is_inside)
{
	int count = 0;
	struct tn_interface_desc desc = desc_of("count", &count);
	struct tn_interface_want want = want_of("count");
	struct world w;

	CHECK(begin(&w));
	desc.ops = &leaving;
	desc.flags = TN_INTERFACE_SLEEPS;
	want.flags = TN_INTERFACE_SLEEPS | TN_BIND_WEAK;
	CHECK_EQ(load_provider(&w, "a", desc, &inside.mod), 0);
	CHECK_EQ(tn_interface_bind(w.sys, &want, &inside.iface), 0);
	inside.sys = w.sys;
	inside.err = 0;
	CHECK_EQ(
	    tn_call_sleeping(inside.iface, const struct count_ops, add, 1), 0);
	CHECK_EQ(inside.err, -TN_EBUSY);
	CHECK_EQ(world_unload(&w, inside.mod), 0);
	CHECK(world_close(&w));
}

static int count_interface(void *arg, const struct tn_interface_info *info)
{
	(void)info;
	++*(int *)arg;
	return 0;
}

TEST(interface, module_files_provide_and_call)
{
	struct file_path ticker, watcher;
	struct tn_module *provider, *caller;
	struct tn_load_args args = { .size = sizeof(args) };
	int (*next)(uint64_t *);
	void *addr;
	uint64_t n = 0;
	int count = 0;
	struct world w;

	if (!file_of_module(&ticker, isa_here()->name, "ticker") ||
	    !file_of_module(&watcher, isa_here()->name, "watcher"))
		SKIP("module files are not built");
	CHECK(world_open_guaranteed(&w));
	args.path = watcher.text;
	CHECK_EQ(tn_load(w.sys, &args, &caller, &w.diag), -TN_ENOENT);
	args.path = ticker.text;
	CHECK_EQ(tn_load(w.sys, &args, &provider, &w.diag), 0);
	args.path = watcher.text;
	CHECK_EQ(tn_load(w.sys, &args, &caller, &w.diag), 0);
	CHECK_EQ(tn_module_symbol(caller, "watcher_next", &addr), 0);
	memcpy(&next, &addr, sizeof(next));
	CHECK_EQ(next(&n), 0);
	CHECK_EQ(next(&n), 0);
	CHECK_EQ(n, 2);
	tn_interface_each(w.sys, count_interface, &count);
	CHECK_EQ(count, 1);
	CHECK_EQ(world_unload(&w, provider), -TN_EBUSY);
	/* bound by init, whose text is gone */
	CHECK_EQ(w.diag.nholders, 2);
	CHECK_EQ(w.diag.holders[1].kind, TN_HOLDER_BOND);
	CHECK(image_part_at(caller->gen->image,
		  (uintptr_t)w.diag.holders[1].site - 1) != NULL);
	CHECK_EQ(world_unload(&w, caller), 0);
	CHECK_EQ(world_unload(&w, provider), 0);
	CHECK(world_close(&w));
}
