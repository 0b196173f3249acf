/* SPDX-License-Identifier: MIT */
/*
 * References have holders: a module, which is known whatever way it takes them,
 * or the program. They are in its ledger and in refusals, nobody gives back
 * what is another's, and what a holder leaves behind the engine gives back.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tenon/inspect.h>
#include <tenon/interfaces.h>
#include <tenon/ledger.h>
#include <tenon/registry.h>
#include <test/test.h>

#include "holding.h"

/* --- who it is */

TEST(hold, of_the_program_is_named_with_number_place_and_time)
{
	const struct tn_holder *h;

	PROVES("L19 L20");
	CHECK(holding_open());
	CHECK(tn_module_get(holding.base));
	CHECK(holding_refused(
	    "Module base is in use by the program (reference taken "
	    "at 0x"));
	h = holding.w.diag.holders;
	CHECK_EQ(holding.w.diag.nholders, 1);
	CHECK_EQ(h->kind, TN_HOLDER_REFERENCE);
	CHECK_EQ(h->count, 1);
	CHECK(h->site != NULL);
	CHECK(!holding_lies_in(holding.base, h->site));
	CHECK(h->age_ns < UINT64_C(3600000000000));
	CHECK(tn_module_find(holding.w.sys, "base") == holding.base);
	CHECK(tn_module_first(holding.w.sys) == holding.base);
	CHECK(holding_refused(
	    "Module base is in use by the program (3 references, "
	    "the last taken at 0x"));
	CHECK_EQ(holding.w.diag.value, 3);
	CHECK(tn_module_next(holding.base) == NULL);
	tn_module_put(holding.base);
	tn_module_put(holding.base);
	CHECK_EQ(world_unload(&holding.w, holding.base), 0);
	holding_close();
}

TEST(hold, of_a_module_is_named_and_in_its_ledger)
{
	const struct tn_holder *h;

	PROVES("L04 L19 L20");
	HOLDING_OPEN();
	CHECK_EQ(holding_load_keeper(NULL), 0);
	TAKE();
	CHECK_STR(holding_ledger(holding.keeper), "reference: 1 of base; ");
	CHECK_EQ(tn_ledger_count(holding.keeper, NULL), 1);
	TAKE();
	CHECK_STR(holding_ledger(holding.keeper), "reference: 2 of base; ");
	CHECK_EQ(tn_ledger_count(holding.keeper, NULL), 1);
	CHECK(holding_refused(
	    "Module base is in use by keeper (2 references, the last "
	    "taken at 0x"));
	h = holding.w.diag.holders;
	CHECK_EQ(holding.w.diag.nholders, 1);
	CHECK_EQ(h->count, 2);
	CHECK(holding_lies_in(holding.keeper, h->site));
	CHECK(tn_module_get(holding.base));
	CHECK(
	    holding_refused("Module base is in use by keeper (2 references, "));
	CHECK_EQ(holding.w.diag.nholders, 2);
	CHECK_STR(holding.w.diag.holders[1].name, "the program");
	tn_module_put(holding.base);
	GIVE();
	GIVE();
	CHECK_STR(holding_ledger(holding.keeper), "");
	CHECK_EQ(holding_refs(holding.base), 0);
	CHECK_STR(holding.log, "");
	CHECK_EQ(world_unload(&holding.w, holding.base), 0);
	CHECK_EQ(world_unload(&holding.w, holding.keeper), 0);
	holding_close();
}

/* A file that imports the symbols themselves is known by where it calls. */
TEST(hold, of_a_module_that_calls_the_bare_symbols_is_its_own_too)
{
	HOLDING_OPEN();
	CHECK_EQ(holding_load_keeper(NULL), 0);
	TAKE_BARE(); /* two */
	CHECK_STR(holding_ledger(holding.keeper), "reference: 2 of base; ");
	CHECK(
	    holding_refused("Module base is in use by keeper (2 references, "));
	CHECK(holding_lies_in(holding.keeper, holding.w.diag.holders[0].site));
	GIVE_BARE();
	GIVE();
	CHECK_STR(holding_ledger(holding.keeper), "");
	CHECK_EQ(world_unload(&holding.w, holding.base), 0);
	CHECK_EQ(world_unload(&holding.w, holding.keeper), 0);
	holding_close();
}

/*
 * What the bare names promise of a call that is the last thing that a function
 * does: it is its caller's, so it stays when the module goes.
 */
TEST(hold, by_a_bare_name_in_a_jump_is_the_callers)
{
	struct author a;
	struct tn_module *mod;
	uint32_t symbol;

	CHECK(holding_open());
	a = author_new(isa_here()->machine, "jumper");
	symbol = author_jump(&a, "jumper_take", "try_module_get");
	author_export(&a,
	    (struct author_export){ .name = "jumper_take", .symbol = symbol });
	CHECK_EQ(world_load(&holding.w, a.o, 0, &mod), 0);
	CHECK((world_function(mod, "jumper_take")((uintptr_t)holding.base, 0) &
		  1) != 0);
	CHECK_STR(holding_ledger(mod), "");
	CHECK_EQ(world_unload(&holding.w, mod), 0);
	CHECK(holding_refused("Module base is in use by the program (ref"));
	tn_module_put(holding.base);
	CHECK_EQ(world_unload(&holding.w, holding.base), 0);
	author_free(&a);
	holding_close();
}

TEST(hold, of_itself_is_named_as_its_own)
{
	HOLDING_OPEN();
	CHECK_EQ(holding_load_keeper(NULL), 0);
	CHECK_EQ(world_unload(&holding.w, holding.base), 0);
	holding.base = holding.keeper;
	TAKE();
	CHECK(holding_refused(
	    "Module keeper is in use by keeper (reference taken at"));
	GIVE();
	CHECK_EQ(world_unload(&holding.w, holding.keeper), 0);
	holding_close();
}

/* --- whose it is */

TEST(hold, of_another_is_not_given_back)
{
	HOLDING_OPEN();
	CHECK_EQ(holding_load_keeper(NULL), 0);
	TAKE();
	tn_module_put(holding.base);
	CHECK_STR(holding.log,
	    "the program: module_put of base, of which it holds "
	    "no reference");
	CHECK_EQ(holding_refs(holding.base), 1);
	CHECK(tn_module_get(holding.base));
	GIVE();
	GIVE();
	CHECK_STR(holding.log,
	    "keeper: module_put of base, of which it holds no reference");
	CHECK_EQ(holding_refs(holding.base), 1);
	tn_module_put(holding.base);
	CHECK_EQ(holding_refs(holding.base), 0);
	CHECK_EQ(world_unload(&holding.w, holding.base), 0);
	CHECK_EQ(world_unload(&holding.w, holding.keeper), 0);
	holding_close();
}

/* --- what is left behind */

TEST(hold, that_a_module_leaves_behind_is_given_back)
{
	PROVES("L04");
	HOLDING_OPEN();
	CHECK_EQ(holding_load_keeper(NULL), 0);
	TAKE();
	TAKE();
	CHECK_EQ(tn_unload(holding.w.sys, holding.keeper, NULL), 0);
	CHECK_STR(holding.log, "keeper: took back 1 reference");
	CHECK_EQ(holding_refs(holding.base), 0);
	/* the name of its holder went with it */
	CHECK_EQ(tn_module_forget(holding.w.sys, holding.keeper), 0);
	CHECK_EQ(tn_unload(holding.w.sys, holding.base, &holding.w.diag), 0);
	CHECK_EQ(tn_module_forget(holding.w.sys, holding.base), 0);
	holding_close();
}

TEST(hold, that_a_failing_init_has_taken_is_given_back)
{
	char params[96];

	PROVES("L17");
	HOLDING_OPEN();
	const uint64_t before = world_state(&holding.w);

	snprintf(params, sizeof(params), "target=%lu times=3 fail",
	    (unsigned long)(uintptr_t)holding.base);
	CHECK_EQ(holding_load_keeper(params), -TN_EIO);
	CHECK_STR(holding.log, "keeper: took back 1 reference");
	CHECK_EQ(holding_refs(holding.base), 0);
	tn_diag_fini(&holding.w.diag);
	CHECK_EQ(world_state(&holding.w), before);
	CHECK_EQ(world_unload(&holding.w, holding.base), 0);
	holding_close();
}

TEST(hold, that_init_has_taken_shows_text_that_stays)
{
	char params[96];

	HOLDING_OPEN();
	snprintf(params, sizeof(params), "target=%lu",
	    (unsigned long)(uintptr_t)holding.base);
	CHECK_EQ(holding_load_keeper(params), 0);
	CHECK(holding_refused(
	    "Module base is in use by keeper (reference taken at"));
	CHECK(holding_lies_in(holding.keeper, holding.w.diag.holders[0].site));
	CHECK_EQ(world_unload(&holding.w, holding.keeper), 0);
	CHECK_EQ(world_unload(&holding.w, holding.base), 0);
	holding_close();
}

TEST(hold, on_what_was_unloaded_by_force_stays_until_it_is_given_back)
{
	const struct tn_unload_args force = { .size = sizeof(force),
		.flags = TN_UNLOAD_FORCE };

	HOLDING_OPEN();
	CHECK_EQ(holding_load_keeper(NULL), 0);
	TAKE();
	CHECK_EQ(tn_unload_with(holding.w.sys, holding.base, &force, NULL), 0);
	CHECK_EQ(holding_call("keeper_take") & 1, 0);
	CHECK_STR(holding_ledger(holding.keeper), "reference: 1 of base; ");
	CHECK_EQ(tn_module_forget(holding.w.sys, holding.base), -TN_EBUSY);
	CHECK(holding_load_base());
	CHECK(holding_refused(
	    "Module base is in use by keeper (reference taken at"));
	GIVE();
	CHECK_EQ(world_unload(&holding.w, holding.base), 0);
	CHECK_EQ(world_unload(&holding.w, holding.keeper), 0);
	holding_close();
}

/* --- many */

/* Tables of any size: a holder of many, and many pairs in one bucket. */
TEST(hold, of_many_modules_is_found_in_each)
{
	enum {
		MANY = 200
	};
	static struct tn_module *mod[MANY];
	char name[16];

	HOLDING_OPEN();
	CHECK_EQ(holding_load_keeper(NULL), 0);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		struct author a = author_new(isa_here()->machine, name);

		CHECK_EQ(world_load(&holding.w, a.o, 0, &mod[i]), 0);
		author_free(&a);
		CHECK(tn_module_get(mod[i]));
		CHECK((world_function(holding.keeper, "keeper_take")(
			   (uintptr_t)mod[i], 0) &
			  1) != 0);
	}
	CHECK_EQ(tn_ledger_count(holding.keeper, NULL), MANY);
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(holding_refs(mod[i]), 2);
		tn_module_put(mod[i]);
	}
	CHECK_EQ(world_unload(&holding.w, holding.keeper), 0);
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(world_unload(&holding.w, mod[i]), 0);
	CHECK_EQ(world_unload(&holding.w, holding.base), 0);
	holding_close();
}

/* --- failures */

TEST(hold, fails_at_every_call)
{
	struct tn_handle first;
	unsigned n = 0;
	bool reached = true;

	HOLDING_OPEN();
	rig_arm(&holding.w.rig, 1);
	CHECK_EQ(tn_handle_get(holding.base, "none", &first), -TN_ENOMEM);
	rig_arm(&holding.w.rig, 0);
	CHECK_EQ(holding_load_keeper(NULL), 0);
	while (reached) {
		const uint64_t before = world_state(&holding.w);

		rig_arm(&holding.w.rig, ++n);
		const bool got = (holding_call("keeper_take") & 1) != 0;

		reached = holding.w.rig.calls >= n;
		rig_arm(&holding.w.rig, 0);
		CHECK_EQ(got, !reached);
		if (reached)
			CHECK_EQ(world_state(&holding.w), before);
	}
	CHECK_EQ(n, 2); /* the record */
	/* one more needs no memory */
	rig_arm(&holding.w.rig, 1);
	TAKE();
	rig_arm(&holding.w.rig, 0);
	CHECK_EQ(holding.w.rig.calls, 0);
	GIVE();
	GIVE();
	CHECK_EQ(tn_handle_get(holding.base, "old", &first), 0); /* the table */
	CHECK_EQ(tn_handle_put(first), 0);
	for (n = 1, reached = true; reached; n++) {
		struct tn_handle h;
		const uint64_t before = world_state(&holding.w);

		rig_arm(&holding.w.rig, n);
		const int err = tn_handle_get(holding.base, "new", &h);

		reached = holding.w.rig.calls >= n;
		rig_arm(&holding.w.rig, 0);
		CHECK_EQ(err, reached ? -TN_ENOMEM : 0);
		if (reached)
			CHECK_EQ(world_state(&holding.w), before);
		else
			CHECK_EQ(tn_handle_put(h), 0);
	}
	CHECK_EQ(world_unload(&holding.w, holding.keeper), 0);
	CHECK_EQ(world_unload(&holding.w, holding.base), 0);
	holding_close();
}

/* --- a storm */

#define THREADS 3
#define TIMES   100 /* that it goes, and is had */

static atomic_bool over;
static atomic_int taken;

static void *take_and_give(void *arg)
{
	const bool by_module = arg != NULL;

	while (!atomic_load(&over)) {
		const bool got = by_module
				     ? (holding_call("keeper_take") & 1) != 0
				     : tn_module_get(holding.base);

		if (!got)
			continue;
		atomic_fetch_add(&taken, 1);
		if (by_module)
			GIVE();
		else
			tn_module_put(holding.base);
		/* sometimes nobody has any */
		sched_yield();
	}
	return NULL;
}

/* A get succeeds only while the module runs, and is always given back. */
TEST(hold, storm_of_holders_meets_a_module_that_comes_and_goes)
{
	pthread_t thread[THREADS];
	const time_t last = time(NULL) + 30;
	int gone = 0;

	PROVES("L21");
	HOLDING_OPEN();
	CHECK_EQ(holding_load_keeper(NULL), 0);
	atomic_store(&over, false);
	atomic_store(&taken, 0);
	for (intptr_t i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(
			     &thread[i], NULL, take_and_give, (void *)(i % 2)),
		    0);
	while ((gone < TIMES || atomic_load(&taken) < TIMES) &&
	       time(NULL) < last) {
		const int err = tn_unload(holding.w.sys, holding.base, NULL);

		EXPECT(err == 0 || err == -TN_EBUSY);
		if (err != 0)
			continue;
		gone++;
		EXPECT(holding_load_base());
	}
	atomic_store(&over, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	EXPECT(gone >= TIMES);
	CHECK_EQ(holding_refs(holding.base), 0);
	CHECK_STR(holding_ledger(holding.keeper), "");
	CHECK_STR(holding.log, "");
	CHECK_EQ(world_unload(&holding.w, holding.base), 0);
	CHECK_EQ(world_unload(&holding.w, holding.keeper), 0);
	holding_close();
}
