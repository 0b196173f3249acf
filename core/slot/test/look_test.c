/* SPDX-License-Identifier: MIT */
/*
 * Looking at loaded slots: what is told of one, walking over all of them, and
 * the functions that they have.
 */
#include <stdio.h>

#include <test/test.h>

#include "kit.h"

/* --- one slot */

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
