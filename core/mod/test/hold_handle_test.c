/* SPDX-License-Identifier: MIT */
/*
 * Handles have holders too: the module whose code has taken them, in whose
 * ledger they are, and a name that the system keeps.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/interfaces.h>
#include <test/test.h>

#include "holding.h"

TEST(hold, by_a_handle_is_in_the_modules_ledger_and_goes_with_it)
{
	struct tn_handle h;

	HOLDING_OPEN();
	CHECK_EQ(holding_load_keeper(NULL), 0);
	CHECK_EQ(world_function(holding.keeper, "keeper_handle")(
		     (uintptr_t)holding.base, (uintptr_t)&h),
	    0);
	CHECK_STR(holding_ledger(holding.keeper), "handle: base; ");
	CHECK(holding_refused(
	    "Module base is in use by a keeper's own name (handle "
	    "taken at 0x"));
	CHECK(holding_lies_in(holding.keeper, holding.w.diag.holders[0].site));
	CHECK_EQ(world_unload(&holding.w, holding.keeper), 0);
	CHECK_STR(holding.log, "keeper: took back 1 handle");
	CHECK_EQ(tn_handle_put(h), -TN_ESTALE);
	CHECK_EQ(world_unload(&holding.w, holding.base), 0);
	holding_close();
}

static bool keeper_takes_a_handle(struct tn_handle *h)
{
	return EXPECT(world_function(holding.keeper, "keeper_handle")(
			  (uintptr_t)holding.base, (uintptr_t)h) == 0);
}

/* Its thread can take the slot of @h again. */
static bool is_free(struct tn_handle h)
{
	return h.slot->returned == h.slot->sequence;
}

TEST(hold, by_a_handle_that_was_revoked_goes_with_its_module)
{
	const struct tn_unload_args force = { .size = sizeof(force),
		.flags = TN_UNLOAD_FORCE };
	struct tn_handle h;

	HOLDING_OPEN();
	CHECK_EQ(holding_load_keeper(NULL), 0);
	CHECK(keeper_takes_a_handle(&h));
	CHECK_EQ(tn_unload_with(holding.w.sys, holding.base, &force, NULL), 0);
	CHECK(!tn_handle_is_held(h));
	CHECK_STR(holding_ledger(holding.keeper), "");
	CHECK(!is_free(h));
	CHECK_EQ(world_unload(&holding.w, holding.keeper), 0);
	CHECK(is_free(h));
	holding_close();
}

/* The last one loaded goes first, and is held by the other until then. */
TEST(hold, by_a_handle_goes_with_its_module_in_a_set)
{
	struct tn_module *set[2];
	struct tn_handle h;

	HOLDING_OPEN();
	CHECK_EQ(holding_load_keeper(NULL), 0);
	CHECK_EQ(world_unload(&holding.w, holding.base), 0);
	holding.base = NULL;
	CHECK(holding_load_base());
	CHECK(keeper_takes_a_handle(&h));
	set[0] = holding.keeper;
	set[1] = holding.base;
	CHECK_EQ(tn_unload_set(holding.w.sys, set, 2, NULL, NULL), 0);
	CHECK(!tn_handle_is_held(h));
	CHECK(is_free(h));
	holding_close();
}

/* Whoever gave the name may be gone when it is shown: the copy stays. */
TEST(hold, by_a_handle_has_a_name_of_its_own)
{
	struct tn_handle h;
	char *name = strdup("a name that goes away");

	CHECK(holding_open());
	CHECK(name != NULL);
	CHECK_EQ(tn_handle_get(holding.base, name, &h), 0);
	memset(name, '#', strlen(name));
	free(name);
	CHECK(holding_refused(
	    "Module base is in use by a name that goes away (handle"));
	CHECK_EQ(tn_handle_put(h), 0);
	CHECK_EQ(world_unload(&holding.w, holding.base), 0);
	holding_close();
}

/* The address of a name is a hint where its copy is, and nothing more. */
TEST(hold, by_a_handle_has_the_name_that_is_there_when_it_is_taken)
{
	static const char *const names[] = { "one", "another", "an", "one" };
	static char name[8];
	struct tn_handle h;

	CHECK(holding_open());
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char text[64];

		strcpy(name, names[i]);
		CHECK_EQ(tn_handle_get(holding.base, name, &h), 0);
		strcpy(name, "#######");
		snprintf(text, sizeof(text),
		    "Module base is in use by %s (handle", names[i]);
		CHECK(holding_refused(text));
		CHECK_EQ(tn_handle_put(h), 0);
	}
	CHECK_EQ(world_unload(&holding.w, holding.base), 0);
	holding_close();
}

TEST(hold, by_ever_new_names_takes_bounded_memory)
{
	struct tn_handle h;
	uint64_t before = 0;
	char name[80];

	CHECK(holding_open());
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name),
		    "%d: a name that is longer than the name of a module may "
		    "be",
		    i);
		CHECK_EQ(tn_handle_get(holding.base, name, &h), 0);
		CHECK_EQ(tn_handle_put(h), 0);
		if (i == 1500)
			before = world_state(&holding.w);
	}
	CHECK_EQ(world_state(&holding.w), before);
	CHECK_EQ(tn_handle_get(holding.base, "one more", &h), 0);
	CHECK(holding_refused(
	    "Module base is in use by one of many holders (handle"));
	CHECK_EQ(tn_handle_put(h), 0);
	CHECK_EQ(world_unload(&holding.w, holding.base), 0);
	holding_close();
}

TEST(hold, by_many_is_cut_in_the_sentence_and_whole_in_the_list)
{
	enum {
		MANY = 40
	};
	static struct tn_handle h[MANY];
	char name[24], text[4096];

	CHECK(holding_open());
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "holder%d", i);
		CHECK_EQ(tn_handle_get(holding.base, name, &h[i]), 0);
	}
	CHECK_EQ(
	    tn_unload(holding.w.sys, holding.base, &holding.w.diag), -TN_EBUSY);
	CHECK_EQ(holding.w.diag.nholders, MANY);
	const size_t n = tn_diag_text(&holding.w.diag, text, sizeof(text));

	CHECK(n < sizeof(text));
	CHECK_STR(text + n - strlen(" and 24 more"), " and 24 more");
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(tn_handle_put(h[i]), 0);
	CHECK_EQ(world_unload(&holding.w, holding.base), 0);
	holding_close();
}
