/* SPDX-License-Identifier: MIT */
/*
 * What happens to those who are inside of a call while somebody wants to unload:
 * unrelated calls are in nobody's way, uses of handles are waited for, and who
 * is inside himself is refused instead of waiting for himself.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include <test/test.h>

#include <tenon/interfaces.h>

#include "world.h"

#define UNLOADS 100

struct idle_ops {
	struct tn_ops_head head;
	int (*run)(void *instance);
};

static struct {
	struct world w;
	struct tn_interface *iface;
	struct tn_module *mod;
	struct object *object;
	struct tn_handle handle;
	atomic_bool over, inside, left, early;
	int unload, load, withdraw, prefer, again, acquire;
} in;

static int idle(void *instance)
{
	(void)instance;
	return 0;
}

/* Everything that would wait for this very call. */
static int try_all(void *instance)
{
	(void)instance;
	in.unload = tn_unload(in.w.sys, in.mod, NULL);
	in.load = world_load(&in.w, in.object, 0, &in.mod);
	in.withdraw = tn_interface_withdraw(in.w.sys, NULL, "idle", 0);
	in.prefer = tn_interface_prefer(in.w.sys, NULL, "idle", 0);
	return 0;
}

static struct idle_ops ops = { { sizeof(ops), 1 }, idle };

static int t_nothing(void)
{
	return 0;
}

/* exit of a module: is somebody inside? */
static int t_exit(void)
{
	if (atomic_load(&in.inside) && !atomic_load(&in.left))
		atomic_store(&in.early, true);
	return 0;
}

static const struct tn_export exports[] = {
	WORLD_EXPORT(t_nothing),
	WORLD_EXPORT(t_exit),
};

static bool begin_with(int (*run)(void *instance), uint32_t flags)
{
	const struct tn_interface_desc desc = {
		.size = sizeof(desc),
		.flags = flags,
		.name = "idle",
		.version = TN_INTERFACE_VERSION(1, 0),
		.ops = &ops,
	};
	const struct tn_interface_want want = {
		.size = sizeof(want),
		.flags = flags | TN_BIND_WEAK,
		.name = "idle",
		.version = TN_INTERFACE_VERSION(1, 0),
		.holder = "the test",
	};

	memset(&in, 0, sizeof(in));
	ops.run = run;
	return EXPECT(world_open(&in.w, exports, ARRAY_SIZE(exports))) &&
	       EXPECT(tn_interface_provide(in.w.sys, NULL, &desc) == 0) &&
	       EXPECT(tn_interface_bind(in.w.sys, &want, &in.iface) == 0);
}

static bool begin(int (*run)(void *instance))
{
	return begin_with(run, 0);
}

static struct author module_of(const char *name)
{
	struct author a = author_new(isa_here()->machine, name);

	(void)author_jump(&a, "init_module", "t_nothing");
	(void)author_jump(&a, "cleanup_module", "t_exit");
	return a;
}

TEST(inside, who_is_inside_is_refused_instead_of_waiting_for_himself)
{
	struct author a = module_of("a"), b = module_of("b");
	struct tn_module *mod;

	CHECK(begin(try_all));
	CHECK_EQ(world_load(&in.w, a.o, 0, &in.mod), 0);
	mod = in.mod;
	in.object = b.o;
	CHECK_EQ(tn_call(in.iface, const struct idle_ops, run), 0);
	CHECK_EQ(in.unload, -TN_EDEADLK);
	CHECK_EQ(in.load, -TN_EDEADLK);
	CHECK_EQ(in.withdraw, -TN_EDEADLK);
	CHECK_EQ(in.prefer, -TN_EDEADLK);
	CHECK_EQ(world_unload(&in.w, mod), 0);
	CHECK(world_close(&in.w));
	author_free(&a);
	author_free(&b);
}

TEST(inside, a_binding_stays_while_a_handle_is_held)
{
	const struct tn_binding *b;
	struct tn_handle h;

	CHECK(begin(idle));
	CHECK_EQ(tn_interface_acquire(in.iface, "the test", &h, &b), 0);
	CHECK_EQ(tn_interface_withdraw(in.w.sys, NULL, "idle", 0), -TN_EBUSY);
	CHECK_EQ(tn_handle_enter(h), 0);
	CHECK_EQ(((const struct idle_ops *)b->ops)->run(b->instance), 0);
	tn_handle_exit(h);
	CHECK_EQ(tn_handle_put(h), 0);
	CHECK_EQ(tn_interface_withdraw(in.w.sys, NULL, "idle", 0), 0);
	CHECK(world_close(&in.w));
}

static void *call_all_the_time(void *arg)
{
	(void)arg;
	while (!atomic_load(&in.over))
		(void)tn_call(in.iface, const struct idle_ops, run);
	return NULL;
}

TEST(inside, calls_of_others_are_in_nobodys_way)
{
	struct author a = module_of("a");
	pthread_t thread;

	CHECK(begin(idle));
	CHECK_EQ(pthread_create(&thread, NULL, call_all_the_time, NULL), 0);
	for (unsigned i = 0; i < UNLOADS; i++) {
		CHECK_EQ(world_load(&in.w, a.o, 0, &in.mod), 0);
		CHECK_EQ(world_unload(&in.w, in.mod), 0);
	}
	atomic_store(&in.over, true);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(world_close(&in.w));
	author_free(&a);
}

/* Uses the handle while another thread puts it. */
static void *use_for_a_while(void *arg)
{
	const struct timespec while_ = { 0, 20000000 };

	(void)arg;
	if (!EXPECT(tn_handle_enter(in.handle) == 0))
		return NULL;
	atomic_store(&in.inside, true);
	nanosleep(&while_, NULL);
	atomic_store(&in.left, true);
	tn_handle_exit(in.handle);
	return NULL;
}

TEST(inside, exit_waits_for_who_uses_a_handle_that_was_put)
{
	struct author a = module_of("a");
	pthread_t thread;

	PROVES("K5.3");
	CHECK(begin(idle));
	CHECK_EQ(world_load(&in.w, a.o, 0, &in.mod), 0);
	CHECK_EQ(tn_handle_get(in.mod, "the test", &in.handle), 0);
	CHECK_EQ(pthread_create(&thread, NULL, use_for_a_while, NULL), 0);
	while (!atomic_load(&in.inside))
		;
	CHECK_EQ(tn_handle_put(in.handle), 0);
	CHECK_EQ(world_unload(&in.w, in.mod), 0);
	CHECK(atomic_load(&in.left) && !atomic_load(&in.early));
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(world_close(&in.w));
	author_free(&a);
}

/* --- a call inside of a call */

static int call_again(void *instance)
{
	const uint32_t *phase = &in.iface->gate.phase;
	const struct tn_binding *b;

	(void)instance;
	atomic_store(&in.inside, true);
	while ((__atomic_load_n(phase, __ATOMIC_ACQUIRE) & 1) == 0)
		sched_yield();
	in.again = tn_call_sleeping(in.iface, const struct idle_ops, run);
	in.acquire = tn_interface_acquire(in.iface, "again", &in.handle, &b);
	return 0;
}

static void *call_once(void *arg)
{
	int *result = arg;

	*result = tn_call_sleeping(in.iface, const struct idle_ops, run);
	return NULL;
}

/*
 * Who withdraws waits for the outer call, and the inner one would wait for who
 * withdraws. The time is only there to end a test that fails.
 */
TEST(inside, a_sleeping_call_does_not_wait_inside_of_another)
{
	const uint64_t long_ns = UINT64_C(10000000000);
	pthread_t thread;
	int result = 1;

	CHECK(begin_with(call_again, TN_INTERFACE_SLEEPS));
	CHECK_EQ(pthread_create(&thread, NULL, call_once, &result), 0);
	while (!atomic_load(&in.inside))
		sched_yield();
	CHECK_EQ(tn_interface_withdraw(in.w.sys, NULL, "idle", long_ns), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(result, 0);
	CHECK_EQ(in.again, -TN_EAGAIN);
	CHECK_EQ(in.acquire, -TN_EAGAIN);
	CHECK_EQ(
	    tn_call_sleeping(in.iface, const struct idle_ops, run), -TN_ENODEV);
	CHECK(world_close(&in.w));
}
