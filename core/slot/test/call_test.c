/* SPDX-License-Identifier: MIT */
/*
 * Calls and handles: what they pin, what they find, and what they answer when
 * there is nothing to call any more.
 */
#include <pthread.h>
#include <string.h>

#include <base/compiler.h>
#include <test/test.h>

#include "kit.h"

/* --- one-shot calls */

TEST(call, passes_four_integers_and_returns_one)
{
	NEED_MODULES();
	PROVES("G14 G30");
	for (int fixed = 0; fixed < 2; fixed++) {
		struct kit k;

		CHECK(kit_open(&k, fixed, 1));
		CHECK_EQ(kit_load(&k, 0, "probe"), 0);
		CHECK_EQ(kit_call(&k, 0, "probe_args", ARGS(1, 2, 3, 4)), 1234);
		CHECK_EQ(kit_call(&k, 0, "probe_args",
			     ARGS(INT64_MIN / 1000, 0, 0, -1)),
		    INT64_MIN / 1000 * 1000 - 1);
		CHECK(kit_close(&k));
	}
}

TEST(call, leaves_the_result_alone_when_it_fails)
{
	NEED_MODULES();
	int64_t ret = 4711;
	struct kit k;

	PROVES("G14");
	CHECK(kit_open(&k, true, 1));
	CHECK_EQ(
	    tn_slot_call(k.slots, 0, "f", ARGS(0), &ret), TN_SLOT_NOT_FOUND);
	CHECK_EQ(kit_load(&k, 0, "probe"), 0);
	CHECK_EQ(tn_slot_call(k.slots, 0, "probe_nothing", ARGS(0), &ret),
	    TN_SLOT_NOT_FOUND);
	CHECK_EQ(tn_slot_call(k.slots, 0, "probe_data", ARGS(0), &ret),
	    TN_SLOT_NOT_FOUND); /* no function */
	CHECK_EQ(tn_slot_call(k.slots, 0, "count", ARGS(0), &ret),
	    TN_SLOT_NOT_FOUND); /* not exported */
	CHECK_EQ(ret, 4711);
	CHECK(kit_close(&k));
}

/* --- a call that stays inside until it is let go */

struct stay {
	struct kit *k;
	const char *symbol; /* NULL: by the entry */
	struct tn_slot_handle *handle;
	int64_t inside, go;
	int err;
	int64_t ret;
	pthread_t thread;
};

static void *stay_inside(void *arg)
{
	struct stay *s = arg;
	const int64_t args[4] = { (int64_t)(uintptr_t)&s->inside,
		(int64_t)(uintptr_t)&s->go, 40, 2 };

	if (s->handle != NULL)
		s->err =
		    tn_slot_handle_call(s->handle, s->symbol, args, &s->ret);
	else if (s->symbol != NULL)
		s->err = tn_slot_call(s->k->slots, 0, s->symbol, args, &s->ret);
	else
		s->err = tn_slot_call_entry(s->k->slots, 0, args, &s->ret);
	return NULL;
}

static bool stay_begin(struct stay *s)
{
	if (!EXPECT(pthread_create(&s->thread, NULL, stay_inside, s) == 0))
		return false;
	while (__atomic_load_n(&s->inside, __ATOMIC_ACQUIRE) == 0)
		;
	return true;
}

static bool stay_end(struct stay *s)
{
	__atomic_store_n(&s->go, 1, __ATOMIC_RELEASE);
	pthread_join(s->thread, NULL);
	return EXPECT(s->err == 0 && s->ret == 42);
}

static void pins_while_it_lasts(const char *symbol)
{
	struct tn_slot_info info;
	char text[200];
	struct kit k;
	struct stay s = { .k = &k, .symbol = symbol };

	CHECK(kit_open(&k, symbol != NULL, 2));
	CHECK_EQ(kit_load(&k, 0, "probe"), 0);
	CHECK_EQ(kit_load(&k, 1, "hello"), 0);
	CHECK_EQ(tn_slot_set_entry(k.slots, 0, "probe_wait"), 0);
	CHECK(stay_begin(&s));
	CHECK_EQ(tn_slot_info(k.slots, 0, &info), 0);
	CHECK_EQ(info.inflight_calls, 1);
	CHECK_EQ(info.handles, 0);
	/* at once, with nothing changed; others are not disturbed */
	CHECK_EQ(tn_slot_unload(k.slots, 0, &k.diag), TN_SLOT_BUSY);
	CHECK_EQ(k.diag.reason, TN_REASON_IN_USE);
	CHECK_EQ(k.diag.value, 1);
	tn_diag_text(&k.diag, text, sizeof(text));
	CHECK_STR(text, "Module slot0 is in use by 1 call in progress");
	CHECK_EQ(tn_slots_shutdown(k.slots, &k.diag), TN_SLOT_BUSY);
	CHECK_EQ(tn_slot_unregister(k.slots, 0), TN_SLOT_BUSY);
	CHECK_EQ(tn_slot_register(k.slots, 0, "x", 1, TN_SLOT_OVERWRITE),
	    TN_SLOT_BUSY);
	CHECK_EQ(kit_state(&k, 0), TN_SLOT_LOADED);
	CHECK_EQ(kit_call(&k, 0, "probe_count", ARGS(0)), 1);
	CHECK_EQ(kit_call(&k, 1, "hello_add", ARGS(2, 3)), 5);
	CHECK(stay_end(&s));
	CHECK_EQ(tn_slot_info(k.slots, 0, &info), 0);
	CHECK_EQ(info.inflight_calls, 0);
	CHECK_EQ(tn_slot_unload(k.slots, 0, &k.diag), 0);
	CHECK(kit_close(&k));
}

TEST(call, pins_the_slot_while_it_lasts)
{
	NEED_MODULES();
	PROVES("G14 G20 G21 G37");
	pins_while_it_lasts("probe_wait");
}

TEST(call, pins_the_slot_when_it_goes_by_the_entry)
{
	NEED_MODULES();
	PROVES("G15 G20");
	pins_while_it_lasts(NULL);
}

/* --- handles */

TEST(handle, holds_the_slot_until_it_is_released)
{
	NEED_MODULES();
	static const char *const names[] = { "first holder", "second" };

	PROVES("G16 G20 G21");
	for (int fixed = 0; fixed < 2; fixed++) {
		struct tn_slot_handle h[2];
		struct tn_holder holders[3];
		char text[400];
		struct kit k;

		CHECK(kit_open(&k, fixed, 2));
		CHECK_EQ(
		    tn_slot_acquire(k.slots, 0, "x", h), TN_SLOT_NOT_FOUND);
		CHECK_EQ(kit_load(&k, 0, "hello"), 0);
		for (int i = 0; i < 2; i++)
			CHECK_EQ(
			    tn_slot_acquire(k.slots, 0, names[i], &h[i]), 0);
		CHECK_EQ(tn_slot_unload(k.slots, 0, &k.diag), TN_SLOT_BUSY);
		CHECK_EQ(k.diag.nholders, 2);
		tn_diag_text(&k.diag, text, sizeof(text));
		if (fixed) /* without memory for a list */
			CHECK_STR(text,
			    "Module slot0 is in use by 2 (no memory for names)");
		else
			CHECK(strstr(text, names[0]) && strstr(text, names[1]));
		CHECK_EQ(tn_slot_holders(k.slots, 0, holders, 1), 2);
		CHECK_EQ(tn_slot_holders(k.slots, 0, holders, 3), 2);
		CHECK(strcmp(holders[0].name, names[0]) == 0 ||
		      strcmp(holders[0].name, names[1]) == 0);
		CHECK(holders[0].site != NULL);
		CHECK(holders[0].age_ns < 60000000000u);
		CHECK_EQ(tn_slots_shutdown(k.slots, &k.diag), TN_SLOT_BUSY);
		CHECK_EQ(kit_call(&k, 0, "hello_add", ARGS(1, 1)), 2);
		CHECK_EQ(tn_slot_release(&h[0]), 0);
		CHECK_EQ(tn_slot_unload(k.slots, 0, &k.diag), TN_SLOT_BUSY);
		CHECK_EQ(tn_slot_release(&h[1]), 0);
		CHECK_EQ(tn_slot_unload(k.slots, 0, &k.diag), 0);
		CHECK(kit_close(&k));
	}
}

TEST(handle, calls_by_name_by_entry_and_by_type)
{
	NEED_MODULES();
	PROVES("G18 G19");
	for (int fixed = 0; fixed < 2; fixed++) {
		struct tn_slot_handle h;
		int64_t ret;
		struct kit k;
		int sum = 0;

		CHECK(kit_open(&k, fixed, 1));
		CHECK_EQ(kit_load(&k, 0, "hello"), 0);
		CHECK_EQ(tn_slot_acquire(k.slots, 0, NULL, &h), 0);
		CHECK(tn_slot_handle_is_held(&h));
		CHECK_EQ(
		    tn_slot_handle_call(&h, "hello_add", ARGS(7, 5), &ret), 0);
		CHECK_EQ(ret, 12);
		CHECK_EQ(TN_SLOT_CALL(
			     int, (int, int), &h, "hello_add", &sum, (1, 2)),
		    0);
		CHECK_EQ(sum, 3);
		CHECK_EQ(TN_SLOT_CALL(int, (int, int), &h, "hello_add",
			     (int *)NULL, (1, 2)),
		    TN_SLOT_INVALID_ARGS);
		CHECK_EQ(TN_SLOT_CALL_ENTRY(
			     int, (int, int), &h, (int *)NULL, (1, 2)),
		    TN_SLOT_INVALID_ARGS);
		CHECK_EQ(TN_SLOT_CALL(int, (void), &h, "nobody", &sum, ()),
		    TN_SLOT_NOT_FOUND);
		CHECK_EQ(sum, 3);
		/* the entry, also when it is changed under the handle */
		CHECK_EQ(TN_SLOT_CALL_ENTRY_VOID((int), &h, (42)),
		    TN_SLOT_NOT_FOUND);
		CHECK_EQ(tn_slot_set_entry(k.slots, 0, "hello_run"), 0);
		CHECK_EQ(TN_SLOT_CALL_ENTRY_VOID((int), &h, (42)), 0);
		CHECK_EQ(TN_SLOT_CALL_VOID((int), &h, "hello_run", (8)), 0);
		CHECK_EQ(tn_slot_set_entry(k.slots, 0, "hello_runs"), 0);
		CHECK_EQ(TN_SLOT_CALL_ENTRY(int64_t, (void), &h, &ret, ()), 0);
		CHECK_EQ(ret, 50);
		CHECK_EQ(tn_slot_handle_call_entry(&h, ARGS(0), &ret), 0);
		CHECK_EQ(ret, 50);
		CHECK_EQ(tn_slot_handle_call(&h, NULL, ARGS(0), &ret),
		    TN_SLOT_INVALID_ARGS);
		CHECK_EQ(tn_slot_handle_call_entry(&h, NULL, &ret),
		    TN_SLOT_INVALID_ARGS);
		CHECK_EQ(tn_slot_release(&h), 0);
		CHECK(kit_close(&k));
	}
}

TEST(handle, passes_values_of_any_type)
{
	NEED_MODULES();
	struct tn_slot_handle h;
	unsigned char narrow = 0;
	char *text = NULL;
	struct kit k;

	PROVES("G18");
	CHECK(kit_open(&k, true, 1));
	CHECK_EQ(kit_load(&k, 0, "probe"), 0);
	CHECK_EQ(tn_slot_acquire(k.slots, 0, "types", &h), 0);
	CHECK_EQ(TN_SLOT_CALL(char *, (const char *, int), &h, "probe_text",
		     &text, ("abc", 1)),
	    0);
	CHECK_STR(text, "bc");
	CHECK_EQ(TN_SLOT_CALL(unsigned char, (signed char, unsigned short), &h,
		     "probe_narrow", &narrow, (-3, 300)),
	    0);
	CHECK_EQ(narrow, 297 % 256);
	CHECK_EQ(tn_slot_release(&h), 0);
	CHECK(kit_close(&k));
}

static int64_t use(const struct tn_slot_handle *h, int *results)
{
	int64_t ret = -1;
	void *function;

	results[0] = tn_slot_handle_call(h, "hello_add", ARGS(1), &ret);
	results[1] = tn_slot_handle_call_entry(h, ARGS(1), &ret);
	results[2] = tn_slot_handle_function(h, "hello_add", &function);
	results[3] = tn_slot_handle_entry(h, &function);
	return ret;
}

static bool is_stale(struct tn_slot_handle *h)
{
	int results[4];

	use(h, results);
	for (int i = 0; i < 4; i++)
		if (!EXPECT(results[i] == TN_SLOT_STALE))
			return false;
	return EXPECT(!tn_slot_handle_is_held(h));
}

TEST(handle, answers_with_an_error_once_it_is_released)
{
	NEED_MODULES();
	struct tn_slot_handle h, copy, none = { .slot = 0 };
	struct kit k;

	PROVES("G17");
	CHECK(kit_open(&k, false, 1));
	CHECK_EQ(kit_load(&k, 0, "hello"), 0);
	CHECK_EQ(tn_slot_set_entry(k.slots, 0, "hello_add"), 0);
	CHECK_EQ(tn_slot_acquire(k.slots, 0, "x", &h), 0);
	copy = h;
	CHECK_EQ(tn_slot_release(&h), 0);
	CHECK(is_stale(&h) && is_stale(&copy) && is_stale(&none));
	CHECK_EQ(tn_slot_release(&h), TN_SLOT_STALE);
	CHECK_EQ(tn_slot_release(&copy), TN_SLOT_STALE);
	CHECK_EQ(tn_slot_release(&none), TN_SLOT_STALE);
	CHECK_EQ(tn_slot_unload(k.slots, 0, NULL), 0);
	CHECK(kit_close(&k));
}

static void note_release(void *arg)
{
	++*(int *)arg;
}

TEST(handle, that_outlives_its_manager_is_harmless)
{
	NEED_MODULES();
	PROVES("G17 G21");
	for (int fixed = 0; fixed < 2; fixed++) {
		struct tn_slot_handle h[2];
		struct kit k;
		int released = 0;

		kit_prepare(&k, fixed, 2);
		k.config.released = note_release;
		k.config.released_arg = &released;
		CHECK_EQ(kit_start(&k), 0);
		CHECK_EQ(kit_load(&k, 0, "hello"), 0);
		CHECK_EQ(kit_load(&k, 1, "probe"), 0);
		CHECK_EQ(tn_slot_set_entry(k.slots, 0, "hello_add"), 0);
		CHECK_EQ(tn_slot_acquire(k.slots, 0, "x", &h[0]), 0);
		CHECK_EQ(tn_slot_acquire(k.slots, 1, "y", &h[1]), 0);
		tn_slots_abandon(k.slots);
		CHECK(is_stale(&h[0]) && is_stale(&h[1]));
		/* the port's memory stays for as long as one is there */
		if (!fixed)
			CHECK_EQ(rig_held(&k.rig).images, 2);
		CHECK_EQ(tn_slot_release(&h[1]), 0);
		CHECK(rig_held(&k.rig).blocks != 0);
		CHECK(is_stale(&h[0]));
		CHECK_EQ(released, 0);
		CHECK_EQ(tn_slot_release(&h[0]), 0);
		CHECK_EQ(released, 1);
		CHECK(is_stale(&h[0]));
		CHECK_EQ(tn_slot_release(&h[0]), TN_SLOT_STALE);
		CHECK(kit_finish(&k));
	}
}

/* The caller frees his pool as soon as he has given the manager up. */
TEST(handle, does_not_touch_a_pool_that_is_gone)
{
	NEED_MODULES();
	struct tn_slot_handle h;
	struct kit k;

	PROVES("G17");
	kit_prepare(&k, true, 2);
	k.config.slot_count = 1; /* so the table is in the pool too */
	CHECK_EQ(kit_start(&k), 0);
	CHECK_EQ(kit_load(&k, 0, "hello"), 0);
	CHECK_EQ(tn_slot_acquire(k.slots, 0, "x", &h), 0);
	tn_slots_abandon(k.slots);
	CHECK(kit_finish(&k)); /* unmaps it */
	CHECK(is_stale(&h));
	CHECK_EQ(tn_slot_release(&h), 0);
	CHECK_EQ(tn_slot_release(&h), TN_SLOT_STALE);
}

TEST(handle, may_be_used_by_another_thread)
{
	NEED_MODULES();
	struct tn_slot_handle h;
	struct kit k;
	struct stay s = { .k = &k, .symbol = "probe_wait", .handle = &h };

	PROVES("G20");
	CHECK(kit_open(&k, true, 1));
	CHECK_EQ(kit_load(&k, 0, "probe"), 0);
	CHECK_EQ(tn_slot_acquire(k.slots, 0, "x", &h), 0);
	CHECK(stay_begin(&s));
	CHECK_EQ(tn_slot_unload(k.slots, 0, NULL), TN_SLOT_BUSY);
	CHECK(stay_end(&s));
	CHECK_EQ(tn_slot_release(&h), 0);
	CHECK_EQ(tn_slot_unload(k.slots, 0, NULL), 0);
	CHECK(kit_close(&k));
}

/* --- modules that work on their own manager */

struct inner {
	struct kit k;
	int results[7];
};

/* Asked by probe's init, exit and calls. */
static int work_on_manager(
    void *arg, uint32_t slot, uint32_t queue, const void *command)
{
	struct inner *in = arg;
	struct tn_slots *m = in->k.slots;

	(void)command;
	in->results[0] = tn_slot_unload(m, slot, NULL);
	in->results[1] = tn_slot_load(m, slot, NULL);
	in->results[2] = tn_slot_unregister(m, slot);
	in->results[3] = tn_slots_shutdown(m, NULL);
	in->results[4] = tn_slot_set_entry(m, slot, "probe_count");
	in->results[5] = kit_try(&in->k, slot, "probe_count");
	in->results[6] = tn_slot_kill(m, slot);
	return queue == 2 ? 5 : 0;
}

TEST(call, from_inside_of_a_module_neither_hangs_nor_harms)
{
	NEED_MODULES();
	struct inner in;

	kit_prepare(&in.k, true, 2);
	in.k.config.issue = work_on_manager;
	in.k.config.issue_arg = &in;
	CHECK_EQ(kit_start(&in.k), 0);
	CHECK_EQ(kit_load(&in.k, 0, "probe"), 0);
	/* from init: the slot is changing, and its functions are not there */
	CHECK_EQ(in.results[0], TN_SLOT_BUSY);
	CHECK_EQ(in.results[1], TN_SLOT_BUSY);
	CHECK_EQ(in.results[2], TN_SLOT_BUSY);
	CHECK_EQ(in.results[3], TN_SLOT_BUSY);
	CHECK_EQ(in.results[4], 0);
	CHECK_EQ(in.results[5], TN_SLOT_NOT_FOUND);
	CHECK_EQ(in.results[6], TN_SLOT_NOT_FOUND);
	/* from a call: it pins itself */
	CHECK_EQ(kit_call(&in.k, 0, "probe_ask", ARGS(0)), 5);
	CHECK_EQ(in.results[0], TN_SLOT_BUSY);
	CHECK_EQ(in.results[1], TN_SLOT_ALREADY_EXISTS);
	CHECK_EQ(in.results[3], TN_SLOT_BUSY);
	CHECK_EQ(in.results[5], 0);
	CHECK_EQ(in.results[6], TN_SLOT_NOT_SUPPORTED);
	/* from exit */
	CHECK_EQ(tn_slot_unload(in.k.slots, 0, NULL), 0);
	CHECK_EQ(in.results[0], TN_SLOT_BUSY);
	CHECK_EQ(in.results[5], TN_SLOT_NOT_FOUND);
	/* from exit, when all of the manager ends */
	CHECK_EQ(kit_load(&in.k, 1, "probe"), 0);
	CHECK(kit_close(&in.k));
	for (int i = 0; i < 4; i++)
		CHECK_EQ(in.results[i], TN_SLOT_BAD_STATE);
}
