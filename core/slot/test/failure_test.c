/* SPDX-License-Identifier: MIT */
/*
 * Every allocation and every call of the port fails once, at every position of
 * a load: then the slot is REGISTERED, nothing is held that was not before, and
 * the next load works. In a caller's pool, where nothing is allocated, the
 * place behind the blob takes every size instead.
 */
#include <stdio.h>
#include <string.h>

#include <base/compiler.h>
#include <test/test.h>

#include "kit.h"

static const struct {
	const char *name;
	bool is_ko;
} subjects[] = {
	{ "hello", false },
	{ "probe", false },
	{ "provider", true },
};

static struct span file_of(size_t i)
{
	return subjects[i].is_ko ? kit_ko(subjects[i].name)
				 : kit_blob(subjects[i].name);
}

static void prepare(struct kit *k, bool fixed)
{
	kit_prepare(k, fixed, 1);
	k->config.exports = tn_guaranteed;
	k->config.nexports = tn_guaranteed_count;
	k->config.flags = TN_SLOTS_IMPORTS;
}

/* Returns the number of positions. */
static unsigned fail_everywhere(struct kit *k)
{
	const struct rig_held before = rig_held(&k->rig);
	unsigned n = 1;

	for (;; n++) {
		int err;

		rig_arm(&k->rig, n);
		err = tn_slot_load(k->slots, 0, &k->diag);
		if (k->rig.calls < n) { /* it was not reached */
			rig_arm(&k->rig, 0);
			EXPECT(err == 0);
			return n - 1;
		}
		rig_arm(&k->rig, 0);
		if (!EXPECT(err != 0) || !EXPECT(k->diag.error == err))
			return 0;
		tn_diag_fini(&k->diag);
		if (!EXPECT(rig_same(rig_held(&k->rig), before)) ||
		    !EXPECT(kit_state(k, 0) == TN_SLOT_REGISTERED) ||
		    !EXPECT(tn_slot_load(k->slots, 0, NULL) == 0) ||
		    !EXPECT(tn_slot_unload(k->slots, 0, NULL) == 0) ||
		    !EXPECT(rig_same(rig_held(&k->rig), before)))
			return 0;
	}
}

TEST(failure, of_any_call_of_the_port_leaves_the_slot_registered)
{
	NEED_MODULES();
	PROVES("G10");
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++) {
		const struct span blob = file_of(i);
		unsigned positions;
		char line[80];
		struct kit k;

		prepare(&k, false);
		CHECK_EQ(kit_start(&k), 0);
		CHECK_EQ(tn_slot_register(k.slots, 0, blob.p, blob.n, 0), 0);
		positions = fail_everywhere(&k);
		snprintf(line, sizeof(line), "inject slot %s: %u positions\n",
		    subjects[i].name, positions);
		test_write(line, strlen(line));
		CHECK(positions > 10);
		/* unloading can fail nowhere */
		rig_arm(&k.rig, 1);
		CHECK_EQ(tn_slot_unload(k.slots, 0, NULL), 0);
		rig_arm(&k.rig, 0);
		CHECK(kit_close(&k));
	}
}

TEST(failure, for_want_of_room_behind_the_blob_changes_nothing)
{
	NEED_MODULES();
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++) {
		const struct span blob = file_of(i);
		bool fits = false;
		size_t capacity = blob.n;

		for (; !fits && capacity <= KIT_CAPACITY; capacity += 4096) {
			struct kit k;
			int err;

			prepare(&k, true);
			k.config.slot_capacity = capacity;
			CHECK_EQ(kit_start(&k), 0);
			err = kit_load_blob(&k, 0, blob, 0);
			CHECK(
			    err == 0 || err == -TN_ENOMEM || err == -TN_ENOSPC);
			CHECK(err == 0 || k.diag.error == err);
			CHECK_MEM(k.region, blob.p, blob.n);
			fits = err == 0;
			CHECK(kit_close(&k));
		}
		CHECK(fits);
	}
}
