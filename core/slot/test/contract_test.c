/* SPDX-License-Identifier: MIT */
/*
 * What modules in slots are promised and promise: lkmod_init, lkmod_exit and
 * the table that they are handed; module_init, and neither.
 */
#include <stdio.h>
#include <string.h>

#include <base/compiler.h>
#include <lkmod/lkmod.h>
#include <tenon/ledger.h>
#include <test/test.h>

#include "kit.h"

/* --- init and exit */

TEST(load, runs_lkmod_init_and_lkmod_exit)
{
	NEED_MODULES();
	PROVES("G10 G11 G28");
	for (int fixed = 0; fixed < 2; fixed++) {
		struct kit k;

		CHECK(kit_open(&k, fixed, 2));
		k.asked_slot = 99;
		CHECK_EQ(kit_load(&k, 1, "probe"), 0);
		CHECK_EQ(k.asked_slot, 1); /* init has asked */
		CHECK_EQ(kit_call(&k, 1, "probe_count", ARGS(0)), 1);
		CHECK_EQ(kit_call(&k, 1, "probe_count", ARGS(0)), 2);
		k.asked_slot = 99;
		CHECK_EQ(tn_slot_unload(k.slots, 1, &k.diag), 0);
		CHECK_EQ(k.asked_slot, 1); /* exit has asked */
		CHECK_EQ(tn_slot_load(k.slots, 1, &k.diag), 0);
		CHECK_EQ(kit_call(&k, 1, "probe_count", ARGS(0)), 1);
		CHECK(kit_close(&k));
	}
}

TEST(load, fails_with_what_lkmod_init_returns)
{
	NEED_MODULES();
	static const struct {
		int answer, error;
	} cases[] = { { -TN_ENODEV, -TN_ENODEV }, { 7, TN_SLOT_INVALID_ARGS } };

	PROVES("G28");
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		struct kit k;

		CHECK(kit_open(&k, i % 2 == 0, 1));
		k.answer[0] = cases[i / 2].answer;
		CHECK_EQ(kit_load_blob(&k, 0, kit_blob("probe"), 0),
		    cases[i / 2].error);
		CHECK_EQ(k.diag.reason, TN_REASON_INIT_FAILED);
		CHECK_EQ((int64_t)k.diag.value, cases[i / 2].answer);
		CHECK_EQ(k.diag.stage, TN_STAGE_INIT);
		CHECK_EQ(kit_state(&k, 0), TN_SLOT_REGISTERED);
		CHECK_EQ(rig_held(&k.rig).images, 0);
		CHECK_EQ(kit_try(&k, 0, "probe_count"), TN_SLOT_NOT_FOUND);
		k.answer[0] = 0;
		CHECK_EQ(tn_slot_load(k.slots, 0, NULL), 0);
		CHECK(kit_close(&k));
	}
}

TEST(load, heeds_the_result_of_lkmod_exit)
{
	NEED_MODULES();
	PROVES("G11 G28");
	for (int fixed = 0; fixed < 2; fixed++) {
		struct tn_slot_handle h;
		struct kit k;

		CHECK(kit_open(&k, fixed, 2));
		CHECK_EQ(kit_load(&k, 0, "probe"), 0);
		CHECK_EQ(kit_load(&k, 1, "hello"), 0);
		CHECK_EQ(kit_call(&k, 0, "probe_count", ARGS(0)), 1);
		k.answer[1] = -TN_EAGAIN;
		CHECK_EQ(tn_slot_unload(k.slots, 0, &k.diag), -TN_EAGAIN);
		CHECK_EQ((int64_t)k.diag.value, -TN_EAGAIN);
		CHECK_EQ(kit_state(&k, 0), TN_SLOT_LOADED);
		CHECK_EQ(kit_call(&k, 0, "probe_count", ARGS(0)), 2);
		CHECK_EQ(tn_slot_acquire(k.slots, 0, "me", &h), 0);
		CHECK_EQ(tn_slot_release(&h), 0);
		/* the same when all shall go */
		CHECK_EQ(tn_slots_shutdown(k.slots, &k.diag), -TN_EAGAIN);
		CHECK_EQ(kit_call(&k, 0, "probe_count", ARGS(0)), 3);
		CHECK_EQ(kit_call(&k, 1, "hello_add", ARGS(1)), 1);
		k.answer[1] = 0;
		CHECK(kit_close(&k));
	}
}

TEST(load, finds_lkmod_init_as_the_entry_point_of_a_file)
{
	NEED_MODULES();
	PROVES("G28");
	for (int fixed = 0; fixed < 2; fixed++) {
		struct kit k;

		CHECK(kit_open(&k, fixed, 1));
		CHECK_EQ(kit_load(&k, 0, "bare"), 0);
		CHECK_EQ(kit_try(&k, 0, "lkmod_init"), TN_SLOT_NOT_FOUND);
		CHECK_EQ(kit_call(&k, 0, "bare_ready", ARGS(0)), 42);
		CHECK_EQ(kit_try(&k, 0, "bare_read"), TN_SLOT_NOT_FOUND);
		CHECK(kit_close(&k)); /* without an exit, too */
	}
}

/* Any capacity and any pool will do: blobs are aligned whatever they are. */
TEST(load, finds_the_entry_point_whatever_the_capacity_and_the_pool)
{
	static const size_t shifts[] = { 0, 1, 3, 7 };

	PROVES("G28");
	for (size_t i = 0; i < 2 * ARRAY_SIZE(shifts); i++) {
		const bool fixed = i % 2 != 0;
		struct tn_slot_info info;
		struct kit k;

		kit_prepare(&k, fixed, 3);
		k.config.slot_count = 2;
		k.config.slot_capacity = KIT_CAPACITY - shifts[i / 2];
		if (fixed) {
			k.config.pool = k.region + shifts[i / 2];
			k.config.pool_size -= shifts[i / 2];
		}
		CHECK_EQ(kit_start(&k), 0);
		CHECK_EQ(tn_slots_capacity(k.slots), k.config.slot_capacity);
		for (uint32_t slot = 0; slot < 2; slot++) {
			CHECK_EQ(kit_load(&k, slot, "bare"), 0);
			CHECK_EQ(kit_call(&k, slot, "bare_ready", ARGS(0)), 42);
		}
		CHECK_EQ(tn_slot_info(k.slots, 1, &info), 0);
		CHECK_EQ(info.blob_capacity, k.config.slot_capacity);
		CHECK(kit_close(&k));
	}
}

TEST(load, takes_no_entry_point_for_an_init_beside_init_module)
{
	NEED_MODULES();
	struct kit k;

	PROVES("G28");
	CHECK(kit_open(&k, true, 1));
	CHECK_EQ(kit_load(&k, 0, "plain"), 0);
	CHECK_EQ(kit_call(&k, 0, "plain_state", ARGS(0)), 1);
	CHECK_EQ(tn_slot_unload(k.slots, 0, NULL), 0);
	CHECK(kit_close(&k));
}

TEST(load, runs_nothing_when_modules_are_only_looked_at)
{
	NEED_MODULES();
	struct tn_slot_handle h;
	struct kit k;
	void *at;

	kit_prepare(&k, true, 2);
	k.config.flags = TN_SLOTS_NO_INIT;
	CHECK_EQ(kit_start(&k), 0);
	k.asked_slot = 99;
	CHECK_EQ(kit_load(&k, 0, "probe"), 0);
	CHECK_EQ(kit_load(&k, 1, "plain"), 0);
	CHECK_EQ(kit_call(&k, 1, "plain_state", ARGS(0)), 0);
	CHECK_EQ(tn_slot_acquire(k.slots, 0, "looker", &h), 0);
	CHECK_EQ(tn_slot_handle_function(&h, "lkmod_init", &at), 0);
	CHECK_EQ(tn_slot_release(&h), 0);
	CHECK_EQ(tn_slot_unload(k.slots, 0, NULL), 0);
	CHECK_EQ(k.asked_slot, 99);
	CHECK(kit_close(&k));
}

TEST(load, loads_objects_with_module_init)
{
	NEED_MODULES();
	struct tn_slot_info info;

	PROVES("G10 G28 G30");
	for (int fixed = 0; fixed < 2; fixed++) {
		struct kit k;
		uint32_t slot;

		kit_prepare(&k, fixed, 2);
		k.config.exports = tn_guaranteed;
		k.config.nexports = tn_guaranteed_count;
		k.config.flags = TN_SLOTS_IMPORTS;
		CHECK_EQ(kit_start(&k), 0);
		/* twice, though it exports: slots are apart from each other */
		CHECK_EQ(kit_load_blob(&k, 0, kit_ko("provider"), 0), 0);
		CHECK_EQ(kit_load_blob(&k, 1, kit_ko("provider"), 0), 0);
		CHECK_EQ(tn_slot_info(k.slots, 1, &info), 0);
		CHECK_STR(info.name, "provider");
		CHECK_EQ(tn_slot_find(k.slots, "provider", &slot), 0);
		CHECK_EQ(slot, 0);
		CHECK_EQ(kit_call(&k, 1, "provider_add", ARGS(2, 3)),
		    kit_call(&k, 0, "provider_add", ARGS(2, 3)));
		/* data is no function */
		CHECK_EQ(kit_try(&k, 0, "provider_table"), TN_SLOT_NOT_FOUND);
		CHECK(kit_close(&k));
	}
}

TEST(load, does_not_stop_a_module_that_is_in_use)
{
	NEED_MODULES();
	struct tn_slot_handle h;
	struct kit k;

	PROVES("G20");
	kit_prepare(&k, true, 1);
	k.config.exports = tn_guaranteed;
	k.config.nexports = tn_guaranteed_count;
	k.config.flags = TN_SLOTS_IMPORTS;
	CHECK_EQ(kit_start(&k), 0);
	CHECK_EQ(kit_load_blob(&k, 0, kit_ko("lifecycle"), 0), 0);
	CHECK_EQ(kit_call(&k, 0, "lifecycle_steps", ARGS(0)), 12);
	CHECK_EQ(tn_slot_acquire(k.slots, 0, "me", &h), 0);
	CHECK_EQ(tn_slot_unload(k.slots, 0, NULL), TN_SLOT_BUSY);
	CHECK_EQ(tn_slots_shutdown(k.slots, NULL), TN_SLOT_BUSY);
	CHECK_EQ(kit_call(&k, 0, "lifecycle_steps", ARGS(0)), 12);
	CHECK_EQ(tn_slot_release(&h), 0);
	CHECK(kit_close(&k));
}

TEST(load, leaves_permanent_modules_where_they_are)
{
	NEED_MODULES();
	struct kit k;
	char text[200];

	PROVES("G11");
	kit_prepare(&k, true, 2);
	k.config.exports = tn_guaranteed;
	k.config.nexports = tn_guaranteed_count;
	k.config.flags = TN_SLOTS_IMPORTS;
	CHECK_EQ(kit_start(&k), 0);
	CHECK_EQ(kit_load_blob(&k, 0, kit_ko("permanent"), 0), 0);
	CHECK_EQ(tn_slot_unload(k.slots, 0, &k.diag), TN_SLOT_BUSY);
	tn_diag_text(&k.diag, text, sizeof(text));
	CHECK_STR(text, "permanent: has init but no exit: it is permanent");
	CHECK_EQ(tn_slots_shutdown(k.slots, &k.diag), TN_SLOT_BUSY);
	CHECK_EQ(kit_state(&k, 0), TN_SLOT_LOADED);
	tn_slots_abandon(k.slots); /* it stays in the pool, and the pool goes */
	CHECK_EQ(rig_held(&k.rig).bytes, 0);
	CHECK(kit_finish(&k));
}

/* --- the table */

/* The last line of the log. */
static char last_line[300];

static void keep_line(void *ctx, enum tn_log_level level, const char *text)
{
	(void)ctx;
	snprintf(last_line, sizeof(last_line), "%d: %s", (int)level, text);
}

/* A line as long as there is room for, with a newline in any place. */
static void check_long_line(struct kit *k)
{
	char text[300];

	for (size_t n = 250; n < sizeof(text); n++) {
		memset(text, 'a', n);
		text[n] = '\0';
		CHECK_EQ(kit_call(k, 1, "probe_shout",
			     ARGS((int64_t)(uintptr_t)text)),
		    n < 255 ? n + 1 : 255);
		CHECK_EQ(strlen(last_line), 3 + (n < 255 ? n : 255));
	}
}

TEST(load, hands_lkmod_init_a_table_that_works)
{
	NEED_MODULES();
	static const char command[] = "command";

	PROVES("G29");
	for (int fixed = 0; fixed < 2; fixed++) {
		struct tn_slot_info info;
		struct kit k;
		uint64_t now, ticks;

		CHECK(kit_open(&k, fixed, 2));
		k.rig.port.log = keep_line;
		CHECK_EQ(kit_load(&k, 1, "probe"), 0);
		k.answer[2] = 77;
		CHECK_EQ(kit_call(&k, 1, "probe_ask",
			     ARGS((int64_t)(uintptr_t)command)),
		    77);
		CHECK(k.command == command && k.asked_slot == 1);
		CHECK_EQ(kit_call(&k, 1, "probe_say", ARGS(3, 4)), 15);
		CHECK_STR(last_line, "2: probe: 3 and 4");
		check_long_line(&k);
		now = k.rig.port.now_ns(k.rig.port.ctx);
		ticks = (uint64_t)kit_call(&k, 1, "probe_ticks", ARGS(0));
		CHECK(ticks - now < 10000000000u);
		/* memory is the module's, and goes with it */
		CHECK(kit_call(&k, 1, "probe_leave_memory", ARGS(100)) != 0);
		CHECK_EQ(tn_slot_info(k.slots, 1, &info), 0);
		CHECK_EQ(tn_ledger_count(info.mod, NULL), 1);
		CHECK_EQ(
		    kit_call(&k, 1, "probe_leave_memory", ARGS(INT64_MAX)), 0);
		CHECK_EQ(tn_slot_unload(k.slots, 1, NULL), 0);
		CHECK(kit_close(&k));
	}
}

TEST(load, hands_lkmod_init_the_embedders_table)
{
	NEED_MODULES();
	/* larger than what is known, as of a later release */
	struct {
		struct lkmod_api api;
		void (*more)(void);
	} mine = { .api = { .size = sizeof(mine), .version = 1 } };
	struct kit k;

	PROVES("G29");
	kit_prepare(&k, false, 2);
	k.config.api = &mine.api;
	CHECK_EQ(kit_start(&k), 0);
	/* it has no log, so hello says so */
	CHECK_EQ(
	    kit_load_blob(&k, 0, kit_blob("hello"), 0), TN_SLOT_NOT_SUPPORTED);
	CHECK_EQ(kit_load(&k, 1, "bare"), 0);
	CHECK(lkmod_has(&mine.api, log) == false);
	mine.api.version = 2;
	CHECK(!lkmod_has(&mine.api, size));
	CHECK(kit_close(&k));
}

TEST(load, issues_nothing_where_there_are_no_queues)
{
	NEED_MODULES();
	struct kit k;

	kit_prepare(&k, false, 1);
	k.config.issue = NULL;
	CHECK_EQ(kit_start(&k), 0);
	CHECK_EQ(kit_load(&k, 0, "probe"), 0);
	CHECK_EQ(kit_call(&k, 0, "probe_ask", ARGS(0)), LKMOD_NOT_SUPPORTED);
	CHECK(kit_close(&k));
}
