/* SPDX-License-Identifier: MIT */
/*
 * Gates: who gets in, who is waited for, and what a closer that gives up
 * leaves behind.
 */
#include "kit.h"

static int old_code, new_code, owner_a, owner_b;

struct place {
	struct tn_gate gate;
	struct tn_binding open;
	struct tn_gate_shard shards[2];
	struct tn_gate_frame frame;
	struct tn_gate_ticket ticket;
	atomic_int err; /* of what a guest did */
	const struct tn_binding *got;
	uint64_t deadline;
};

static void place_open(struct place *p, uint32_t nshards)
{
	gate_init(&p->gate, p->shards, nshards);
	p->open = kit_binding(&old_code, &owner_a);
	gate_publish(&p->gate, &p->open);
}

static uint64_t soon(void)
{
	return gate_world()->now_ns() + 2000000;
}

static void enter(void *arg)
{
	struct place *p = arg;

	p->got = tn_gate_enter(&p->gate);
}

static void leave(void *arg)
{
	struct place *p = arg;

	tn_gate_exit(&p->gate);
}

static void enter_guarded(void *arg)
{
	struct place *p = arg;

	p->got = tn_guard_enter(&p->gate, &p->frame);
}

static void leave_guarded(void *arg)
{
	struct place *p = arg;

	tn_guard_exit(&p->gate, &p->frame);
}

static void enter_sleepable(void *arg)
{
	struct place *p = arg;

	p->err = tn_gate_enter_sleepable(&p->gate, TN_GATE_FOREVER, &p->ticket);
}

static void leave_sleepable(void *arg)
{
	struct place *p = arg;

	tn_gate_exit_sleepable(&p->gate, &p->ticket);
}

TEST(gate, without_a_provider_is_closed)
{
	struct place p = { 0 };

	gate_init(&p.gate, p.shards, 2);
	CHECK(tn_gate_enter(&p.gate) == NULL);
	CHECK(tn_guard_enter(&p.gate, &p.frame) == NULL);
	CHECK_EQ(tn_gate_enter_sleepable(&p.gate, TN_GATE_FOREVER, &p.ticket),
	    -TN_ENOENT);
	CHECK_EQ(tn_gate_wait(&p.gate, TN_GATE_FOREVER), -TN_ENOENT);
	gate_synchronize(); /* nobody has stayed inside */
}

TEST(gate, gives_the_binding_that_was_published_last)
{
	struct place p = { 0 };
	const struct tn_binding next = kit_binding(&new_code, &owner_b);

	place_open(&p, 2);
	CHECK(tn_gate_enter(&p.gate) == &p.open);
	tn_gate_exit(&p.gate);
	gate_publish(&p.gate, &next);
	CHECK(tn_gate_enter(&p.gate) == &next);
	CHECK(tn_gate_enter_call(&p.gate) == &next);
	tn_gate_exit_call(&p.gate);
	tn_gate_exit(&p.gate);
	CHECK_EQ(tn_gate_enter_sleepable(&p.gate, 0, &p.ticket), 0);
	CHECK(p.ticket.binding == &next);
	tn_gate_exit_sleepable(&p.gate, &p.ticket);
	gate_synchronize();
}

/* A closer that finds somebody inside gives up, and may try again. */
static void check_drain(struct place *p, struct kit_guest *g)
{
	CHECK(kit_enter(g));
	EXPECT(gate_close(&p->gate, &kit_draining) == 0);
	CHECK(tn_gate_enter(&p->gate) == NULL);
	CHECK_EQ(gate_drain(&p->gate, soon()), -TN_ETIMEDOUT);
	gate_publish(&p->gate, &p->open);
	CHECK(tn_gate_enter(&p->gate) == &p->open);
	tn_gate_exit(&p->gate);
	kit_leave(g);
	EXPECT(gate_close(&p->gate, &kit_draining) == 0);
	CHECK_EQ(gate_drain(&p->gate, TN_GATE_FOREVER), 0);
	gate_publish(&p->gate, &tn_binding_closed);
}

TEST(gate, a_closer_gives_up_while_somebody_is_inside)
{
	struct place p = { 0 };
	struct kit_guest counted = { .in = enter, .out = leave, .arg = &p };
	struct kit_guest guarded = {
		.in = enter_guarded, .out = leave_guarded, .arg = &p
	};
	struct kit_guest sleeps = {
		.in = enter_sleepable, .out = leave_sleepable, .arg = &p
	};

	PROVES("L19");
	place_open(&p, 0);
	check_drain(&p, &counted);
	CHECK(p.got == &p.open);
	place_open(&p, 0);
	check_drain(&p, &guarded);
	CHECK(p.got == &p.open);
	place_open(&p, 2);
	check_drain(&p, &sleeps);
	CHECK_EQ(p.err, 0);
}

TEST(gate, calls_nest_and_the_outer_one_is_waited_for)
{
	struct place p = { 0 };
	struct kit_guest g = { .in = enter, .out = leave, .arg = &p };

	place_open(&p, 0);
	CHECK(kit_enter(&g));
	CHECK(tn_gate_enter(&p.gate) == &p.open);
	CHECK(tn_gate_enter(&p.gate) == &p.open);
	tn_gate_exit(&p.gate);
	tn_gate_exit(&p.gate);
	CHECK(!gate_wait_readers(soon()));
	kit_leave(&g);
	CHECK(gate_wait_readers(soon()));
}

static void *drain(void *arg)
{
	struct place *p = arg;

	EXPECT(gate_close(&p->gate, &kit_draining) == 0);
	p->err = gate_drain(&p->gate, TN_GATE_FOREVER);
	return NULL;
}

TEST(gate, a_closer_is_woken_by_the_last_who_leaves)
{
	struct place p = { .err = 1 };
	struct tn_gate_ticket one, two;
	pthread_t closer;

	place_open(&p, 2);
	CHECK_EQ(tn_gate_enter_sleepable(&p.gate, 0, &one), 0);
	CHECK_EQ(tn_gate_enter_sleepable(&p.gate, 0, &two), 0);
	CHECK_EQ(pthread_create(&closer, NULL, drain, &p), 0);
	kit_let_others_run();
	tn_gate_exit_sleepable(&p.gate, &one);
	kit_let_others_run();
	CHECK_EQ(p.err, 1);
	tn_gate_exit_sleepable(&p.gate, &two);
	pthread_join(closer, NULL);
	CHECK_EQ(p.err, 0);
}

static void exit_elsewhere(void *arg)
{
	struct place *p = arg;

	tn_gate_exit_sleepable(&p->gate, &p->ticket);
}

TEST(gate, a_sleepable_call_may_end_on_another_thread)
{
	struct place p = { 0 };

	place_open(&p, 2);
	CHECK_EQ(tn_gate_enter_sleepable(&p.gate, 0, &p.ticket), 0);
	EXPECT(gate_close(&p.gate, &kit_draining) == 0);
	CHECK_EQ(gate_drain(&p.gate, soon()), -TN_ETIMEDOUT);
	CHECK(kit_elsewhere(exit_elsewhere, &p));
	CHECK_EQ(gate_drain(&p.gate, TN_GATE_FOREVER), 0);
}

static void enter_and_leave_sleepable(void *arg)
{
	struct place *p = arg;

	p->err = tn_gate_enter_sleepable(&p->gate, p->deadline, &p->ticket);
	if (p->err == 0)
		tn_gate_exit_sleepable(&p->gate, &p->ticket);
}

static void *come_late(void *arg)
{
	enter_and_leave_sleepable(arg);
	return NULL;
}

static void check_waits(const struct tn_binding *then, int err)
{
	struct place p = { .deadline = TN_GATE_FOREVER, .err = 1 };
	pthread_t t;

	place_open(&p, 2);
	EXPECT(gate_close(&p.gate, &kit_draining) == 0);
	CHECK_EQ(pthread_create(&t, NULL, come_late, &p), 0);
	kit_let_others_run();
	CHECK_EQ(p.err, 1);
	gate_publish(&p.gate, then != NULL ? then : &p.open);
	pthread_join(t, NULL);
	CHECK_EQ(p.err, err);
}

TEST(gate, a_sleepable_caller_waits_until_it_is_decided)
{
	check_waits(NULL, 0);
	check_waits(&tn_binding_closed, -TN_ENOENT);
}

TEST(gate, a_callers_patience_ends_at_its_deadline)
{
	struct place p = { 0 };

	place_open(&p, 2);
	EXPECT(gate_close(&p.gate, &kit_draining) == 0);
	CHECK_EQ(
	    tn_gate_enter_sleepable(&p.gate, soon(), &p.ticket), -TN_ETIMEDOUT);
	CHECK_EQ(tn_gate_wait(&p.gate, soon()), -TN_ETIMEDOUT);
	CHECK_EQ(gate_drain(&p.gate, TN_GATE_FOREVER), 0);
	gate_publish(&p.gate, &p.open);
	CHECK_EQ(tn_gate_wait(&p.gate, 0), 0);
}

TEST(gate, a_guarded_call_charges_the_owner_while_it_is_inside)
{
	struct place a = { 0 }, b = { 0 };
	const struct tn_gate_thread *self = gate_world()->self(true);

	place_open(&a, 0);
	place_open(&b, 0);
	b.open.owner = &owner_b;
	enter_guarded(&a);
	CHECK(self->owner == &owner_a && self->frames == &a.frame);
	CHECK(a.frame.binding == &a.open && a.frame.gate == &a.gate);
	enter_guarded(&b);
	CHECK(self->owner == &owner_b && self->frames == &b.frame);
	leave_guarded(&b);
	CHECK(self->owner == &owner_a && self->frames == &a.frame);
	leave_guarded(&a);
	CHECK(self->owner == NULL && self->frames == NULL);
}

TEST(gate, of_nested_budgets_the_nearest_deadline_counts)
{
	struct place a = { 0 }, b = { 0 };
	const struct tn_gate_thread *self = gate_world()->self(true);
	uint64_t outer;

	place_open(&a, 0);
	place_open(&b, 0);
	a.gate.budget_ns = 1000000000;
	b.gate.budget_ns = 60000000000;
	enter_guarded(&a);
	outer = self->deadline_ns;
	CHECK(outer > gate_world()->coarse_ns());
	enter_guarded(&b);
	CHECK_EQ(self->deadline_ns, outer);
	leave_guarded(&b);
	b.gate.budget_ns = 1;
	enter_guarded(&b);
	CHECK(self->deadline_ns < outer);
	leave_guarded(&b);
	CHECK_EQ(self->deadline_ns, outer);
	leave_guarded(&a);
	CHECK_EQ(self->deadline_ns, 0);
}

TEST(gate, a_budget_without_end_is_not_over_at_once)
{
	struct place a = { 0 };
	const struct tn_gate_thread *self = gate_world()->self(true);

	place_open(&a, 0);
	a.gate.budget_ns = UINT64_MAX;
	enter_guarded(&a);
	CHECK_EQ(self->deadline_ns, UINT64_MAX);
	leave_guarded(&a);
	CHECK_EQ(self->deadline_ns, 0);
}

TEST(gate, who_is_inside_by_a_guarded_call_gets_in_while_it_drains)
{
	struct place a = { 0 }, b = { 0 };
	struct tn_gate_frame inner;

	place_open(&a, 0);
	place_open(&b, 0);
	enter_guarded(&a);
	enter_guarded(&b);
	EXPECT(gate_close(&a.gate, &kit_draining) == 0);
	CHECK(tn_gate_enter(&a.gate) == NULL);
	CHECK(tn_guard_enter(&a.gate, &inner) == &a.open);
	tn_guard_exit(&a.gate, &inner);
	leave_guarded(&b);
	leave_guarded(&a);
	CHECK(tn_guard_enter(&a.gate, &inner) == NULL);
	CHECK_EQ(gate_drain(&a.gate, TN_GATE_FOREVER), 0);
}

/* As a thread for which no barrier comes from outside. */
static void use_without_self(void *arg)
{
	struct place *p = arg;

	enter(p);
	tn_gate_self = NULL;
	enter(p);
	p->err = p->got != &p->open;
	p->err += gate_wait_readers(0); /* somebody is inside: we */
	leave(p);
	enter_guarded(p);
	p->err += p->got != &p->open;
	leave_guarded(p);
	leave(p);
	p->err += (gate_world()->self(false)->word & TN_GATE_DEPTH) != 0;
	EXPECT(gate_close(&p->gate, &kit_draining) == 0);
	enter(p);
	p->err += p->got != NULL;
	enter_guarded(p);
	p->err += p->got != NULL;
	p->err += (gate_world()->self(false)->word & TN_GATE_DEPTH) != 0;
}

TEST(gate, threads_with_fences_do_the_same)
{
	struct place p = { 0 };

	place_open(&p, 0);
	CHECK(kit_elsewhere(use_without_self, &p));
	CHECK_EQ(p.err, 0);
}

static void enter_often(struct place *p, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++) {
		enter(p);
		CHECK(p->got == &p->open);
	}
}

static void leave_often(struct place *p, unsigned depth)
{
	while (depth-- > 0)
		leave(p);
}

TEST(gate, sections_nest_deeply)
{
	static const unsigned depths[] = { 255, 256, 257, 70000 };
	struct place p = { 0 };

	place_open(&p, 0);
	for (unsigned i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
		enter_often(&p, depths[i]);
		CHECK(gate_is_inside());
		EXPECT(gate_close(&p.gate, &kit_draining) == 0);
		CHECK_EQ(gate_drain(&p.gate, soon()), -TN_ETIMEDOUT);
		leave_often(&p, depths[i] - 1);
		CHECK(gate_is_inside());
		CHECK_EQ(gate_drain(&p.gate, soon()), -TN_ETIMEDOUT);
		leave(&p);
		CHECK(!gate_is_inside());
		CHECK_EQ(gate_drain(&p.gate, soon()), 0);
		gate_publish(&p.gate, &p.open);
	}
}

static void look_elsewhere(void *arg)
{
	struct place *p = arg;

	p->err = gate_is_inside();
}

TEST(gate, a_thread_knows_whether_it_is_inside)
{
	struct place p = { 0 };

	place_open(&p, 2);
	CHECK(!gate_is_inside());
	enter_guarded(&p);
	CHECK(gate_is_inside());
	CHECK(kit_elsewhere(look_elsewhere, &p));
	CHECK_EQ(p.err, 0);
	leave_guarded(&p);
	CHECK(!gate_is_inside());
	enter_sleepable(&p);
	CHECK(!gate_is_inside());
	leave_sleepable(&p);
}

/* With a record: who has none has never called. */
static void may_wait_elsewhere(void *arg)
{
	struct place *p = arg;

	p->err = gate_world()->self(true) == NULL;
	p->err += !gate_may_wait();
}

/* A closer would wait for the call, and the call for the closer. */
TEST(gate, who_is_inside_of_a_call_does_not_wait)
{
	struct place p = { 0 }, other = { 0 };

	place_open(&p, 2);
	place_open(&other, 2);
	enter_sleepable(&p);
	CHECK_EQ(gate_close(&other.gate, &kit_draining), 0);
	CHECK_EQ(tn_gate_enter_sleepable(&other.gate, soon(), &other.ticket),
	    -TN_EAGAIN);
	CHECK(!gate_may_wait());
	CHECK(kit_elsewhere(may_wait_elsewhere, &p));
	CHECK_EQ(p.err, 0);
	leave_sleepable(&p);
	CHECK(gate_may_wait());
	CHECK_EQ(tn_gate_enter_sleepable(&other.gate, soon(), &other.ticket),
	    -TN_ETIMEDOUT);
	enter(&p);
	CHECK_EQ(tn_gate_enter_sleepable(&other.gate, soon(), &other.ticket),
	    -TN_EAGAIN);
	leave(&p);
	gate_publish(&other.gate, &tn_binding_closed);
	enter_sleepable(&p);
	CHECK_EQ(tn_gate_enter_sleepable(&other.gate, soon(), &other.ticket),
	    -TN_ENOENT);
	leave_sleepable(&p);
}

static void leave_late(void *arg)
{
	struct place *p = arg;

	leave_sleepable(p);
	p->err = gate_may_wait() ? 0 : 1;
}

/* Its thread waits again, whoever has ended the call, and however late. */
TEST(gate, a_call_that_ends_on_another_thread_is_over_for_its_own)
{
	struct place p = { 0 }, late = { 0 };

	place_open(&p, 2);
	place_open(&late, 2);
	for (int i = 0; i < 3; i++) {
		enter_sleepable(&p);
		CHECK(!gate_may_wait());
		CHECK(kit_elsewhere(leave_late, &p));
		CHECK_EQ(p.err, 0);
		CHECK(gate_may_wait());
	}
	/* the thread has ended, and another one has its record */
	CHECK(kit_elsewhere(enter_sleepable, &late));
	CHECK(kit_elsewhere(may_wait_elsewhere, &p));
	CHECK_EQ(p.err, 0);
	leave_sleepable(&late);
	CHECK(gate_may_wait());
	CHECK(kit_elsewhere(may_wait_elsewhere, &p));
	CHECK_EQ(p.err, 0);
}

/* @arg: a place that a thread has left by its end, while this one is inside. */
static void leave_for_another(void *arg)
{
	struct place *late = arg, mine = { 0 };

	place_open(&mine, 2);
	enter_sleepable(&mine);
	leave_sleepable(late);
	late->err = gate_may_wait();
	leave_sleepable(&mine);
	late->err += !gate_may_wait();
}

TEST(gate, a_call_of_a_thread_that_has_ended_is_not_its_successors)
{
	struct place late = { 0 };

	place_open(&late, 2);
	CHECK(kit_elsewhere(enter_sleepable, &late));
	CHECK(kit_elsewhere(leave_for_another, &late));
	CHECK_EQ(late.err, 0);
}

static int stop_at_overdue(void *arg, const struct gate_overdue *o)
{
	(void)arg;
	(void)o;
	return 1;
}

static void enter_guarded_again(void *arg)
{
	struct place *p = arg;

	enter_guarded(p);
	p->err = gate_world()->self(true)->owner != NULL;
}

TEST(gate, a_thread_that_ends_in_a_guarded_call_leaves_no_trace_of_it)
{
	struct place p = { 0 };

	place_open(&p, 0);
	p.gate.budget_ns = 1;
	CHECK(kit_elsewhere(enter_guarded, &p));
	CHECK(p.got == &p.open);
	CHECK_EQ(gate_each_overdue(UINT64_MAX, stop_at_overdue, NULL), 0);
	/* Its record is the next one's, who was not inside. */
	CHECK_EQ(gate_close(&p.gate, &kit_draining), 0);
	CHECK(kit_elsewhere(enter_guarded_again, &p));
	CHECK(p.got == NULL);
	CHECK_EQ(p.err, 0);
}

static void use_in_crowd(void *arg)
{
	struct place *p = arg;

	enter(p);
	p->err = p->got == &p->open ? 0 : 1;
	p->err += !gate_is_inside();
	enter(p);
	p->err += gate_wait_readers(soon()); /* somebody is inside: we */
	leave(p);
	enter_guarded(p);
	p->err += p->got != NULL; /* nobody could be charged */
	p->err += !gate_is_inside();
	leave(p);
	p->err += gate_is_inside();
	p->err += !gate_wait_readers(soon());
	p->err += gate_world()->self(false) != NULL;
	p->err += tn_gate_enter_sleepable(&p->gate, 0, &p->ticket) != 0;
	leave_sleepable(p);
}

static void crowd(void *arg)
{
	CHECK(kit_elsewhere(use_in_crowd, arg));
}

TEST(gate, a_thread_without_a_record_is_waited_for)
{
	struct place p = { 0 };

	place_open(&p, 2);
	kit_in_need(crowd, &p);
	CHECK_EQ(p.err, 0);
}
