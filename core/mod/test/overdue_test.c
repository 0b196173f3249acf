/* SPDX-License-Identifier: MIT */
/*
 * Guarded calls beyond their deadline, as a watchdog sees them.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <test/test.h>

#include "counting.h"

#define BUDGET_NS 1000000u

static atomic_bool inside, may_return;

static int stay(void *instance, int n)
{
	(void)instance;
	atomic_store(&inside, true);
	while (!atomic_load(&may_return))
		;
	return n;
}

static const struct count_ops slow_ops = { { sizeof(slow_ops), 1 }, stay, NULL,
	NULL };

static struct tn_interface_desc slow_desc(uint64_t budget_ns)
{
	return (
	    struct tn_interface_desc){ .size = sizeof(struct tn_interface_desc),
		.flags = TN_INTERFACE_GUARDED,
		.name = "slow",
		.ops = &slow_ops,
		.budget_ns = budget_ns };
}

/* A world with a module that is called, and a thread that calls it. */
struct scene {
	struct world w;
	struct tn_module *mod;
	struct tn_interface *iface;
	pthread_t thread;
	int got;
};

static void *caller(void *arg)
{
	struct scene *s = arg;

	s->got = tn_call_guarded(s->iface, const struct count_ops, add, 3);
	return NULL;
}

static void begin(struct scene *s, uint64_t budget_ns)
{
	const struct tn_interface_want want = { .size = sizeof(want),
		.flags = TN_INTERFACE_GUARDED,
		.name = "slow",
		.holder = "the test" };

	CHECK(counting_open(&s->w));
	CHECK_EQ(
	    counting_load(&s->w, "slowpoke", slow_desc(budget_ns), &s->mod), 0);
	CHECK_EQ(tn_interface_bind(s->w.sys, &want, &s->iface), 0);
	atomic_store(&inside, false);
	atomic_store(&may_return, false);
	CHECK_EQ(pthread_create(&s->thread, NULL, caller, s), 0);
	while (!atomic_load(&inside))
		;
}

static void let_return(struct scene *s)
{
	atomic_store(&may_return, true);
	pthread_join(s->thread, NULL);
	CHECK_EQ(s->got, 3);
}

static void end(struct scene *s)
{
	CHECK_EQ(tn_interface_unbind(s->iface, NULL, "the test"), 0);
	CHECK_EQ(world_unload(&s->w, s->mod), 0);
	CHECK(world_close(&s->w));
}

/* --- the watchdog */

struct seen {
	struct tn_overdue last;
	unsigned n;
	int ret;
};

static int see(void *arg, const struct tn_overdue *call)
{
	struct seen *s = arg;

	s->last = *call;
	s->n++;
	return 7;
}

static struct seen watch(struct tn_system *sys)
{
	struct seen s = { .n = 0 };

	s.ret = tn_overdue_each(sys, see, &s);
	return s;
}

static struct seen watch_until_late(struct tn_system *sys, uint64_t late_ns)
{
	struct seen s = watch(sys);

	while (s.n == 0 || s.last.late_ns < late_ns)
		s = watch(sys);
	return s;
}

TEST(overdue, calls_are_told_with_module_thread_and_time)
{
	struct scene s;
	struct seen seen;

	begin(&s, BUDGET_NS);
	CHECK(!test_failed());
	seen = watch_until_late(s.w.sys, 0);
	CHECK_EQ(seen.n, 1);
	CHECK_EQ(seen.ret, 7);
	CHECK(seen.last.module == s.mod);
	CHECK_STR(seen.last.module_name, "slowpoke");
	CHECK(seen.last.thread != 0);
	seen = watch_until_late(s.w.sys, seen.last.late_ns + BUDGET_NS);
	CHECK(seen.last.module == s.mod);
	let_return(&s);
	seen = watch(s.w.sys);
	CHECK(seen.n == 0 && seen.ret == 0);
	end(&s);
}

TEST(overdue, calls_of_another_systems_modules_are_not_told)
{
	struct world other;
	struct scene s;

	CHECK(world_open(&other, NULL, 0));
	begin(&s, BUDGET_NS);
	CHECK(!test_failed());
	(void)watch_until_late(s.w.sys, 0);
	CHECK_EQ(watch(other.sys).n, 0);
	let_return(&s);
	end(&s);
	CHECK(world_close(&other));
}

TEST(overdue, calls_without_a_budget_never_are)
{
	struct scene s;
	uint64_t until;

	begin(&s, 0);
	CHECK(!test_failed());
	until = tn_gate_coarse_ns() + 10 * BUDGET_NS;
	while (tn_gate_coarse_ns() < until)
		CHECK_EQ(watch(s.w.sys).n, 0);
	let_return(&s);
	end(&s);
}
