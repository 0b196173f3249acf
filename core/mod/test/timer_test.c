/* SPDX-License-Identifier: MIT */
/*
 * Timers, asked for as a module asks for them.
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <test/test.h>

#include "../module.h"
#include "firing.h"

#define MS   UINT64_C(1000000)
#define HOUR (3600000 * MS)

static atomic_ullong clock_ns;

static uint64_t stopped_clock(void *ctx)
{
	(void)ctx;
	return atomic_load(&clock_ns);
}

TEST(timer, fires_each_once_in_the_order_of_time)
{
	struct firing_world fw;
	struct probe p[40];

	CHECK(firing_open(&fw));
	atomic_store(&clock_ns, 0);
	fw.w.rig.port.now_ns = stopped_clock;
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = probe_new(&fw, (char)('A' + i));
		CHECK_EQ(SET_UP(&fw, timer, &p[i], timer, OP_NOTE), 0);
		CHECK_EQ(resource_timer_start(&p[i].timer, HOUR), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		const size_t k = i * 17 % ARRAY_SIZE(p);

		/* two at each time: the first to be set comes first */
		CHECK_EQ(
		    resource_timer_start(&p[k].timer, MS + (k & ~1u) * MS), 0);
		CHECK_EQ(
		    resource_timer_start(&p[k | 1].timer, MS + (k & ~1u) * MS),
		    0);
	}
	CHECK_EQ(resource_timer_delete(&p[7].timer), 1);
	CHECK_EQ(resource_timer_delete(&p[7].timer), 0);
	atomic_store(&clock_ns, HOUR / 2);
	CHECK_EQ(resource_timer_start(&p[7].timer, 0), 0);
	CHECK(reaches(&p[7].hits, 1));
	CHECK_STR(fw.trace, "ABCDEFGIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghH");
	CHECK_EQ(fw.ntrace, ARRAY_SIZE(p));
	for (size_t i = 1; i < ARRAY_SIZE(p); i++)
		CHECK_EQ(resource_timer_shutdown(&p[i].timer), 0);
	CHECK_EQ(tn_ledger_count(fw.mod, NULL), 1);
	CHECK(firing_close(&fw));
	CHECK_EQ(fw.ntrace, ARRAY_SIZE(p));
}

TEST(timer, that_is_not_there_is_refused)
{
	struct firing_world fw;
	struct probe p, other;

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	other = probe_new(&fw, 'o');
	CHECK_EQ(resource_timer_start(&p.timer, 0), -TN_EINVAL);
	CHECK_EQ(resource_timer_delete(&p.timer), -TN_EINVAL);
	CHECK_EQ(resource_timer_shutdown(&p.timer), -TN_EINVAL);
	CHECK_EQ(resource_work_schedule(&p.work), -TN_EINVAL);
	CHECK_EQ(resource_work_flush(&p.work), -TN_EINVAL);
	CHECK_EQ(resource_timer_setup(NULL, &p.timer, fw.iface, OP_HIT, &p),
	    -TN_EINVAL);
	CHECK_EQ(
	    resource_timer_setup(firing_owner(&fw), &p.timer, NULL, OP_HIT, &p),
	    -TN_EINVAL);
	CHECK_EQ(SET_UP(&fw, timer, &p, timer, OP_HIT), 0);
	CHECK_EQ(SET_UP(&fw, work, &other, work, OP_HIT), 0);
	CHECK_EQ(resource_timer_shutdown(&p.timer), 0);
	CHECK_EQ(resource_timer_shutdown(&p.timer), -TN_ESTALE);
	CHECK_EQ(resource_timer_start(&p.timer, 0), -TN_ESTALE);
	CHECK_EQ(resource_timer_delete(&p.timer), -TN_ESTALE);
	/* a work item is no timer */
	memcpy(&p.timer, &other.work, sizeof(p.timer));
	CHECK_EQ(resource_timer_start(&p.timer, 0), -TN_ESTALE);
	CHECK_EQ(world_unload(&fw.w, fw.mod), 0);
	fw.mod = NULL;
	CHECK_EQ(p.hits + other.hits, 0);
	CHECK(firing_close(&fw));
}

/* --- ends while it runs */

static int end_timer(struct probe *p)
{
	return resource_timer_shutdown(&p->timer);
}

static int delete_timer(struct probe *p)
{
	return resource_timer_delete(&p->timer);
}

static int end_all(struct probe *p)
{
	return ledger_revoke_all(p->fw->mod->gen);
}

/* @end returns only when the operation that is inside has left. */
static void waits_for_its_operation(int (*end)(struct probe *p), int value)
{
	struct firing_world fw;
	struct probe p;
	struct ender e = { .p = &p, .end = end };

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	CHECK_EQ(SET_UP(&fw, timer, &p, timer, OP_BLOCK), 0);
	CHECK_EQ(SET_UP(&fw, work, &p, work, OP_BLOCK), 0);
	CHECK_EQ(resource_timer_start(&p.timer, 0), 0);
	ender_meet(&e);
	CHECK_EQ(e.value, value);
	CHECK_EQ(e.left, 1);
	CHECK_EQ(p.inside, 1);
	CHECK(firing_close(&fw));
}

TEST(timer, shutdown_waits_for_its_operation)
{
	waits_for_its_operation(end_timer, 0);
	waits_for_its_operation(delete_timer, 0);
}

TEST(timer, ledger_waits_for_its_operation)
{
	waits_for_its_operation(end_all, 2);
}

static struct {
	__typeof__(((struct tn_port *)NULL)->wait) wait;
	atomic_ullong until; /* the first time that a wait has ended at */
} naps;

static int note_nap(
    void *ctx, const uint32_t *word, uint32_t value, uint64_t deadline_ns)
{
	unsigned long long none = 0;

	if (deadline_ns != UINT64_MAX)
		(void)atomic_compare_exchange_strong(
		    &naps.until, &none, deadline_ns);
	return naps.wait(ctx, word, value, deadline_ns);
}

/* As often as one whose interface nobody provides, and no oftener. */
TEST(timer, of_a_stopped_module_seldom_looks_whether_it_may_fire)
{
	struct firing_world fw;
	struct probe p;

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	CHECK_EQ(SET_UP(&fw, timer, &p, timer, OP_HIT), 0);
	CHECK_EQ(tn_stop(fw.w.sys, fw.mod, NULL, NULL), 0);
	naps.wait = fw.w.rig.port.wait;
	atomic_store(&naps.until, 0);
	atomic_store(&clock_ns, fw.w.rig.world->now_ns(fw.w.rig.world->ctx));
	fw.w.rig.port.now_ns = stopped_clock;
	fw.w.rig.port.wait = note_nap;
	CHECK_EQ(resource_timer_start(&p.timer, 0), 0);
	while (atomic_load(&naps.until) == 0)
		sched_yield();
	fw.w.rig.port.now_ns = fw.w.rig.world->now_ns;
	fw.w.rig.port.wait = naps.wait;
	CHECK_EQ(naps.until - clock_ns, 10 * MS);
	CHECK_EQ(p.hits, 0);
	CHECK_EQ(tn_start(fw.w.sys, fw.mod, NULL), 0);
	CHECK(reaches(&p.hits, 1));
	CHECK(firing_close(&fw));
}

/* It may sleep, so it is not waited for, but named. */
TEST(timer, unload_is_refused_while_its_operation_stays)
{
	const char *words = "Module holder is in use by timer (running "
			    "probe.2, for ";
	const struct tn_holder *h;
	struct firing_world fw;
	struct probe p;
	char text[160];

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	CHECK_EQ(SET_UP(&fw, timer, &p, timer, OP_BLOCK), 0);
	CHECK_EQ(resource_timer_start(&p.timer, 0), 0);
	CHECK(reaches(&p.inside, 1));
	/* At a time that does not pass no wait would ever end. */
	fw.w.rig.port.now_ns = stopped_clock;
	CHECK_EQ(tn_unload(fw.w.sys, fw.mod, &fw.w.diag), -TN_EBUSY);
	fw.w.rig.port.now_ns = fw.w.rig.world->now_ns;
	h = fw.w.diag.holders;
	CHECK_EQ(fw.w.diag.nholders, 1);
	CHECK_EQ(h->kind, TN_HOLDER_RUNNING);
	CHECK_STR(h->name, "timer");
	CHECK_STR(h->interface, "probe.2");
	CHECK(h->site != NULL);
	tn_diag_text(&fw.w.diag, text, sizeof(text));
	CHECK(strncmp(text, words, strlen(words)) == 0);
	atomic_store(&p.go, true);
	CHECK_EQ(resource_timer_delete(&p.timer), 0);
	/* and all goes on */
	CHECK_EQ(resource_timer_start(&p.timer, 0), 0);
	CHECK(reaches(&p.left, 2));
	CHECK(firing_close(&fw));
}

static void unload_own_module(struct probe *p)
{
	atomic_store(&p->called, tn_unload(p->fw->w.sys, p->fw->mod, NULL));
}

TEST(timer, operation_cannot_unload_its_own_module)
{
	struct firing_world fw;
	struct probe p;

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	p.call = unload_own_module;
	CHECK_EQ(SET_UP(&fw, timer, &p, timer, OP_CALL), 0);
	CHECK_EQ(resource_timer_start(&p.timer, 0), 0);
	CHECK(reaches(&p.hits, 1));
	CHECK_EQ(p.called, -TN_EDEADLK);
	CHECK(firing_close(&fw));
}

/* --- what an operation does to its own timer */

static void shut_self_down(struct probe *p)
{
	atomic_store(&p->called, resource_timer_shutdown(&p->timer));
}

static void start_self_again(struct probe *p)
{
	const bool enough = atomic_load(&p->hits) == 99;

	atomic_store(&p->called, enough ? resource_timer_delete(&p->timer)
					: resource_timer_start(&p->timer, 0));
}

TEST(timer, may_be_given_back_by_its_own_operation)
{
	struct firing_world fw;
	struct probe p, q;

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	q = probe_new(&fw, 'q');
	p.call = shut_self_down;
	p.called = 1;
	q.call = start_self_again;
	CHECK_EQ(SET_UP(&fw, timer, &p, timer, OP_CALL), 0);
	CHECK_EQ(SET_UP(&fw, timer, &q, timer, OP_CALL), 0);
	CHECK_EQ(resource_timer_start(&p.timer, 0), 0);
	CHECK_EQ(resource_timer_start(&q.timer, 0), 0);
	CHECK(reaches(&p.hits, 1));
	CHECK(reaches(&q.hits, 100));
	CHECK_EQ(p.called, 0);
	CHECK_EQ(q.called, 0);
	CHECK_EQ(resource_timer_shutdown(&p.timer), -TN_ESTALE);
	CHECK_EQ(tn_ledger_count(fw.mod, NULL), 1);
	CHECK(firing_close(&fw));
	CHECK_EQ(q.hits, 100);
}

/* --- is not set when it has been cancelled */

static void stay_and_start(struct probe *p)
{
	probe_stay(p);
	atomic_store(&p->called, resource_timer_start(&p->timer, HOUR));
}

TEST(timer, is_not_set_again_by_the_operation_that_delete_waits_for)
{
	struct firing_world fw;
	struct probe p;

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	p.call = stay_and_start;
	CHECK_EQ(SET_UP(&fw, timer, &p, timer, OP_CALL), 0);
	CHECK_EQ(resource_timer_start(&p.timer, 0), 0);
	firing_ends_again(&fw, &p, delete_timer, 0);
}

/* Its thread may be finding out just then that the gate is not open. */
TEST(timer, is_not_set_when_deleted_while_nobody_provides_its_interface)
{
	struct firing_world fw;
	struct probe p;
	int set = 0, missed = 0;

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	CHECK_EQ(SET_UP(&fw, timer, &p, timer, OP_HIT), 0);
	CHECK(firing_withdraw(&fw));
	for (unsigned i = 0; i < 20000; i++) {
		EXPECT(resource_timer_start(&p.timer, 0) == 0);
		for (atomic_int k = 0; k < (int)(i * 7 % 4001); k++)
			;
		missed += resource_timer_delete(&p.timer) != 1;
		set += firing_is_set(&fw);
	}
	CHECK_EQ(set, 0);
	/* it has not fired, so it was set */
	CHECK_EQ(missed, 0);
	CHECK_EQ(p.hits, 0);
	CHECK(firing_close(&fw));
}

static void shut_down_and_stay(struct probe *p)
{
	atomic_store(&p->called, resource_timer_shutdown(&p->timer));
	atomic_fetch_add(&p->inside, 1);
	while (!atomic_load(&p->go))
		sched_yield();
	atomic_fetch_add(&p->left, 1);
}

/* What has left the ledger but still runs is waited for, too. */
TEST(timer, ledger_waits_for_an_operation_that_has_given_itself_back)
{
	struct firing_world fw;
	struct probe p;
	struct ender e = { .p = &p, .end = end_all };

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	p.call = shut_down_and_stay;
	CHECK_EQ(SET_UP(&fw, timer, &p, timer, OP_CALL), 0);
	CHECK_EQ(resource_timer_start(&p.timer, 0), 0);
	CHECK(reaches(&p.inside, 1));
	CHECK_EQ(tn_ledger_count(fw.mod, NULL), 0);
	ender_meet(&e);
	CHECK_EQ(e.value, 0);
	CHECK_EQ(e.left, 1);
	CHECK(firing_close(&fw));
}

#define NOT_YET 1 /* no function of a timer returns it here */

static void wait_until_going(struct probe *p)
{
	atomic_fetch_add(&p->inside, 1);
	while (resource_alloc(firing_owner(p->fw), 1) != NULL)
		sched_yield();
	atomic_store(&p->called, resource_timer_shutdown(&p->timer));
}

struct first {
	struct tn_ledger_entry entry;
	struct probe *p;
};

/* Is revoked before all timers. */
static void let_it_ask(struct tn_ledger_entry *entry)
{
	struct first *first = (struct first *)entry;

	while (atomic_load(&first->p->called) == NOT_YET)
		sched_yield();
}

/* While its ledger is revoked nothing can be had, and nothing given back. */
TEST(timer, is_awaited_by_a_ledger_that_is_being_revoked)
{
	static const struct tn_ledger_class early = { .size = sizeof(early),
		.abi = 1,
		.name = "early",
		.order = 1,
		.revoke = let_it_ask };
	struct firing_world fw;
	struct probe p;
	struct first first = { .p = &p };

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	p.call = wait_until_going;
	p.called = NOT_YET;
	CHECK_EQ(tn_ledger_class_add(fw.w.sys, &early), 0);
	CHECK_EQ(tn_ledger_add(fw.mod, &early, &first.entry, NULL), 0);
	CHECK_EQ(SET_UP(&fw, timer, &p, timer, OP_CALL), 0);
	CHECK_EQ(resource_timer_start(&p.timer, 0), 0);
	CHECK(reaches(&p.inside, 1));
	CHECK(ledger_revoke_all(fw.mod->gen) >= 1);
	CHECK_EQ(p.hits, 1);
	CHECK_EQ(p.called, -TN_ESTALE);
	CHECK(firing_close(&fw));
}

/* --- the interface is away */

TEST(timer, is_held_while_nobody_provides_its_interface)
{
	struct firing_world fw;
	struct probe p;

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	CHECK_EQ(SET_UP(&fw, timer, &p, timer, OP_HIT), 0);
	CHECK_EQ(SET_UP(&fw, work, &p, work, OP_HIT), 0);
	CHECK(firing_withdraw(&fw));
	CHECK_EQ(resource_work_schedule(&p.work), 1);
	CHECK_EQ(resource_timer_start(&p.timer, 0), 0);
	CHECK_EQ(resource_work_flush(&p.work), -TN_ENODEV);
	CHECK_EQ(p.hits, 0);
	CHECK_EQ(resource_work_cancel(&p.work), 1);
	CHECK(firing_provide(&fw));
	CHECK(reaches(&p.hits, 1));
	CHECK_EQ(resource_timer_delete(&p.timer), 0);
	CHECK_EQ(p.hits, 1);
	/* and may be taken back meanwhile */
	CHECK(firing_withdraw(&fw));
	CHECK_EQ(resource_timer_start(&p.timer, 0), 0);
	CHECK(firing_close(&fw));
	CHECK_EQ(p.hits, 1);
}

/* --- failures */

static unsigned fails_everywhere(bool work)
{
	struct firing_world fw;
	struct probe p;
	unsigned n = 0;
	bool reached = true;

	while (reached && !test_failed()) {
		/* A new system each time: its threads and heaps are made. */
		EXPECT(firing_open(&fw));
		p = probe_new(&fw, 'p');
		const uint64_t before = world_state(&fw.w);

		rig_arm(&fw.w.rig, ++n);
		const int err = work ? SET_UP(&fw, work, &p, work, OP_HIT)
				     : SET_UP(&fw, timer, &p, timer, OP_HIT);

		reached = fw.w.rig.calls >= n;
		rig_arm(&fw.w.rig, 0);
		if (reached) {
			EXPECT(err == (fw.w.rig.failed == RIG_THREAD
					      ? -TN_EAGAIN
					      : -TN_ENOMEM));
			EXPECT(world_state(&fw.w) == before);
			EXPECT(tn_ledger_count(fw.mod, NULL) == 0);
			EXPECT(SET_UP(&fw, timer, &p, timer, OP_HIT) == 0);
		} else {
			EXPECT(err == 0);
		}
		EXPECT(firing_close(&fw));
	}
	return n;
}

TEST(timer, set_up_fails_at_every_call)
{
	/* thread, timer, heap */
	CHECK_EQ(fails_everywhere(false), 4);
	CHECK_EQ(fails_everywhere(true), 4);
}

TEST(timer, needs_a_world_with_threads)
{
	struct firing_world fw;
	struct probe p;

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	fw.w.rig.port.thread_create = NULL;
	CHECK_EQ(SET_UP(&fw, timer, &p, timer, OP_HIT), -TN_ENOSYS);
	CHECK_EQ(SET_UP(&fw, work, &p, work, OP_HIT), -TN_ENOSYS);
	CHECK_EQ(SET_UP(&fw, thread, &p, thread, OP_HIT), -TN_ENOSYS);
	CHECK_EQ(SET_UP(&fw, callback, &p, callback, OP_HIT), 0);
	CHECK_EQ(tn_ledger_count(fw.mod, NULL), 1);
	CHECK(firing_close(&fw));
}
