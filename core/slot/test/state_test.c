/* SPDX-License-Identifier: MIT */
/*
 * The states of a slot: four transitions, and every other attempt refused by
 * the name of its error with nothing changed.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <base/compiler.h>
#include <host/epoch.h>
#include <test/sandbox.h>
#include <test/test.h>

#include "kit.h"

enum op {
	OP_REGISTER,
	OP_OVERWRITE,
	OP_UNREGISTER,
	OP_LOAD,
	OP_UNLOAD,
	OPS
};

static int run(struct kit *k, enum op op)
{
	const struct span blob = kit_blob("hello");

	switch (op) {
	case OP_REGISTER:
		return tn_slot_register(k->slots, 1, blob.p, blob.n, 0);
	case OP_OVERWRITE:
		return tn_slot_register(
		    k->slots, 1, blob.p, blob.n, TN_SLOT_OVERWRITE);
	case OP_UNREGISTER: return tn_slot_unregister(k->slots, 1);
	case OP_LOAD: return tn_slot_load(k->slots, 1, NULL);
	default: return tn_slot_unload(k->slots, 1, NULL);
	}
}

static const enum tn_slot_state states[] = { TN_SLOT_EMPTY, TN_SLOT_REGISTERED,
	TN_SLOT_LOADED };

static const struct {
	int result[ARRAY_SIZE(states)];
	enum tn_slot_state after;
} ops[OPS] = {
	[OP_REGISTER] = { { 0, TN_SLOT_ALREADY_EXISTS, TN_SLOT_BUSY },
	    TN_SLOT_REGISTERED },
	[OP_OVERWRITE] = { { 0, 0, TN_SLOT_BUSY }, TN_SLOT_REGISTERED },
	[OP_UNREGISTER] = { { TN_SLOT_NOT_FOUND, 0, TN_SLOT_BUSY },
	    TN_SLOT_EMPTY },
	[OP_LOAD] = { { TN_SLOT_NOT_FOUND, 0, TN_SLOT_ALREADY_EXISTS },
	    TN_SLOT_LOADED },
	[OP_UNLOAD] = { { TN_SLOT_NOT_FOUND, TN_SLOT_NOT_FOUND, 0 },
	    TN_SLOT_REGISTERED },
};

/* Brings slot 1 into the state, from EMPTY. */
static bool reach(struct kit *k, enum tn_slot_state state)
{
	if (state != TN_SLOT_EMPTY && !EXPECT(run(k, OP_REGISTER) == 0))
		return false;
	if (state == TN_SLOT_LOADED && !EXPECT(run(k, OP_LOAD) == 0))
		return false;
	return EXPECT(kit_state(k, 1) == state);
}

TEST(state, has_four_transitions_and_no_other)
{
	NEED_MODULES();
	PROVES("G04 G08 G09 G10 G11");
	for (int fixed = 0; fixed < 2; fixed++) {
		for (unsigned op = 0; op < OPS; op++) {
			for (unsigned s = 0; s < ARRAY_SIZE(states); s++) {
				const int want = ops[op].result[s];
				struct kit k;

				CHECK(kit_open(&k, fixed, 2));
				CHECK(reach(&k, states[s]));
				CHECK_EQ(run(&k, (enum op)op), want);
				CHECK_EQ(kit_state(&k, 1),
				    want == 0 ? ops[op].after : states[s]);
				CHECK_EQ(kit_state(&k, 0), TN_SLOT_EMPTY);
				CHECK(kit_close(&k));
			}
		}
	}
}

TEST(state, goes_round_many_times)
{
	NEED_MODULES();
	PROVES("G04");
	for (int fixed = 0; fixed < 2; fixed++) {
		struct kit k;

		CHECK(kit_open(&k, fixed, 2));
		for (int i = 0; i < 20; i++) {
			CHECK(reach(&k, TN_SLOT_LOADED));
			CHECK_EQ(
			    kit_call(&k, 1, "hello_add", ARGS(i, 1)), i + 1);
			CHECK_EQ(run(&k, OP_UNLOAD), 0);
			CHECK_EQ(run(&k, OP_LOAD), 0);
			CHECK_EQ(run(&k, OP_UNLOAD), 0);
			CHECK_EQ(run(&k, OP_UNREGISTER), 0);
			CHECK_EQ(kit_state(&k, 1), TN_SLOT_EMPTY);
		}
		CHECK(kit_close(&k));
	}
}

TEST(state, refuses_bad_arguments_by_name)
{
	NEED_MODULES();
	const struct span blob = kit_blob("hello");
	char symbol[TN_SLOT_SYMBOL_MAX];
	struct tn_slot_info info;
	struct tn_slot_handle h;
	int64_t ret;
	struct kit k;

	PROVES("G08 G12 G13 G14");
	CHECK(kit_open(&k, false, 2));
	CHECK_EQ(tn_slot_register(k.slots, 2, blob.p, blob.n, 0),
	    TN_SLOT_INVALID_ARGS);
	CHECK_EQ(tn_slot_register(k.slots, 0, NULL, blob.n, 0),
	    TN_SLOT_INVALID_ARGS);
	CHECK_EQ(
	    tn_slot_register(k.slots, 0, blob.p, 0, 0), TN_SLOT_INVALID_ARGS);
	CHECK_EQ(tn_slot_register(k.slots, 0, blob.p, blob.n, 4),
	    TN_SLOT_INVALID_ARGS);
	CHECK_EQ(tn_slot_unregister(k.slots, 2), TN_SLOT_INVALID_ARGS);
	CHECK_EQ(tn_slot_load(k.slots, UINT32_MAX, NULL), TN_SLOT_INVALID_ARGS);
	CHECK_EQ(tn_slot_unload(k.slots, 2, &k.diag), TN_SLOT_INVALID_ARGS);
	CHECK_EQ(tn_slot_info(k.slots, 2, &info), TN_SLOT_INVALID_ARGS);
	CHECK_EQ(tn_slot_info(k.slots, 0, NULL), TN_SLOT_INVALID_ARGS);
	CHECK_EQ(tn_slot_set_entry(k.slots, 2, "f"), TN_SLOT_INVALID_ARGS);
	CHECK_EQ(tn_slot_get_entry(k.slots, 2, symbol), TN_SLOT_INVALID_ARGS);
	CHECK_EQ(tn_slot_get_entry(k.slots, 0, NULL), TN_SLOT_INVALID_ARGS);
	CHECK_EQ(
	    tn_slot_call(k.slots, 2, "f", ARGS(0), &ret), TN_SLOT_INVALID_ARGS);
	CHECK_EQ(tn_slot_call(k.slots, 0, NULL, ARGS(0), &ret),
	    TN_SLOT_INVALID_ARGS);
	CHECK_EQ(
	    tn_slot_call(k.slots, 0, "f", NULL, &ret), TN_SLOT_INVALID_ARGS);
	CHECK_EQ(tn_slot_call_entry(k.slots, 0, ARGS(0), NULL),
	    TN_SLOT_INVALID_ARGS);
	CHECK_EQ(tn_slot_acquire(k.slots, 2, "x", &h), TN_SLOT_INVALID_ARGS);
	CHECK_EQ(tn_slot_acquire(k.slots, 0, "x", NULL), TN_SLOT_INVALID_ARGS);
	CHECK_EQ(tn_slot_kill(k.slots, 2), TN_SLOT_INVALID_ARGS);
	CHECK_EQ(tn_slot_holders(k.slots, 2, NULL, 0), 0);
	CHECK(kit_close(&k));
}

TEST(state, takes_blobs_up_to_the_capacity)
{
	static uint8_t bytes[KIT_CAPACITY + 1];
	struct tn_slot_info info;

	PROVES("G01 G08");
	for (int fixed = 0; fixed < 2; fixed++) {
		struct kit k;

		CHECK(kit_open(&k, fixed, 2));
		CHECK_EQ(tn_slot_register(k.slots, 0, bytes, sizeof(bytes), 0),
		    TN_SLOT_TOO_BIG);
		CHECK_EQ(kit_state(&k, 0), TN_SLOT_EMPTY);
		CHECK_EQ(
		    tn_slot_register(k.slots, 0, bytes, KIT_CAPACITY, 0), 0);
		CHECK_EQ(tn_slot_info(k.slots, 0, &info), 0);
		CHECK_EQ(info.blob_size, KIT_CAPACITY);
		/* of which nothing is a module */
		CHECK_EQ(tn_slot_load(k.slots, 0, &k.diag),
		    fixed ? -TN_ENOSPC : TN_SLOT_NOT_VALID);
		CHECK_EQ(kit_state(&k, 0), TN_SLOT_REGISTERED);
		/* one that is too long leaves what is there */
		CHECK_EQ(tn_slot_register(k.slots, 0, bytes, sizeof(bytes),
			     TN_SLOT_OVERWRITE),
		    TN_SLOT_TOO_BIG);
		CHECK_EQ(tn_slot_info(k.slots, 0, &info), 0);
		CHECK_EQ(info.blob_size, KIT_CAPACITY);
		CHECK(kit_close(&k));
	}
}

TEST(state, overwrites_what_is_registered_and_keeps_its_entry)
{
	NEED_MODULES();
	const struct span blob = kit_blob("hello");
	char symbol[TN_SLOT_SYMBOL_MAX];
	struct kit k;
	int64_t ret;

	PROVES("G08 G13");
	CHECK(kit_open(&k, true, 1));
	CHECK_EQ(tn_slot_register(k.slots, 0, "garbage", 7, 0), 0);
	CHECK_EQ(tn_slot_set_entry(k.slots, 0, "hello_add"), 0);
	CHECK_EQ(tn_slot_load(k.slots, 0, &k.diag), TN_SLOT_NOT_VALID);
	CHECK_EQ(
	    tn_slot_register(k.slots, 0, blob.p, blob.n, TN_SLOT_OVERWRITE), 0);
	CHECK_EQ(tn_slot_load(k.slots, 0, &k.diag), 0);
	CHECK_EQ(tn_slot_call_entry(k.slots, 0, ARGS(7, 5), &ret), 0);
	CHECK_EQ(ret, 12);
	CHECK_EQ(tn_slot_unload(k.slots, 0, NULL), 0);
	CHECK_EQ(tn_slot_unregister(k.slots, 0), 0);
	CHECK_EQ(tn_slot_get_entry(k.slots, 0, symbol), 0);
	CHECK_STR(symbol, "");
	CHECK(kit_close(&k));
}

TEST(state, keeps_the_entry_symbol_through_unload_and_load)
{
	NEED_MODULES();
	char symbol[TN_SLOT_SYMBOL_MAX];
	struct tn_slot_info info;
	struct kit k;
	int64_t ret = 0;

	PROVES("G12 G13 G15");
	CHECK(kit_open(&k, false, 1));
	CHECK_EQ(tn_slot_set_entry(k.slots, 0, "hello_add"), TN_SLOT_NOT_FOUND);
	CHECK_EQ(kit_load(&k, 0, "hello"), 0);
	CHECK_EQ(tn_slot_call_entry(k.slots, 0, ARGS(7, 5), &ret),
	    TN_SLOT_NOT_FOUND);
	CHECK_EQ(tn_slot_set_entry(k.slots, 0, "hello_add"), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(tn_slot_call_entry(k.slots, 0, ARGS(7, i), &ret), 0);
		CHECK_EQ(ret, 7 + i);
		CHECK_EQ(tn_slot_unload(k.slots, 0, NULL), 0);
		CHECK_EQ(tn_slot_call_entry(k.slots, 0, ARGS(7, 5), &ret),
		    TN_SLOT_NOT_FOUND);
		CHECK_EQ(tn_slot_load(k.slots, 0, NULL), 0);
	}
	CHECK_EQ(tn_slot_info(k.slots, 0, &info), 0);
	CHECK_STR(info.entry_symbol, "hello_add");
	/* another one, at once */
	CHECK_EQ(tn_slot_set_entry(k.slots, 0, "hello_runs"), 0);
	CHECK_EQ(tn_slot_call_entry(k.slots, 0, ARGS(7, 5), &ret), 0);
	CHECK_EQ(ret, 0);
	/* one that is not there shows when it is called */
	CHECK_EQ(tn_slot_set_entry(k.slots, 0, "hello_nobody"), 0);
	CHECK_EQ(tn_slot_call_entry(k.slots, 0, ARGS(7, 5), &ret),
	    TN_SLOT_NOT_FOUND);
	CHECK_EQ(tn_slot_set_entry(k.slots, 0, NULL), 0);
	CHECK_EQ(tn_slot_get_entry(k.slots, 0, symbol), 0);
	CHECK_STR(symbol, "");
	CHECK(kit_close(&k));
}

TEST(state, copies_the_entry_symbol_out_and_refuses_to_cut_it)
{
	NEED_MODULES();
	char symbol[TN_SLOT_SYMBOL_MAX + 2], out[TN_SLOT_SYMBOL_MAX];
	struct kit k;

	PROVES("G13");
	CHECK(kit_open(&k, false, 1));
	CHECK_EQ(kit_load(&k, 0, "hello"), 0);
	memset(symbol, 'a', sizeof(symbol));
	symbol[TN_SLOT_SYMBOL_MAX - 1] = '\0'; /* 63 letters */
	CHECK_EQ(tn_slot_set_entry(k.slots, 0, symbol), 0);
	CHECK_EQ(tn_slot_get_entry(k.slots, 0, out), 0);
	CHECK_STR(out, symbol);
	memset(symbol, 'b', sizeof(symbol));
	symbol[TN_SLOT_SYMBOL_MAX] = '\0'; /* 64 letters */
	CHECK_EQ(tn_slot_set_entry(k.slots, 0, symbol), TN_SLOT_TOO_BIG);
	CHECK_EQ(tn_slot_get_entry(k.slots, 0, symbol), 0);
	CHECK_STR(out, symbol); /* as before */
	/* what was copied out does not change with the table */
	CHECK_EQ(tn_slot_set_entry(k.slots, 0, "other"), 0);
	CHECK_EQ(out[0], 'a');
	CHECK(kit_close(&k));
}

TEST(state, names_its_states_and_results)
{
	static const char *const names[] = { "empty", "registered", "loading",
		"loaded", "unloading", "unknown" };
	static const struct {
		int status;
		const char *name;
	} results[] = {
		{ 0, "OK" },
		{ -TN_EINVAL, "INVALID_ARGS" },
		{ -TN_EFBIG, "TOO_BIG" },
		{ -TN_EBUSY, "BUSY" },
		{ -TN_EEXIST, "ALREADY_EXISTS" },
		{ -TN_ENOENT, "NOT_FOUND" },
		{ -TN_EALREADY, "BAD_STATE" },
		{ -TN_ERANGE, "OUT_OF_RANGE" },
		{ -TN_ENOMEM, "NO_MEMORY" },
		{ -TN_ENOSPC, "NO_MEMORY" },
		{ -TN_ENOEXEC, "NOT_VALID" },
		{ -TN_EOPNOTSUPP, "NOT_SUPPORTED" },
		{ -TN_EFAULT, "FAULT" },
		{ -TN_ETIMEDOUT, "TIMED_OUT" },
		{ -TN_EOWNERDEAD, "KILLED" },
		{ -TN_EIO, "EIO" },
		{ -12345, "unknown" },
	};

	PROVES("G30");
	for (int i = 0; i <= TN_SLOT_STATES; i++)
		CHECK_STR(tn_slot_state_name((enum tn_slot_state)i), names[i]);
	for (size_t i = 0; i < ARRAY_SIZE(results); i++)
		CHECK_STR(
		    tn_slot_status_name(results[i].status), results[i].name);
}

/* --- where other threads cannot be waited for */

static atomic_bool has_come;

/* A thread without fences, for which a barrier must come from outside. */
static void *come_and_stay(void *arg)
{
	struct tn_slot_handle h;
	struct kit *k = arg;

	EXPECT(tn_slot_acquire(k->slots, 1, "guest", &h) == 0);
	EXPECT(tn_slot_release(&h) == 0);
	atomic_store(&has_come, true);
	for (;;)
		pause(); /* until the process ends */
	return NULL;
}

static int unload_without_barrier(void)
{
	pthread_t guest;
	struct kit k;

	if (!kit_open(&k, false, 2) || kit_load(&k, 0, "hello") != 0 ||
	    kit_load(&k, 1, "probe") != 0)
		return 1;
	pthread_create(&guest, NULL, come_and_stay, &k);
	while (!atomic_load(&has_come))
		(void)sched_yield();
	if (epoch_fences() || !sandbox_forbid(SYS_membarrier) ||
	    !sandbox_forbid(SYS_sched_setaffinity))
		return SANDBOX_NONE;
	if (tn_slot_unload(k.slots, 0, &k.diag) != TN_SLOT_NOT_SUPPORTED)
		return 2;
	if (k.diag.reason != TN_REASON_NO_BARRIER)
		return 3;
	if (tn_slots_shutdown(k.slots, NULL) != TN_SLOT_NOT_SUPPORTED)
		return 4;
	if (kit_state(&k, 0) != TN_SLOT_LOADED ||
	    kit_call(&k, 0, "hello_add", ARGS(1, 2)) != 3)
		return 5;
	return 0;
}

TEST(state, stays_loaded_by_name_where_threads_cannot_be_waited_for)
{
	CHECK_IN_CHILD(unload_without_barrier);
}
