/* SPDX-License-Identifier: MIT */
/*
 * Work items, asked for as a module asks for them. Timers have the same
 * mechanism under them: what is true of both is tested there.
 */
#include <test/test.h>

#include "firing.h"

#define MS   UINT64_C(1000000)
#define HOUR (3600000 * MS)

/* --- ends while it runs */

static int end_work(struct probe *p)
{
	return resource_work_shutdown(&p->work);
}

static int cancel_work(struct probe *p)
{
	return resource_work_cancel(&p->work);
}

static int flush(struct probe *p)
{
	return resource_work_flush(&p->work);
}

/* @end returns only when the operation that is inside has left. */
static void waits_for_its_operation(int (*end)(struct probe *p), int value)
{
	struct firing_world fw;
	struct probe p;
	struct ender e = { .p = &p, .end = end };

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	CHECK_EQ(SET_UP(&fw, work, &p, work, OP_BLOCK), 0);
	CHECK_EQ(resource_work_schedule(&p.work), 1);
	ender_meet(&e);
	CHECK_EQ(e.value, value);
	CHECK_EQ(e.left, 1);
	CHECK_EQ(p.inside, 1);
	CHECK(firing_close(&fw));
}

TEST(work, shutdown_waits_for_its_operation)
{
	waits_for_its_operation(end_work, 0);
	waits_for_its_operation(cancel_work, 0);
	waits_for_its_operation(flush, 0);
}

static void stay_and_queue(struct probe *p)
{
	probe_stay(p);
	atomic_store(&p->called, resource_work_delay(&p->work, HOUR));
}

TEST(work, is_not_queued_again_by_the_operation_that_cancel_waits_for)
{
	struct firing_world fw;
	struct probe p;

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	p.call = stay_and_queue;
	CHECK_EQ(SET_UP(&fw, work, &p, work, OP_CALL), 0);
	CHECK_EQ(resource_work_schedule(&p.work), 1);
	firing_ends_again(&fw, &p, cancel_work, 1);
}

/* It was put off while its interface was away, and runs now: no -ENODEV. */
TEST(work, that_was_put_off_and_runs_is_waited_for)
{
	struct firing_world fw;
	struct probe p;
	struct ender e = { .p = &p, .end = flush };

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	CHECK_EQ(SET_UP(&fw, work, &p, work, OP_BLOCK), 0);
	CHECK(firing_withdraw(&fw));
	CHECK_EQ(resource_work_schedule(&p.work), 1);
	CHECK_EQ(resource_work_flush(&p.work), -TN_ENODEV);
	CHECK(firing_provide(&fw));
	ender_meet(&e);
	CHECK_EQ(e.value, 0);
	CHECK_EQ(e.left, 1);
	CHECK(firing_close(&fw));
}

/* --- order */

TEST(work, runs_in_order_and_is_queued_once)
{
	struct firing_world fw;
	struct probe p[8], stop;

	CHECK(firing_open(&fw));
	stop = probe_new(&fw, '-');
	CHECK_EQ(SET_UP(&fw, work, &stop, work, OP_BLOCK), 0);
	CHECK_EQ(resource_work_schedule(&stop.work), 1);
	CHECK(reaches(&stop.inside, 1));
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = probe_new(&fw, (char)('a' + i));
		CHECK_EQ(SET_UP(&fw, work, &p[i], work, OP_NOTE), 0);
		CHECK_EQ(resource_work_schedule(&p[i].work), 1);
		CHECK_EQ(resource_work_schedule(&p[i].work), 0);
		CHECK_EQ(resource_work_delay(&p[i].work, HOUR), 0);
	}
	/* while it runs it may be queued again */
	CHECK_EQ(resource_work_schedule(&stop.work), 1);
	CHECK_EQ(resource_work_cancel(&p[2].work), 1);
	atomic_store(&stop.go, true);
	CHECK_EQ(resource_work_flush(&stop.work), 0);
	CHECK_EQ(stop.inside, 2);
	CHECK_EQ(stop.left, 2);
	CHECK_STR(fw.trace, "abdefgh");
	CHECK_EQ(resource_work_flush(&p[0].work), 0);
	CHECK_EQ(resource_work_cancel(&p[0].work), 0);
	CHECK_EQ(resource_work_delay(&p[2].work, MS), 1);
	CHECK_EQ(resource_work_flush(&p[2].work), 0);
	CHECK_STR(fw.trace, "abdefghc");
	CHECK_EQ(resource_work_delay(&p[2].work, HOUR), 1);
	CHECK_EQ(resource_work_shutdown(&p[2].work), 0);
	CHECK_EQ(resource_work_schedule(&p[2].work), -TN_ESTALE);
	CHECK(firing_close(&fw));
	CHECK_STR(fw.trace, "abdefghc");
}

static void flush_another(struct probe *p)
{
	struct probe *other = p + 1;

	atomic_store(&p->called, resource_work_flush(&other->work));
}

TEST(work, does_not_wait_for_itself)
{
	struct firing_world fw;
	struct probe p[2];

	CHECK(firing_open(&fw));
	p[0] = probe_new(&fw, 'a');
	p[1] = probe_new(&fw, 'b');
	p[0].call = flush_another;
	CHECK_EQ(SET_UP(&fw, work, &p[0], work, OP_CALL), 0);
	CHECK_EQ(SET_UP(&fw, work, &p[1], work, OP_HIT), 0);
	CHECK_EQ(resource_work_schedule(&p[0].work), 1);
	CHECK_EQ(resource_work_schedule(&p[1].work), 1);
	CHECK_EQ(resource_work_flush(&p[1].work), 0);
	CHECK_EQ(p[0].called, -TN_EDEADLK);
	CHECK(firing_close(&fw));
}
