/* SPDX-License-Identifier: MIT */
/*
 * Loading slots: where images lie, what is refused, and who is asked.
 */
#include <stdio.h>
#include <string.h>

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

/* --- compressed blobs */

static unsigned unpacked;

/* Pretends that everything is hello, packed. */
static int unpack_hello(void *ctx, enum tn_packing packing, const void *in,
    size_t size, struct tn_bytes *out)
{
	const struct span blob = kit_blob("hello");

	(void)ctx;
	(void)in;
	(void)size;
	unpacked += packing == TN_GZIP;
	*out = (struct tn_bytes){ .data = blob.p, .size = blob.n };
	return 0;
}

static void release_nothing(void *ctx, struct tn_bytes *bytes)
{
	(void)ctx;
	(void)bytes;
}

TEST(load, unpacks_where_the_memory_is_the_ports)
{
	NEED_MODULES();
	static const uint8_t packed[16] = { 0x1f, 0x8b };

	for (int fixed = 0; fixed < 2; fixed++) {
		struct kit k;

		kit_prepare(&k, fixed, 1);
		k.rig.port.unpack = unpack_hello;
		k.rig.port.release = release_nothing;
		CHECK_EQ(kit_start(&k), 0);
		unpacked = 0;
		CHECK_EQ(kit_load_blob(
			     &k, 0, (struct span){ packed, sizeof(packed) }, 0),
		    fixed ? TN_SLOT_NOT_SUPPORTED : 0);
		CHECK_EQ(unpacked != 0, !fixed);
		if (!fixed)
			CHECK_EQ(kit_call(&k, 0, "hello_add", ARGS(2, 3)), 5);
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
		CHECK_EQ(kit_try(&k, 0, "quiet_number"), TN_SLOT_NOT_FOUND);
		CHECK(kit_close(&k));

		kit_prepare(&k, fixed, 1); /* on, but there is no such symbol */
		k.config.flags = TN_SLOTS_IMPORTS;
		CHECK_EQ(kit_start(&k), 0);
		CHECK_EQ(kit_load_blob(&k, 0, kit_blob("quiet"), 0),
		    TN_SLOT_NOT_FOUND);
		CHECK_EQ(k.diag.nmissing, 1);
		/* which of them is the port's memory */
		CHECK_EQ(k.diag.missing == NULL, fixed);
		CHECK(kit_close(&k));
	}
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
