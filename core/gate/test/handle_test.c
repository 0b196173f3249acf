/* SPDX-License-Identifier: MIT */
/*
 * Handles: they keep their target, may be put by anybody but once, and stay
 * stale.
 */
#include "kit.h"

#include <string.h>

#define MANY 1000

struct owner {
	struct tn_gate_target target;
	struct tn_handle handle;
	atomic_int err;
};

static void take(void *arg)
{
	struct owner *o = arg;

	o->err = tn_handle_take(&o->target, o, &o->err, &o->handle);
}

static void put(void *arg)
{
	struct owner *o = arg;

	o->err = tn_handle_put(o->handle);
}

TEST(handle, keeps_its_target_from_being_closed)
{
	struct owner o = { 0 };

	PROVES("L04 L19 K5.3");
	take(&o);
	CHECK_EQ(o.err, -TN_ENOENT);
	gate_target_open(&o.target);
	take(&o);
	CHECK_EQ(o.err, 0);
	CHECK_EQ(gate_target_close(&o.target, false), -TN_EBUSY);
	CHECK(gate_target_is_live(&o.target));
	put(&o);
	CHECK_EQ(o.err, 0);
	CHECK_EQ(gate_target_close(&o.target, false), 0);
	take(&o);
	CHECK_EQ(o.err, -TN_ENOENT);
}

TEST(handle, to_one_target_does_not_hold_another)
{
	struct owner o = { 0 };
	struct tn_gate_target other = { 0 };

	gate_target_open(&o.target);
	gate_target_open(&other);
	take(&o);
	CHECK_EQ(gate_target_close(&other, false), 0);
	put(&o);
}

/*
 * Between a put and the next take there is a moment when the slot has the new
 * target and still the old number: here by hand.
 */
TEST(handle, that_was_put_is_not_restored_for_who_takes_its_slot)
{
	struct owner o = { 0 }, next = { 0 };

	gate_target_open(&o.target);
	take(&o);
	CHECK_EQ(gate_revoke_handles(&o.target), 1);
	put(&o);
	o.handle.slot->target = &next.target;
	gate_restore_handles(&next.target);
	CHECK_EQ(o.handle.slot->revoked, o.handle.sequence);
	o.handle.slot->returned++; /* and by now it is put again */
	gate_restore_handles(&next.target);
	CHECK_EQ(o.handle.slot->revoked, o.handle.sequence);
	o.handle.slot->returned--;
	CHECK_EQ(gate_target_close(&o.target, false), 0);
}

TEST(handle, that_was_put_is_stale_for_ever)
{
	struct owner o = { 0 };
	struct tn_handle old;

	gate_target_open(&o.target);
	take(&o);
	old = o.handle;
	put(&o);
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(tn_handle_put(old), -TN_ESTALE);
		CHECK_EQ(tn_handle_enter(old), -TN_ESTALE);
		take(&o);
		CHECK_EQ(tn_handle_put(old), -TN_ESTALE);
		CHECK_EQ(tn_handle_enter(o.handle), 0);
		tn_handle_exit(o.handle);
		put(&o);
		CHECK_EQ(o.err, 0);
	}
	CHECK_EQ(tn_handle_put((struct tn_handle){ NULL, 0 }), -TN_ESTALE);
	CHECK_EQ(gate_target_close(&o.target, false), 0);
}

/* One cache line, however often; and a put that is late frees it no more. */
TEST(handle, is_taken_where_the_thread_has_put_the_last)
{
	struct owner o = { 0 };
	struct tn_handle first, late;

	gate_target_open(&o.target);
	take(&o);
	first = o.handle;
	put(&o);
	take(&o);
	CHECK(o.handle.slot == first.slot);
	CHECK_EQ(tn_handle_put(first), -TN_ESTALE);
	late = o.handle;
	take(&o);
	CHECK(o.handle.slot != late.slot);
	put(&o);
	CHECK_EQ(tn_handle_put(late), 0);
	CHECK_EQ(gate_target_close(&o.target, false), 0);
}

TEST(handle, may_be_put_by_another_thread)
{
	struct owner o = { 0 };

	gate_target_open(&o.target);
	for (int i = 0; i < 100; i++) {
		take(&o);
		CHECK_EQ(o.err, 0);
		CHECK(kit_elsewhere(put, &o));
		CHECK_EQ(o.err, 0);
		CHECK_EQ(tn_handle_put(o.handle), -TN_ESTALE);
	}
	CHECK_EQ(gate_target_close(&o.target, false), 0);
}

TEST(handle, outlives_the_thread_that_took_it)
{
	struct owner o = { 0 }, later = { 0 };

	gate_target_open(&o.target);
	gate_target_open(&later.target);
	CHECK(kit_elsewhere(take, &o));
	CHECK_EQ(o.err, 0);
	/* The next thread goes on with the record. */
	CHECK(kit_elsewhere(take, &later));
	CHECK_EQ(later.err, 0);
	CHECK_EQ(gate_target_close(&o.target, false), -TN_EBUSY);
	CHECK_EQ(tn_handle_enter(o.handle), 0);
	tn_handle_exit(o.handle);
	put(&o);
	CHECK_EQ(o.err, 0);
	CHECK_EQ(gate_target_close(&o.target, false), 0);
	CHECK_EQ(gate_target_close(&later.target, false), -TN_EBUSY);
	put(&later);
	CHECK_EQ(gate_target_close(&later.target, false), 0);
}

TEST(handle, many_may_be_held_and_come_back_in_any_order)
{
	static struct tn_handle h[MANY];
	struct tn_gate_target t = { 0 };

	gate_target_open(&t);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++)
			CHECK_EQ(tn_handle_take(&t, &h[i], NULL, &h[i]), 0);
		for (int i = 0; i < MANY; i++) {
			CHECK_EQ(gate_target_close(&t, false), -TN_EBUSY);
			CHECK_EQ(tn_handle_put(h[i * 7 % MANY]), 0);
		}
	}
	CHECK_EQ(gate_target_close(&t, false), 0);
}

/* Puts stall between their look at the slot and what they write to it. */
static __thread bool stalls;
static atomic_bool stalled, go_on;
static const struct gate_world *usual;

static struct tn_gate_thread *stalling_self(bool make)
{
	if (stalls && !make) {
		stalled = true;
		while (!go_on)
			kit_let_others_run();
	}
	return usual->self(make);
}

static void *put_late(void *arg)
{
	stalls = true;
	put(arg);
	return NULL;
}

/* A later handle, of the same slot. */
static void take_slot_again(struct owner *o, struct tn_handle *h)
{
	CHECK_EQ(tn_handle_take(&o->target, o, NULL, h), 0);
	while (h->slot != o->handle.slot) {
		CHECK_EQ(tn_handle_put(*h), 0);
		CHECK_EQ(tn_handle_take(&o->target, o, NULL, h), 0);
	}
}

/* @held: the late put comes while the later handle is held. */
static void overtake_a_put(bool held)
{
	static struct gate_world slow;
	struct owner o = { 0 };
	struct tn_handle later = { NULL, 0 };
	pthread_t thread;

	usual = gate_world();
	slow = *usual;
	slow.self = stalling_self;
	stalled = go_on = false;
	gate_target_open(&o.target);
	take(&o);
	gate_start(&slow);
	CHECK_EQ(pthread_create(&thread, NULL, put_late, &o), 0);
	while (!stalled)
		kit_let_others_run();
	CHECK_EQ(tn_handle_put(o.handle), 0);
	take_slot_again(&o, &later);
	if (!held)
		CHECK_EQ(tn_handle_put(later), 0);
	go_on = true;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	gate_start(usual);
	CHECK_EQ(o.err, -TN_ESTALE);
	CHECK_EQ(tn_handle_enter(later), held ? 0 : -TN_ESTALE);
	if (held) {
		tn_handle_exit(later);
		CHECK_EQ(gate_target_close(&o.target, false), -TN_EBUSY);
		CHECK_EQ(tn_handle_put(later), 0);
	}
	CHECK_EQ(gate_target_close(&o.target, false), 0);
}

TEST(handle, a_put_that_comes_late_does_nothing_to_later_ones)
{
	overtake_a_put(true);
	overtake_a_put(false);
}

struct list {
	struct gate_holder first;
	unsigned n;
};

static void add(void *arg, const struct gate_holder *h)
{
	struct list *l = arg;

	if (l->n++ == 0)
		l->first = *h;
}

TEST(handle, the_holders_of_a_target_are_known)
{
	struct owner o = { 0 };
	struct list l = { 0 };
	const uint64_t before = gate_world()->coarse_ns();

	gate_target_open(&o.target);
	take(&o);
	gate_each_handle(&o.target, add, &l);
	CHECK_EQ(l.n, 1);
	CHECK(l.first.holder == &o && l.first.site == &o.err);
	CHECK(l.first.time_ns >= before);
	CHECK_EQ(l.first.thread, gate_world()->self(false)->number);
	put(&o);
	gate_each_handle(&o.target, add, &l);
	CHECK_EQ(l.n, 1);
}

/* The target's address is used again by one that is revoked and restored. */
TEST(handle, one_of_an_earlier_life_is_not_restored)
{
	struct owner o = { 0 }, old;

	gate_target_open(&o.target);
	take(&o);
	CHECK_EQ(gate_target_close(&o.target, true), 0);
	old = o;
	gate_target_open(&o.target);
	take(&o);
	CHECK_EQ(gate_revoke_handles(&o.target), 1);
	gate_restore_handles(&o.target);
	CHECK_EQ(tn_handle_enter(old.handle), -TN_ESTALE);
	CHECK_EQ(tn_handle_enter(o.handle), 0);
	tn_handle_exit(o.handle);
	put(&o);
	CHECK_EQ(gate_target_close(&o.target, false), 0);
	put(&old);
	CHECK_EQ(old.err, 0);
}

TEST(handle, a_revoked_one_is_of_no_use_and_holds_nothing)
{
	struct owner o = { 0 }, next = { 0 };

	gate_target_open(&o.target);
	take(&o);
	CHECK_EQ(gate_revoke_handles(&o.target), 1);
	CHECK_EQ(tn_handle_enter(o.handle), -TN_ESTALE);
	CHECK_EQ(gate_revoke_handles(&o.target), 0);
	next.target = o.target;
	CHECK_EQ(gate_target_close(&o.target, false), 0);
	put(&o);
	CHECK_EQ(o.err, 0);
	put(&o);
	CHECK_EQ(o.err, -TN_ESTALE);
	take(&next);
	CHECK_EQ(tn_handle_enter(next.handle), 0);
	tn_handle_exit(next.handle);
	CHECK_EQ(gate_target_close(&next.target, true), 0);
	CHECK_EQ(tn_handle_enter(next.handle), -TN_ESTALE);
	put(&next);
	CHECK_EQ(next.err, 0);
}

static void use(void *arg)
{
	struct owner *o = arg;

	o->err = tn_handle_enter(o->handle);
}

static void end_use(void *arg)
{
	struct owner *o = arg;

	tn_handle_exit(o->handle);
}

TEST(handle, a_use_that_is_inside_is_waited_for)
{
	struct owner o = { 0 };
	struct kit_guest g = { .in = use, .out = end_use, .arg = &o };

	gate_target_open(&o.target);
	take(&o);
	CHECK(kit_enter(&g));
	CHECK_EQ(o.err, 0);
	CHECK_EQ(gate_target_close(&o.target, true), 0);
	CHECK(!gate_wait_readers(gate_world()->now_ns() + 1000000));
	kit_leave(&g);
	gate_synchronize();
	put(&o);
}

static void take_in_crowd(void *arg)
{
	CHECK(kit_elsewhere(take, arg));
}

/* Uses up the free slots of this thread's record first. */
static void take_without_memory(void *arg)
{
	static struct tn_handle h[2 * MANY];
	struct owner *o = arg;
	int n = 0;

	while (n < 2 * MANY && tn_handle_take(&o->target, o, NULL, &h[n]) == 0)
		n++;
	take(o);
	while (n > 0)
		CHECK_EQ(tn_handle_put(h[--n]), 0);
}

TEST(handle, without_memory_there_is_none)
{
	struct owner o = { 0 };

	gate_target_open(&o.target);
	kit_in_need(take_in_crowd, &o);
	CHECK_EQ(o.err, -TN_ENOMEM);
	kit_in_need(take_without_memory, &o);
	CHECK_EQ(o.err, -TN_ENOMEM);
	CHECK_EQ(gate_target_close(&o.target, false), 0);
	gate_target_open(&o.target);
	take(&o);
	CHECK_EQ(o.err, 0);
	put(&o);
}
