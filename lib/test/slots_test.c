/* SPDX-License-Identifier: MIT */
/*
 * Slots of a process: what tn_slots_open adds to a configuration, and what is
 * left of a manager after fork.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <tenon/tenon.h>
#include <test/sandbox.h>
#include <test/sanitized.h>
#include <test/test.h>

#include "kit.h"

#define CAPACITY ((size_t)512 << 10)

static struct tn_slots_config config(void)
{
	return (struct tn_slots_config){ .size = sizeof(struct tn_slots_config),
		.abi = 1,
		.slot_count = 2,
		.slot_capacity = CAPACITY };
}

static const int64_t args[4] = { 40, 2 };

static int load(struct tn_slots *slots, uint32_t slot, const char *name)
{
	size_t n = 0;
	const void *bytes = kit_blob(name, &n);

	if (bytes == NULL ||
	    tn_slot_register(slots, slot, bytes, n, TN_SLOT_OVERWRITE) != 0)
		return -TN_EIO;
	return tn_slot_load(slots, slot, NULL);
}

TEST(slots, import_the_guaranteed_symbols_when_imports_are_on)
{
	NEED_MODULES();
	struct tn_slots_config c = config();
	struct tn_slots *slots;
	int64_t sum = 0;

	CHECK_EQ(tn_slots_open(&c, &slots), 0);
	CHECK_EQ(load(slots, 0, "hello"), TN_SLOT_NOT_SUPPORTED);
	CHECK_EQ(tn_slots_shutdown(slots, NULL), 0);
	c.flags = TN_SLOTS_IMPORTS;
	CHECK_EQ(tn_slots_open(&c, &slots), 0);
	CHECK_EQ(load(slots, 0, "hello"), 0);
	CHECK_EQ(tn_slot_call(slots, 0, "hello_add", args, &sum), 0);
	CHECK_EQ(sum, 42);
	CHECK_EQ(tn_slots_shutdown(slots, NULL), 0);
}

TEST(slots, refuse_what_they_cannot_be)
{
	struct tn_slots_config c = config();
	struct tn_slots *slots;
	char table[4096];

	c.table = table;
	c.table_size = sizeof(table);
	CHECK_EQ(tn_slots_open(&c, &slots), TN_SLOT_INVALID_ARGS);
	c = config();
	c.size--;
	CHECK_EQ(tn_slots_open(&c, &slots), TN_SLOT_INVALID_ARGS);
	c = config();
	c.slot_count = UINT32_MAX;
	c.pool = table;
	c.pool_size = sizeof(table);
	CHECK_EQ(tn_slots_open(&c, &slots), TN_SLOT_OUT_OF_RANGE);
}

/* Their table would be larger than what the process may map. */
static int open_too_many(void)
{
	const struct rlimit little = { 64u << 20, 64u << 20 };
	struct tn_slots_config c = config();
	struct tn_slots *slots;

	c.slot_count = 1u << 24;
	if (setrlimit(RLIMIT_AS, &little) != 0 ||
	    setrlimit(RLIMIT_DATA, &little) != 0)
		return SANDBOX_NONE;
	void *p = mmap(NULL, 128u << 20, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p != MAP_FAILED)
		return SANDBOX_NONE; /* an emulator keeps no limit */
	return tn_slots_open(&c, &slots) == -TN_ENOMEM ? 0 : 1;
}

TEST(slots, may_be_short_of_memory)
{
	if (TEST_SANITIZED)
		SKIP("calloc ends the process when there is no memory");
	CHECK_IN_CHILD(open_too_many);
}

static void note(void *arg)
{
	++*(int *)arg;
}

TEST(slots, say_when_they_are_gone)
{
	NEED_MODULES();
	struct tn_slots_config c = config();
	struct tn_slots *slots;
	struct tn_slot_handle h;
	int released = 0;

	c.released = note;
	c.released_arg = &released;
	c.flags = TN_SLOTS_IMPORTS;
	CHECK_EQ(tn_slots_open(&c, &slots), 0);
	CHECK_EQ(load(slots, 1, "hello"), 0);
	CHECK_EQ(tn_slot_acquire(slots, 1, "test", &h), 0);
	tn_slots_abandon(slots);
	CHECK_EQ(released, 0);
	CHECK_EQ(tn_slot_release(&h), 0);
	CHECK_EQ(released, 1);
}

static struct {
	struct tn_slots *slots;
	struct tn_slot_handle h;
} family;

/* In a child, which tells by its status how far it has come. */
static int use_and_end(void)
{
	struct tn_slots *const slots = family.slots;
	int64_t sum = 0;

	if (tn_slot_call(slots, 0, "hello_add", args, &sum) != 0 || sum != 42)
		return 1;
	if (tn_slot_handle_call(&family.h, "hello_add", args, &sum) != 0)
		return 2;
	if (tn_slot_unload(slots, 0, NULL) != TN_SLOT_BUSY)
		return 3;
	if (tn_slot_release(&family.h) != 0 ||
	    tn_slot_unload(slots, 0, NULL) != 0)
		return 4;
	return tn_slots_shutdown(slots, NULL) == 0 ? 0 : 5;
}

TEST(slots, go_on_in_a_child_of_fork)
{
	NEED_MODULES();
	for (int fixed = 0; fixed < 2; fixed++) {
		struct tn_slots_config c = config();
		int64_t sum;

		c.flags = TN_SLOTS_IMPORTS;
		c.pool_size = 2 * CAPACITY;
		c.pool = fixed ? mmap(NULL, c.pool_size, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
			       : NULL;
		CHECK_EQ(tn_slots_open(&c, &family.slots), 0);
		CHECK_EQ(load(family.slots, 0, "hello"), 0);
		CHECK_EQ(
		    tn_slot_acquire(family.slots, 0, "test", &family.h), 0);
		CHECK_IN_CHILD(use_and_end);
		/* and in the parent, where nothing was given up */
		CHECK_EQ(
		    tn_slot_handle_call(&family.h, "hello_add", args, &sum), 0);
		CHECK_EQ(tn_slots_shutdown(family.slots, NULL), TN_SLOT_BUSY);
		CHECK_EQ(tn_slot_release(&family.h), 0);
		CHECK_EQ(tn_slots_shutdown(family.slots, NULL), 0);
		if (fixed)
			munmap(c.pool, c.pool_size);
	}
}
