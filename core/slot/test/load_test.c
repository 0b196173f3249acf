/* SPDX-License-Identifier: MIT */
/*
 * Loading slots: the contracts that modules follow, the table that they are
 * handed, what is refused, and where images lie.
 */
#include <stdio.h>
#include <string.h>

#include <base/compiler.h>
#include <host/pool.h>
#include <lkmod/lkmod.h>
#include <tenon/inspect.h>
#include <tenon/ledger.h>
#include <test/test.h>

#include "kit.h"

static bool lies_in_slot(struct kit *k, uint32_t slot, uint64_t addr)
{
	return addr - (uintptr_t)k->region - slot * KIT_CAPACITY < KIT_CAPACITY;
}

/* --- where */

TEST(load, places_images_behind_the_blob_in_a_callers_pool)
{
	NEED_MODULES();
	struct tn_slot_info info;
	struct kit k;

	PROVES("G02 G10 G37");
	CHECK(kit_open(&k, true, 3));
	for (uint32_t i = 0; i < 3; i++) {
		CHECK_EQ(kit_load(&k, i, "hello"), 0);
		CHECK_EQ(tn_slot_info(k.slots, i, &info), 0);
		CHECK(lies_in_slot(&k, i, info.mod_base));
		CHECK(lies_in_slot(&k, i, info.mod_base + info.mod_size - 1));
		CHECK(info.mod_base >=
		      (uintptr_t)k.region + i * KIT_CAPACITY + info.blob_size);
	}
	/* the same file three times, with variables of its own each time */
	CHECK_EQ(tn_slot_set_entry(k.slots, 1, "hello_run"), 0);
	int64_t ret;
	CHECK_EQ(tn_slot_call_entry(k.slots, 1, ARGS(42), &ret), 0);
	CHECK_EQ(kit_call(&k, 0, "hello_runs", ARGS(0)), 0);
	CHECK_EQ(kit_call(&k, 1, "hello_runs", ARGS(0)), 42);
	CHECK_EQ(kit_call(&k, 2, "hello_runs", ARGS(0)), 0);
	CHECK(kit_close(&k));
}

TEST(load, places_images_elsewhere_when_the_pool_is_the_ports)
{
	NEED_MODULES();
	const struct span blob = kit_blob("hello");
	struct tn_slot_info info;
	struct kit k;

	PROVES("G02 G22");
	kit_prepare(&k, false, 2);
	k.config.slot_capacity = blob.n; /* no room for anything else */
	CHECK_EQ(kit_start(&k), 0);
	CHECK_EQ(kit_load(&k, 1, "hello"), 0);
	CHECK_EQ(kit_call(&k, 1, "hello_add", ARGS(2, 3)), 5);
	CHECK_EQ(rig_held(&k.rig).images, 1);
	CHECK_EQ(tn_slot_info(k.slots, 1, &info), 0);
	CHECK_EQ(info.blob_size, blob.n);
	CHECK(kit_close(&k));
}

/* The permissions of the page at @addr, as /proc/self/maps has them. */
static void permissions(uint64_t addr, char out[5])
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[300];

	memset(out, 0, 5);
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		unsigned long from, to;
		char perm[5];

		if (sscanf(line, "%lx-%lx %4s", &from, &to, perm) == 3 &&
		    addr >= from && addr < to)
			memcpy(out, perm, 5);
	}
	if (f != NULL)
		fclose(f);
}

/* No page of the region is writable and executable. */
static bool is_w_xor_x(const struct kit *k)
{
	char perm[5];

	for (size_t at = 0; at < k->region_size; at += 4096) {
		permissions((uintptr_t)k->region + at, perm);
		if (perm[1] == 'w' && perm[2] == 'x')
			return false;
	}
	return true;
}

TEST(load, flips_pages_of_a_callers_pool_between_write_and_execute)
{
	NEED_MODULES();
	struct tn_slot_handle h;
	void *function;
	char perm[5];
	struct kit k;

	PROVES("G02");
	CHECK(kit_open(&k, true, 1));
	CHECK_EQ(kit_load(&k, 0, "hello"), 0);
	CHECK_EQ(tn_slot_acquire(k.slots, 0, "test", &h), 0);
	CHECK_EQ(tn_slot_handle_function(&h, "hello_add", &function), 0);
	CHECK(lies_in_slot(&k, 0, (uintptr_t)function));
	permissions((uintptr_t)function, perm);
	CHECK_STR(perm, "r-xp");
	CHECK(is_w_xor_x(&k));
	CHECK_EQ(tn_slot_release(&h), 0);
	CHECK_EQ(tn_slot_unload(k.slots, 0, NULL), 0);
	permissions((uintptr_t)function, perm);
	CHECK_STR(perm, "rw-p");
	CHECK(kit_close(&k));
}

TEST(load, works_in_slots_of_any_size_and_place)
{
	NEED_MODULES();
	const size_t odd = KIT_CAPACITY - 12345;
	struct kit k;

	kit_prepare(&k, true, 3);
	k.config.pool = k.region + 8; /* no page begins where a slot does */
	k.config.pool_size -= 8;
	k.config.slot_count = 0;
	k.config.slot_capacity = odd;
	CHECK_EQ(kit_start(&k), 0);
	CHECK_EQ(tn_slots_count(k.slots), 3);
	for (uint32_t i = 0; i < 3; i++)
		CHECK_EQ(kit_load(&k, i, "hello"), 0);
	for (uint32_t i = 0; i < 3; i++) {
		CHECK_EQ(kit_call(&k, i, "hello_add", ARGS(20, i)), 20 + i);
		CHECK_EQ(tn_slot_unload(k.slots, i, NULL), 0);
		/* where it lay can be written again */
		memset(k.region + 8 + i * odd, 0x5a, odd);
	}
	CHECK(kit_close(&k));
}

/* --- what does not fit, or is no module */

TEST(load, refuses_a_blob_whose_image_does_not_fit)
{
	NEED_MODULES();
	const struct span blob = kit_blob("hello");
	bool fits = false;
	size_t capacity = (blob.n + 15) & ~(size_t)15;

	PROVES("G02 G08");
	for (; !fits && capacity < KIT_CAPACITY; capacity += 2048) {
		struct kit k;
		int err;

		kit_prepare(&k, true, 2);
		k.config.slot_capacity = capacity;
		CHECK_EQ(kit_start(&k), 0);
		memset(k.region + capacity, 0xa5, capacity); /* the neighbour */
		err = kit_load_blob(&k, 0, blob, 0);
		CHECK(err == 0 || err == -TN_ENOSPC || err == -TN_ENOMEM);
		if (err != 0) {
			CHECK_EQ(kit_state(&k, 0), TN_SLOT_REGISTERED);
			CHECK_MEM(k.region, blob.p, blob.n);
			CHECK_EQ(k.diag.error, err);
		} else {
			CHECK_EQ(kit_call(&k, 0, "hello_add", ARGS(1)), 1);
		}
		for (size_t i = 0; i < capacity; i++)
			CHECK(k.region[capacity + i] == 0xa5);
		fits = err == 0;
		CHECK(kit_close(&k));
	}
	CHECK(fits);
}

TEST(load, says_what_is_wrong_with_a_blob)
{
	NEED_MODULES();
	const struct span blob = kit_blob("hello");
	char text[200];

	PROVES("G10");
	for (int fixed = 0; fixed < 2; fixed++) {
		struct kit k;

		CHECK(kit_open(&k, fixed, 1));
		CHECK_EQ(kit_load_blob(&k, 0, (struct span){ blob.p, 40 }, 0),
		    TN_SLOT_NOT_VALID);
		CHECK_EQ(k.diag.error, TN_SLOT_NOT_VALID);
		CHECK_EQ(k.diag.reason, TN_REASON_ELF);
		CHECK(tn_diag_text(&k.diag, text, sizeof(text)) > 10);
		CHECK_EQ(tn_slot_unregister(k.slots, 0), 0);
		CHECK_EQ(tn_slot_load(k.slots, 0, &k.diag), TN_SLOT_NOT_FOUND);
		tn_diag_text(&k.diag, text, sizeof(text));
		CHECK_STR(
		    text, "slot0: that is not possible while it is empty");
		CHECK(kit_close(&k));
	}
}

/* --- imports */

static int64_t quiet_import(int64_t a)
{
	return a * 2;
}

TEST(load, refuses_imports_unless_they_are_turned_on)
{
	NEED_MODULES();
	static const struct tn_export exports[] = {
		{ .name = "quiet_import",
		    .addr = (const void *)(uintptr_t)&quiet_import },
	};

	PROVES("G10");
	for (int fixed = 0; fixed < 2; fixed++) {
		struct kit k;

		kit_prepare(&k, fixed, 1);
		k.config.exports = exports;
		k.config.nexports = 1;
		CHECK_EQ(kit_start(&k), 0);
		CHECK_EQ(kit_load_blob(&k, 0, kit_blob("quiet"), 0),
		    TN_SLOT_NOT_SUPPORTED);
		CHECK_STR(k.diag.symbol, "quiet_import");
		CHECK_EQ(kit_state(&k, 0), TN_SLOT_REGISTERED);
		CHECK(kit_close(&k));

		kit_prepare(&k, fixed, 1);
		k.config.exports = exports;
		k.config.nexports = 1;
		k.config.flags = TN_SLOTS_IMPORTS;
		CHECK_EQ(kit_start(&k), 0);
		CHECK_EQ(kit_load(&k, 0, "quiet"), 0);
		CHECK_EQ(kit_call(&k, 0, "quiet_call", ARGS(20, 2)), 42);
		/* what it imports is no function of it */
		CHECK_EQ(kit_try(&k, 0, "quiet_import"), TN_SLOT_NOT_FOUND);
		CHECK_EQ(kit_try(&k, 0, "quiet_hook"), TN_SLOT_NOT_FOUND);
		CHECK(kit_close(&k));

		kit_prepare(&k, fixed, 1); /* on, but there is no such symbol */
		k.config.flags = TN_SLOTS_IMPORTS;
		CHECK_EQ(kit_start(&k), 0);
		CHECK_EQ(kit_load_blob(&k, 0, kit_blob("quiet"), 0),
		    TN_SLOT_NOT_FOUND);
		CHECK_EQ(k.diag.nmissing, 1);
		CHECK(kit_close(&k));
	}
}

/* --- the contract of lkmod */

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

/* --- verification */

struct guard {
	struct kit *k;
	uint32_t slot;
	uint32_t calls;
	int answer;
	uint64_t sum;
	int changed; /* what an attempt to change the slot said */
};

static int verify(void *arg, uint32_t slot, const void *blob, size_t size)
{
	struct guard *g = arg;

	g->calls++;
	g->slot = slot;
	g->sum = 0;
	for (size_t i = 0; i < size; i++)
		g->sum = g->sum * 31 + ((const uint8_t *)blob)[i];
	g->changed =
	    tn_slot_register(g->k->slots, slot, "other", 5, TN_SLOT_OVERWRITE);
	return g->answer;
}

TEST(load, asks_the_verification_hook_before_anything_is_parsed)
{
	NEED_MODULES();
	struct guard g = { .answer = -1 };
	struct kit k;

	PROVES("G23");
	g.k = &k;
	kit_prepare(&k, true, 2);
	k.config.verify = verify;
	k.config.verify_arg = &g;
	CHECK_EQ(kit_start(&k), 0);
	/* garbage: it is refused by the hook, not by the parser */
	CHECK_EQ(
	    kit_load_blob(&k, 1, (struct span){ (const uint8_t *)"ab", 2 }, 0),
	    TN_SLOT_REFUSED);
	CHECK_EQ(g.sum, 'a' * 31 + 'b');
	CHECK_EQ(g.slot, 1);
	CHECK_EQ(k.diag.reason, TN_REASON_VERIFY);
	CHECK_EQ(kit_state(&k, 1), TN_SLOT_REGISTERED);
	/* nobody can change the bytes between the hook and the loader */
	CHECK_EQ(g.changed, TN_SLOT_BUSY);
	g.answer = 0;
	CHECK_EQ(tn_slot_load(k.slots, 1, NULL), TN_SLOT_NOT_VALID);
	CHECK_EQ(kit_load(&k, 0, "hello"), 0);
	CHECK_EQ(tn_slot_unload(k.slots, 0, NULL), 0);
	CHECK_EQ(tn_slot_load(k.slots, 0, NULL), 0);
	CHECK_EQ(g.calls, 4); /* at each load anew */
	CHECK(kit_close(&k));
}

/* --- info */

TEST(load, tells_all_about_a_slot)
{
	NEED_MODULES();
	struct tn_slot_info info, twin;
	struct tn_slot_handle h;
	struct kit k;

	PROVES("G12 G37");
	CHECK(kit_open(&k, true, 2));
	CHECK_EQ(kit_load(&k, 0, "hello"), 0);
	CHECK_EQ(tn_slot_set_entry(k.slots, 0, "hello_add"), 0);
	CHECK_EQ(tn_slot_acquire(k.slots, 0, "me", &h), 0);
	CHECK_EQ(tn_slot_info(k.slots, 0, &info), 0);
	CHECK_EQ(info.state, TN_SLOT_LOADED);
	CHECK(!info.isolated);
	CHECK_EQ(info.blob_size, kit_blob("hello").n);
	CHECK_EQ(info.blob_capacity, KIT_CAPACITY);
	CHECK_STR(info.entry_symbol, "hello_add");
	CHECK_STR(info.name, "slot0");
	CHECK(info.mod != NULL);
	CHECK(info.mod_size >= 4096);
	CHECK_EQ(info.inflight_calls, 0);
	CHECK_EQ(info.handles, 1);
	CHECK_EQ(tn_slot_release(&h), 0);
	/* of one that is not loaded */
	CHECK_EQ(tn_slot_register(k.slots, 1, "x", 1, 0), 0);
	CHECK_EQ(tn_slot_info(k.slots, 1, &twin), 0);
	CHECK(twin.mod == NULL && twin.mod_base == 0 && twin.mod_size == 0);
	CHECK_STR(twin.name, "");
	CHECK_EQ(twin.blob_size, 1);
	CHECK(kit_close(&k));
}

static int spin_2_ms(void *arg, uint32_t slot, uint32_t queue, const void *c)
{
	const struct tn_port *port = arg;
	const uint64_t begin = port->now_ns(port->ctx);

	(void)slot;
	(void)queue;
	(void)c;
	while (port->now_ns(port->ctx) - begin < 2000000)
		;
	return 0;
}

TEST(load, states_times_in_nanoseconds)
{
	NEED_MODULES();
	struct tn_slot_info info;
	uint64_t begin, whole;
	struct kit k;

	PROVES("G31");
	kit_prepare(&k, true, 1);
	k.config.issue = spin_2_ms; /* what probe's init does */
	k.config.issue_arg = &k.rig.port;
	CHECK_EQ(kit_start(&k), 0);
	begin = k.rig.port.now_ns(k.rig.port.ctx);
	CHECK_EQ(kit_load(&k, 0, "probe"), 0);
	whole = k.rig.port.now_ns(k.rig.port.ctx) - begin;
	CHECK_EQ(tn_slot_info(k.slots, 0, &info), 0);
	CHECK(info.timing.init >= 2000000);
	CHECK(info.timing.link != 0 && info.timing.protect != 0);
	CHECK(info.timing.source + info.timing.link + info.timing.protect +
		  info.timing.init <=
	      whole);
	CHECK(kit_close(&k));
}

/* --- walking */

TEST(load, walks_over_loaded_slots)
{
	NEED_MODULES();
	uint32_t slot = 99;
	struct kit k;

	PROVES("G30");
	CHECK(kit_open(&k, true, 6));
	CHECK_EQ(tn_slot_first(k.slots, &slot), TN_SLOT_NOT_FOUND);
	CHECK_EQ(tn_slot_last(k.slots, &slot), TN_SLOT_NOT_FOUND);
	CHECK_EQ(slot, 99);
	CHECK_EQ(kit_load(&k, 1, "hello"), 0);
	CHECK_EQ(kit_load(&k, 2, "bare"), 0);
	CHECK_EQ(kit_load(&k, 4, "hello"), 0);
	CHECK_EQ(tn_slot_register(k.slots, 5, "x", 1, 0), 0);
	CHECK_EQ(tn_slot_first(k.slots, &slot), 0);
	CHECK_EQ(slot, 1);
	CHECK_EQ(tn_slot_next(k.slots, &slot), 0);
	CHECK_EQ(slot, 2);
	CHECK_EQ(tn_slot_next(k.slots, &slot), 0);
	CHECK_EQ(slot, 4);
	CHECK_EQ(tn_slot_next(k.slots, &slot), TN_SLOT_NOT_FOUND);
	CHECK_EQ(tn_slot_last(k.slots, &slot), 0);
	CHECK_EQ(slot, 4);
	CHECK_EQ(tn_slot_find(k.slots, "slot2", &slot), 0);
	CHECK_EQ(slot, 2);
	CHECK_EQ(tn_slot_find(k.slots, "slot3", &slot), TN_SLOT_NOT_FOUND);
	CHECK_EQ(tn_slot_find(k.slots, "", &slot), TN_SLOT_NOT_FOUND);
	slot = 77;
	CHECK_EQ(tn_slot_next(k.slots, &slot), TN_SLOT_NOT_FOUND);
	CHECK(kit_close(&k));
}

/* --- many names */

TEST(load, finds_every_function_of_a_large_module)
{
	NEED_MODULES();
	struct kit k;
	char name[32];

	PROVES("G14");
	CHECK(kit_open(&k, false, 1));
	CHECK_EQ(kit_load(&k, 0, "many"), 0);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "many_function_%03d", i);
		CHECK_EQ(kit_call(&k, 0, name, ARGS(1, 2, 3, 4)), i + 10);
	}
	CHECK_EQ(kit_try(&k, 0, "many_function_"), TN_SLOT_NOT_FOUND);
	CHECK_EQ(kit_try(&k, 0, "many_function_1000"), TN_SLOT_NOT_FOUND);
	CHECK_EQ(kit_try(&k, 0, ""), TN_SLOT_NOT_FOUND);
	CHECK(kit_close(&k));
}
