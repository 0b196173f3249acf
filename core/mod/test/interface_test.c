/* SPDX-License-Identifier: MIT */
/*
 * Interfaces: who provides them, where a call arrives, and what keeps a
 * provider from leaving.
 */
#include <pthread.h>
#include <string.h>

#include <gate/world.h>
#include <test/sandbox.h>
#include <test/test.h>

#include "../interface.h"
#include "counting.h"
#include "files.h"

TEST(interface, a_call_arrives_at_what_the_world_provides)
{
	int count = 0, cookie = 5;
	struct tn_interface_desc desc = counting_desc("count", &count);
	struct tn_interface_want want = counting_want("count");
	struct tn_interface *iface;
	struct world w;

	PROVES("H17");
	CHECK(counting_open(&w));
	CHECK_EQ(tn_interface_bind(w.sys, &want, &iface), -TN_ENODEV);
	CHECK_EQ(tn_interface_provide(w.sys, NULL, &desc), 0);
	CHECK_EQ(tn_interface_bind(w.sys, &want, &iface), 0);
	CHECK_EQ(CALL(iface, 3), 3);
	CHECK_EQ(CALL(iface, 4), 7);
	CHECK_EQ(counting_fire(iface, 2, &cookie), 12);
	CHECK_EQ(counting_fire(iface, 1, &cookie), -TN_ENOSYS);
	CHECK_EQ(counting_fire(iface, 3, &cookie), -TN_ENOSYS);
	CHECK_EQ(tn_interface_withdraw(w.sys, NULL, "count", 0), -TN_EBUSY);
	CHECK_EQ(tn_interface_unbind(iface, NULL, "another"), -TN_ENOENT);
	CHECK_EQ(tn_interface_unbind(iface, NULL, "the test"), 0);
	CHECK_EQ(tn_interface_withdraw(w.sys, NULL, "count", 0), 0);
	CHECK_EQ(tn_interface_withdraw(w.sys, NULL, "count", 0), -TN_ENOENT);
	CHECK_EQ(CALL(iface, 1), -TN_ENODEV);
	CHECK_EQ(counting_fire(iface, 0, &cookie), -TN_ENODEV);
	CHECK_EQ(count, 12);
	CHECK(world_close(&w));
}

TEST(interface, wrong_descriptions_are_refused)
{
	int count = 0;
	struct tn_interface_desc desc = counting_desc("count", &count),
				 bad = desc;
	struct tn_interface_want want = counting_want("count"), wrong = want;
	struct tn_ops_head small = { 4, 1 };
	struct tn_interface *iface;
	char name[80];
	struct world w;

	CHECK(counting_open(&w));
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
	struct tn_interface_want want = counting_want("count");
	struct tn_interface_info info;
	struct tn_interface *iface;
	struct tn_module *mod;
	struct world w;

	CHECK(counting_open(&w));
	want.flags = TN_BIND_WEAK;
	CHECK_EQ(tn_interface_bind(w.sys, &want, &iface), 0);
	CHECK_EQ(CALL(iface, 1), -TN_ENODEV);
	CHECK_EQ(
	    counting_load(&w, "a", counting_desc("count", &count), &mod), 0);
	CHECK_EQ(CALL(iface, 2), 2);
	CHECK_EQ(tn_interface_info(w.sys, "count", &info), 0);
	CHECK(info.provided && info.primary == mod);
	CHECK_EQ(info.version, TN_INTERFACE_VERSION(1, 2));
	CHECK_EQ(info.nproviders, 1);
	CHECK_EQ(info.nbonds, 1);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK_EQ(CALL(iface, 1), -TN_ENODEV);
	CHECK_EQ(count, 2);
	CHECK_EQ(
	    counting_load(&w, "b", counting_desc("count", &count), &mod), 0);
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
	CHECK(counting_open(&w));
	counting_fail_init(-TN_EIO);
	CHECK_EQ(counting_load(&w, "a", counting_desc("count", &count), &mod),
	    -TN_EIO);
	CHECK_EQ(tn_interface_info(w.sys, "count", &info), 0);
	CHECK(!info.provided);
	CHECK_EQ(info.nproviders, 0);
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
	struct tn_interface_desc desc = counting_desc("count", &first);
	struct tn_interface_want want = counting_want("count");
	struct tn_interface *iface;
	struct tn_module *b;
	char text[80] = "";
	struct world w;

	PROVES("H24");
	CHECK(counting_open(&w));
	CHECK_EQ(tn_interface_provide(w.sys, NULL, &desc), 0);
	CHECK_EQ(
	    counting_load(&w, "b", counting_desc("count", &second), &b), 0);
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

/* Adds @n + 1: of what a call is made with nothing is evaluated twice. */
static int add_one_more(uint32_t flags, struct tn_interface *iface, int *n)
{
	struct tn_interface *const each[] = { iface, NULL }, *const *at = each;
	int got;

	if (flags == TN_INTERFACE_GUARDED)
		got = tn_call_guarded(*at++, const struct count_ops, add, ++*n);
	else if (flags == TN_INTERFACE_SLEEPS)
		got =
		    tn_call_sleeping(*at++, const struct count_ops, add, ++*n);
	else
		got = tn_call(*at++, const struct count_ops, add, ++*n);
	EXPECT(at == &each[1]);
	return got;
}

static void calls_in_its_way(uint32_t flags)
{
	int count = 0, one = 1, n = 1;
	struct tn_interface_desc desc = counting_desc("count", &count);
	struct tn_interface_want want = counting_want("count");
	struct tn_interface *iface;
	struct world w;

	desc.flags = flags;
	want.flags = flags;
	CHECK(counting_open(&w));
	CHECK_EQ(tn_interface_provide(w.sys, NULL, &desc), 0);
	CHECK_EQ(tn_interface_bind(w.sys, &want, &iface), 0);
	CHECK_EQ(add_one_more(flags, iface, &n), 2);
	CHECK_EQ(n, 2);
	CHECK_EQ(counting_fire(iface, 2, &one), 3);
	CHECK_EQ(tn_interface_unbind(iface, NULL, "the test"), 0);
	CHECK_EQ(tn_interface_withdraw(w.sys, NULL, "count", 0), 0);
	CHECK_EQ(counting_fire(iface, 2, &one), -TN_ENODEV);
	CHECK_EQ(add_one_more(flags, iface, &n), -TN_ENODEV);
	CHECK_EQ(n, 2); /* there was no call to be inside of */
	CHECK(world_close(&w));
}

TEST(interface, counted_calls_arrive)
{
	calls_in_its_way(0);
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
	int err, prefer;
} inside;

static int unload_from_inside(void *instance, int n)
{
	struct tn_diag diag;

	(void)instance;
	(void)n;
	tn_diag_init(&diag);
	inside.err = tn_unload(inside.sys, inside.mod, &diag);
	inside.prefer = tn_interface_prefer(inside.sys, NULL, "count", 0);
	tn_diag_fini(&diag);
	return 0;
}

static void *no_memory(size_t size)
{
	(void)size;
	return NULL;
}

/* Its value, as a pointer. */
static void *call_guarded(void *iface)
{
	const int r = tn_call_guarded(
	    (struct tn_interface *)iface, const struct count_ops, add, 2);

	return (void *)(intptr_t)r;
}

static void *fire_guarded(void *iface)
{
	int n = 2;

	return (void *)(intptr_t)counting_fire(iface, 2, &n);
}

static int value_in_thread(void *(*fn)(void *iface), struct tn_interface *iface)
{
	pthread_t thread;
	void *r = NULL;

	EXPECT(pthread_create(&thread, NULL, fn, iface) == 0);
	EXPECT(pthread_join(thread, &r) == 0);
	return (int)(intptr_t)r;
}

/* In a process of its own, whose new threads get no records any more. */
static int guards_without_records(void)
{
	int count = 0;
	struct tn_interface_desc desc = counting_desc("count", &count);
	struct tn_interface_want want = counting_want("count");
	struct tn_interface *iface = NULL;
	struct gate_world poor;
	struct world w;

	desc.flags = TN_INTERFACE_GUARDED;
	want.flags = TN_INTERFACE_GUARDED | TN_BIND_WEAK;
	EXPECT(world_open(&w, NULL, 0));
	EXPECT(tn_interface_provide(w.sys, NULL, &desc) == 0);
	EXPECT(tn_interface_bind(w.sys, &want, &iface) == 0);
	EXPECT(value_in_thread(call_guarded, iface) == 2);
	poor = *gate_world();
	poor.alloc = no_memory;
	gate_start(&poor);
	while (gate_thread_claim(1, true) != NULL)
		;
	EXPECT(value_in_thread(call_guarded, iface) == -TN_ENOMEM);
	EXPECT(value_in_thread(fire_guarded, iface) == -TN_ENOMEM);
	EXPECT(count == 2);
	EXPECT(tn_interface_withdraw(w.sys, NULL, "count", 0) == 0);
	EXPECT(value_in_thread(call_guarded, iface) == -TN_ENODEV);
	return test_failed();
}

TEST(interface, guarded_call_of_a_thread_without_a_record_is_short_of_memory)
{
	CHECK_IN_CHILD(guards_without_records);
}

static const struct count_ops leaving = {
	.head = { sizeof(leaving), 1 },
	.add = unload_from_inside,
};

TEST(interface, provider_is_busy_while_a_sleeping_call_is_inside)
{
	int count = 0;
	struct tn_interface_desc desc = counting_desc("count", &count);
	struct tn_interface_want want = counting_want("count");
	struct world w;

	CHECK(counting_open(&w));
	desc.ops = &leaving;
	desc.flags = TN_INTERFACE_SLEEPS;
	want.flags = TN_INTERFACE_SLEEPS | TN_BIND_WEAK;
	CHECK_EQ(counting_load(&w, "a", desc, &inside.mod), 0);
	CHECK_EQ(tn_interface_provide(w.sys, NULL, &desc), 0);
	CHECK_EQ(tn_interface_bind(w.sys, &want, &inside.iface), 0);
	inside.sys = w.sys;
	inside.err = 0;
	CHECK_EQ(
	    tn_call_sleeping(inside.iface, const struct count_ops, add, 1), 0);
	CHECK_EQ(inside.err, -TN_EBUSY);
	CHECK_EQ(inside.prefer, -TN_EBUSY);
	CHECK_EQ(world_unload(&w, inside.mod), 0);
	CHECK(world_close(&w));
}

/* Each call of the port fails once; nothing is bound or held then. */
TEST(interface, binding_and_acquiring_may_be_short_of_memory)
{
	int count = 0, err = 1;
	const struct tn_interface_desc desc = counting_desc("count", &count);
	const struct tn_interface_want want = counting_want("count");
	struct tn_interface *iface = NULL;
	const struct tn_binding *b;
	struct tn_handle h;
	unsigned n;
	struct world w;

	CHECK(counting_open(&w));
	CHECK_EQ(tn_interface_provide(w.sys, NULL, &desc), 0);
	for (n = 1; err != 0; n++) {
		rig_arm(&w.rig, n);
		err = tn_interface_bind(w.sys, &want, &iface);
		CHECK(err == 0 || (err == -TN_ENOMEM && iface == NULL));
	}
	CHECK(n > 2);
	for (n = 1, err = 1; err != 0; n++) {
		rig_arm(&w.rig, n);
		err = tn_interface_acquire(iface, "who is new", &h, &b);
		CHECK(err == 0 || err == -TN_ENOMEM);
	}
	CHECK(n > 2);
	rig_arm(&w.rig, 0);
	CHECK_EQ(tn_handle_put(h), 0);
	CHECK_EQ(tn_interface_unbind(iface, NULL, "the test"), 0);
	CHECK_EQ(tn_interface_withdraw(w.sys, NULL, "count", 0), 0);
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
