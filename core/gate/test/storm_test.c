/* SPDX-License-Identifier: MIT */
/*
 * Threads that call, hold and hand over while others close and open. What a
 * closer believes to be nobody's is poisoned at once.
 */
#include <sched.h>
#include <string.h>

#include "kit.h"

#define CALLERS  3
#define ROUNDS   300
#define ENOUGH   1000 /* uses that a storm is to see */
#define TOO_MANY 10000000
#define GOOD     1234

/* On few processors the others may begin late. */
static bool storm_goes_on(int round, int rounds, atomic_ulong *uses)
{
	return round < rounds ||
	       (round < TOO_MANY && atomic_load(uses) < ENOUGH);
}

/* --- a gate whose provider is exchanged */

struct code {
	struct tn_binding binding;
	int value; /* GOOD while somebody may call; plain on purpose */
};

struct swaps {
	struct tn_gate gate;
	struct tn_gate_shard shards[2];
	struct code code[2];
	atomic_bool stop;
	atomic_int bad;
	atomic_ulong calls;
};

static void call_counted(struct swaps *s)
{
	const struct tn_binding *b = tn_gate_enter(&s->gate);

	if (!b)
		return;
	if (*(int *)b->instance != GOOD)
		atomic_fetch_add(&s->bad, 1);
	tn_gate_exit(&s->gate);
	atomic_fetch_add(&s->calls, 1);
}

static void call_guarded(struct swaps *s)
{
	struct tn_gate_frame outer, inner;
	const struct tn_binding *b = tn_guard_enter(&s->gate, &outer);
	const struct tn_binding *again;

	if (!b)
		return;
	/* Inside, the same code answers to the end. */
	again = tn_guard_enter(&s->gate, &inner);
	if (*(int *)b->instance != GOOD || again != b)
		atomic_fetch_add(&s->bad, 1);
	if (again)
		tn_guard_exit(&s->gate, &inner);
	tn_guard_exit(&s->gate, &outer);
	atomic_fetch_add(&s->calls, 1);
}

static void call_sleepable(struct swaps *s)
{
	struct tn_gate_ticket t;

	if (tn_gate_enter_sleepable(&s->gate, TN_GATE_FOREVER, &t) != 0) {
		atomic_fetch_add(&s->bad, 1);
		return;
	}
	sched_yield();
	if (*(int *)t.binding->instance != GOOD)
		atomic_fetch_add(&s->bad, 1);
	tn_gate_exit_sleepable(&s->gate, &t);
	atomic_fetch_add(&s->calls, 1);
}

static void *caller(void *arg)
{
	static void (*const how[])(
	    struct swaps *) = { call_counted, call_guarded, call_sleepable };
	struct swaps *s = arg;

	for (unsigned i = 0; !atomic_load(&s->stop); i++) {
		how[i % 3](s);
		if (i % 16 == 0)
			sched_yield(); /* outside, mostly, on few processors */
	}
	return NULL;
}

static void code_open(struct swaps *s, int n)
{
	struct code *c = &s->code[n];

	c->value = GOOD;
	c->binding = kit_binding(&c->value, c);
	c->binding.generation++;
	gate_publish(&s->gate, &c->binding);
}

TEST(storm, nobody_calls_code_that_was_exchanged)
{
	struct swaps s = { 0 };
	pthread_t t[CALLERS];

	gate_init(&s.gate, s.shards, 2);
	code_open(&s, 0);
	for (int i = 0; i < CALLERS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, caller, &s), 0);
	for (int i = 0; storm_goes_on(i, ROUNDS, &s.calls); i++) {
		EXPECT(gate_close(&s.gate, &kit_draining) == 0);
		CHECK_EQ(gate_drain(&s.gate, TN_GATE_FOREVER), 0);
		s.code[i % 2].value = 0;
		memset(&s.code[i % 2].binding, 0, sizeof(s.code[0].binding));
		code_open(&s, !(i % 2));
		sched_yield();
	}
	atomic_store(&s.stop, true);
	for (int i = 0; i < CALLERS; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(s.bad, 0);
	CHECK(s.calls > 0);
}

/* --- a target that is closed whenever nobody holds it */

struct holders {
	struct tn_gate_target target;
	int value;
	_Atomic(struct parcel *) mail; /* a handle for whoever comes by */
	bool always; /* the target never dies, so nobody may be refused */
	atomic_bool stop;
	atomic_int bad;
	atomic_ulong uses, closed, busy;
};

struct parcel {
	struct tn_handle handle;
	atomic_bool taken;
};

static void look(struct holders *h)
{
	if (h->value != GOOD)
		atomic_fetch_add(&h->bad, 1);
	atomic_fetch_add(&h->uses, 1);
}

static void refused(struct holders *h)
{
	if (h->always)
		atomic_fetch_add(&h->bad, 1);
	sched_yield();
}

/* Uses and puts what somebody else has taken. */
static void fetch(struct holders *h)
{
	struct parcel *p = atomic_exchange(&h->mail, NULL);

	if (!p)
		return;
	if (tn_handle_enter(p->handle) == 0) {
		look(h);
		tn_handle_exit(p->handle);
	} else {
		atomic_fetch_add(&h->bad, 1);
	}
	if (tn_handle_put(p->handle) != 0)
		atomic_fetch_add(&h->bad, 1);
	atomic_store(&p->taken, true);
}

static void send(struct holders *h, struct parcel *p)
{
	struct parcel *none = NULL;

	atomic_store(&p->taken, false);
	if (!atomic_compare_exchange_strong(&h->mail, &none, p)) {
		if (tn_handle_put(p->handle) != 0)
			atomic_fetch_add(&h->bad, 1);
		return;
	}
	/* The parcel is on our stack. */
	while (!atomic_load(&p->taken)) {
		fetch(h);
		sched_yield();
	}
}

static void *holder(void *arg)
{
	struct holders *h = arg;
	struct parcel p;

	while (!atomic_load(&h->stop)) {
		if (tn_handle_take(&h->target, h, &p, &p.handle) == 0) {
			look(h);
			send(h, &p);
		} else {
			refused(h);
		}
		if (tn_target_get(&h->target)) {
			look(h);
			tn_target_put(&h->target);
		} else {
			refused(h);
		}
		fetch(h);
		sched_yield();
	}
	return NULL;
}

static void close_and_open(struct holders *h)
{
	if (gate_target_close(&h->target, false) != 0) {
		h->busy++;
	} else {
		h->closed++;
		h->value = 0;
		sched_yield();
		h->value = GOOD;
		gate_target_open(&h->target);
	}
	sched_yield();
}

static void check_holders(bool always)
{
	struct holders h = { .value = GOOD, .always = always };
	struct tn_handle mine;
	pthread_t t[CALLERS];

	gate_target_open(&h.target);
	if (always)
		CHECK_EQ(tn_handle_take(&h.target, NULL, NULL, &mine), 0);
	for (int i = 0; i < CALLERS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, holder, &h), 0);
	for (int i = 0; storm_goes_on(i, 10 * ROUNDS, &h.uses); i++)
		close_and_open(&h);
	atomic_store(&h.stop, true);
	for (int i = 0; i < CALLERS; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(h.bad, 0);
	CHECK(h.uses > 0 && h.busy + h.closed >= 10 * ROUNDS);
	CHECK(!always || h.closed == 0);
	if (always)
		CHECK_EQ(tn_handle_put(mine), 0);
	CHECK_EQ(gate_target_close(&h.target, false), 0);
}

TEST(storm, what_is_held_is_not_closed)
{
	PROVES("L04 L19 L21 K5.3");
	check_holders(false);
}

TEST(storm, an_attempt_that_ends_busy_is_not_noticed)
{
	PROVES("L21");
	check_holders(true);
}
