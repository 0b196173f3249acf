/* SPDX-License-Identifier: MIT */
/*
 * Making and ending a manager: how many slots, where the memory comes from,
 * what is refused, and what is given back.
 */
#include <stdlib.h>
#include <string.h>

#include <base/compiler.h>
#include <host/pool.h>
#include <test/test.h>

#include "kit.h"

TEST(config, has_as_many_slots_as_it_was_told)
{
	PROVES("G01 G02 G05 G06 G07");
	for (int fixed = 0; fixed < 2; fixed++) {
		struct kit k;
		struct tn_slot_info info;

		CHECK(kit_open(&k, fixed, 8));
		CHECK_EQ(tn_slots_count(k.slots), 8);
		CHECK_EQ(tn_slots_capacity(k.slots), KIT_CAPACITY);
		for (uint32_t i = 0; i < 8; i++) {
			CHECK_EQ(tn_slot_info(k.slots, i, &info), 0);
			CHECK_EQ(info.state, TN_SLOT_EMPTY);
			CHECK_EQ(info.blob_size, 0);
			CHECK_EQ(info.blob_capacity, KIT_CAPACITY);
		}
		CHECK_EQ(tn_slot_info(k.slots, 8, &info), -TN_EINVAL);
		CHECK(kit_close(&k));
	}
}

TEST(config, counts_the_slots_of_a_pool)
{
	struct kit k;

	PROVES("G02");
	kit_prepare(&k, true, 5);
	k.config.slot_count = 0;
	k.config.pool_size -= 1; /* so the fifth does not fit */
	CHECK_EQ(kit_start(&k), 0);
	CHECK_EQ(tn_slots_count(k.slots), 4);
	CHECK(kit_close(&k));
}

TEST(config, refuses_more_slots_than_the_pool_holds)
{
	static const struct {
		uint32_t count;
		size_t capacity;
		int error;
	} cases[] = {
		{ 5, KIT_CAPACITY, TN_SLOT_OUT_OF_RANGE },
		{ 4, KIT_CAPACITY + 1, TN_SLOT_OUT_OF_RANGE },
		{ 3, SIZE_MAX / 2, TN_SLOT_OUT_OF_RANGE },
		{ UINT32_MAX, SIZE_MAX, TN_SLOT_OUT_OF_RANGE },
		{ 0, 5 * KIT_CAPACITY, TN_SLOT_OUT_OF_RANGE },
		{ 4, 0, TN_SLOT_INVALID_ARGS },
		{ 0, 0, TN_SLOT_INVALID_ARGS },
	};

	PROVES("G02");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kit k;

		kit_prepare(&k, true, 4);
		k.config.slot_count = cases[i].count;
		k.config.slot_capacity = cases[i].capacity;
		CHECK_EQ(kit_start(&k), cases[i].error);
		CHECK(k.slots == NULL);
		CHECK(kit_finish(&k));
	}
}

/* Slots begin at multiples of 8; what that costs is the pool's. */
TEST(config, counts_the_bytes_between_slots)
{
	static const struct {
		uint32_t count;
		size_t capacity, shift, pool;
		int result; /* slots, or the error */
	} cases[] = {
		{ 0, 1000, 0, 8000, 8 },
		{ 0, 1001, 0, 8064, 8 },
		{ 0, 1001, 0, 8063, 7 },
		{ 8, 1001, 0, 8063, TN_SLOT_OUT_OF_RANGE },
		{ 0, 1000, 1, 8007, 8 },
		{ 8, 1000, 1, 8006, TN_SLOT_OUT_OF_RANGE },
		{ 0, 1000, 1, 7, TN_SLOT_OUT_OF_RANGE },
		{ 0, 1000, 1, 3, TN_SLOT_OUT_OF_RANGE },
	};

	PROVES("G02");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kit k;
		int err;

		kit_prepare(&k, true, 1);
		k.config.slot_count = cases[i].count;
		k.config.slot_capacity = cases[i].capacity;
		k.config.pool = k.region + cases[i].shift;
		k.config.pool_size = cases[i].pool;
		err = kit_start(&k);
		CHECK_EQ(err == 0 ? (int)tn_slots_count(k.slots) : err,
		    cases[i].result);
		CHECK(err == 0 ? kit_close(&k) : kit_finish(&k));
	}
}

TEST(config, refuses_what_it_does_not_know)
{
	for (int i = 0; i < 6; i++) {
		struct kit k;

		kit_prepare(&k, false, 2);
		k.config.size -= i == 0;
		k.config.abi += i == 1;
		k.config.flags |= i == 2 ? 0x80 : 0;
		k.config.slot_count = i == 3 ? 0 : 2;
		k.config.table = i == 4 ? &k : NULL; /* for how long? */
		if (i < 5) {
			CHECK_EQ(kit_start(&k), TN_SLOT_INVALID_ARGS);
		} else {
			k.config.slot_count = UINT32_MAX;
			CHECK_EQ(kit_start(&k), TN_SLOT_OUT_OF_RANGE);
		}
		CHECK(kit_finish(&k));
	}
}

TEST(config, needs_a_world_for_a_callers_pool)
{
	struct kit k;

	kit_prepare(&k, true, 2);
	CHECK_EQ(tn_slots_create(&k.rig.port, NULL, &k.config, &k.slots),
	    TN_SLOT_INVALID_ARGS);
	CHECK(kit_finish(&k));
}

/* One whole life of a manager; returns the most that the port ever held. */
static long live(struct kit *k)
{
	struct tn_slot_handle h;
	long most;

	if (!EXPECT(kit_start(k) == 0))
		return -1;
	EXPECT(kit_load(k, 0, "hello") == 0);
	EXPECT(kit_call(k, 0, "hello_add", ARGS(1, 2)) == 3);
	EXPECT(tn_slot_acquire(k->slots, 0, "me", &h) == 0);
	EXPECT(tn_slot_unload(k->slots, 0, &k->diag) == TN_SLOT_BUSY);
	most = rig_held(&k->rig).bytes;
	EXPECT(tn_slot_release(&h) == 0);
	EXPECT(tn_slot_unload(k->slots, 0, NULL) == 0);
	return most;
}

TEST(config, takes_nothing_from_the_port_in_a_callers_pool)
{
	NEED_MODULES();
	struct kit k;
	void *table;

	PROVES("G02");
	/* behind the slots */
	kit_prepare(&k, true, 3);
	k.config.slot_count = 2;
	rig_arm(&k.rig, 1); /* the first allocation would fail */
	CHECK_EQ(live(&k), 0);
	CHECK_EQ(k.rig.calls, 0);
	rig_arm(&k.rig, 0);
	CHECK(kit_close(&k));

	/* in memory of its own */
	kit_prepare(&k, true, 2);
	k.config.table_size = tn_slots_table_size(2);
	table = malloc(k.config.table_size);
	k.config.table = table;
	CHECK_EQ(live(&k), 0);
	CHECK(kit_close(&k));

	kit_prepare(&k, true, 2);
	k.config.table = table;
	k.config.table_size = tn_slots_table_size(2) - 1;
	CHECK_EQ(kit_start(&k), -TN_ENOSPC);
	CHECK(kit_finish(&k));
	free(table);

	/* else the table alone is the port's */
	kit_prepare(&k, true, 2);
	CHECK_EQ(live(&k), (long)tn_slots_table_size(2));
	CHECK(kit_close(&k));
}

TEST(config, keeps_a_table_of_128_bytes_for_a_slot)
{
	const size_t one = tn_slots_table_size(1);

	CHECK(tn_slots_table_size(1001) - one <= 1000 * 128);
}

TEST(config, survives_each_failing_allocation)
{
	for (int fixed = 0; fixed < 2; fixed++) {
		unsigned n = 1;
		int err;

		do {
			struct kit k;

			kit_prepare(&k, fixed, 2);
			rig_arm(&k.rig, n);
			err = kit_start(&k);
			rig_arm(&k.rig, 0);
			CHECK(err == 0 || err == TN_SLOT_NO_MEMORY);
			CHECK(err == 0 ? kit_close(&k) : kit_finish(&k));
			n++;
		} while (err != 0);
		CHECK_EQ(n, fixed ? 3 : 4); /* table; table and pool */
	}
}

static void note_release(void *arg)
{
	++*(int *)arg;
}

TEST(config, says_when_its_memory_is_gone)
{
	struct kit k;
	int released = 0;

	kit_prepare(&k, false, 2);
	k.config.released = note_release;
	k.config.released_arg = &released;
	CHECK_EQ(kit_start(&k), 0);
	CHECK_EQ(released, 0);
	CHECK(kit_close(&k));
	CHECK_EQ(released, 1);
}
