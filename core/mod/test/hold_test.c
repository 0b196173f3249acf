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

#include "files.h"
#include "world.h"

static struct {
	struct world w;
	struct author base_file;
	struct file_path keeper_file;
	struct tn_module *base, *keeper;
	struct tn_export *exports;
	char log[256];
} at;

static void keep_log(void *ctx, enum tn_log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	snprintf(at.log, sizeof(at.log), "%s", text);
}

static int load_keeper(const char *params)
{
	const struct tn_load_args args = { .size = sizeof(args),
		.path = at.keeper_file.text,
		.params = params };

	tn_diag_fini(&at.w.diag);
	return tn_load(at.w.sys, &args, &at.keeper, &at.w.diag);
}

static bool load_base(void)
{
	struct tn_module *mod;

	if (world_load(&at.w, at.base_file.o, 0, &mod) != 0)
		return false;
	if (at.base == NULL) /* else others look at it, and it is the same */
		at.base = mod;
	return at.base == mod;
}

/* The guaranteed symbols, and tn_handle_get. */
static bool open_world(void)
{
	const size_t n = tn_guaranteed_count;

	at.exports = calloc(n + 1, sizeof(*at.exports));
	if (at.exports == NULL)
		return false;
	memcpy(at.exports, tn_guaranteed, n * sizeof(*at.exports));
	at.exports[n] = (struct tn_export)WORLD_EXPORT(tn_handle_get);
	return world_open(&at.w, at.exports, n + 1);
}

static bool begin(void)
{
	memset(&at, 0, sizeof(at));
	at.base_file = author_new(isa_here()->machine, "base");
	if (!open_world())
		return false;
	at.w.rig.port.log = keep_log;
	return load_base();
}

static void end(void)
{
	author_free(&at.base_file);
	CHECK(world_close(&at.w));
	free(at.exports);
}

#define BEGIN()                                                                \
	do {                                                                   \
		CHECK(begin());                                                \
		if (!file_of_module(                                           \
			&at.keeper_file, isa_here()->name, "keeper")) {        \
			CHECK_EQ(world_unload(&at.w, at.base), 0);             \
			end();                                                 \
			SKIP("module files are not built");                    \
		}                                                              \
	} while (0)

static uint32_t refs_of(struct tn_module *mod)
{
	struct tn_module_info info;

	tn_module_info(mod, &info);
	return info.refs;
}

/* Calls the keeper's function @name on the base. */
static uint64_t keeper(const char *name)
{
	return world_function(at.keeper, name)((uintptr_t)at.base, 0);
}

#define TAKE()      EXPECT((keeper("keeper_take") & 1) != 0)
#define GIVE()      (void)keeper("keeper_give")
#define TAKE_BARE() EXPECT((keeper("keeper_take_bare") & 1) != 0)
#define GIVE_BARE() (void)keeper("keeper_give_bare")

/* Is an unload of the base refused, in words that begin so? */
static bool refused(const char *start)
{
	char text[256];

	if (!EXPECT(tn_unload(at.w.sys, at.base, &at.w.diag) == -TN_EBUSY))
		return false;
	tn_diag_text(&at.w.diag, text, sizeof(text));
	return strncmp(text, start, strlen(start)) == 0 ||
	       (test_write(text, strlen(text)), false);
}

static bool lies_in(const struct tn_module *mod, const void *site)
{
	struct tn_location where;

	return tn_symbolize(at.w.sys, (uintptr_t)site, &where) == 0 &&
	       where.module == mod;
}

static int list_item(void *arg, const struct tn_ledger_item *item)
{
	char *text = arg;
	const size_t n = strlen(text);

	if (strcmp(item->type, "export") != 0)
		snprintf(text + n, 256 - n, "%s: %s; ", item->type, item->text);
	return 0;
}

static const char *ledger_of(struct tn_module *mod)
{
	static char text[256];

	text[0] = '\0';
	(void)tn_ledger_each(mod, list_item, text);
	return text;
}

/* --- who it is */

TEST(hold, of_the_program_is_named_with_number_place_and_time)
{
	const struct tn_holder *h;

	PROVES("L19 L20");
	CHECK(begin());
	CHECK(tn_module_get(at.base));
	CHECK(refused("Module base is in use by the program (reference taken "
		      "at 0x"));
	h = at.w.diag.holders;
	CHECK_EQ(at.w.diag.nholders, 1);
	CHECK_EQ(h->kind, TN_HOLDER_REFERENCE);
	CHECK_EQ(h->count, 1);
	CHECK(h->site != NULL);
	CHECK(!lies_in(at.base, h->site));
	CHECK(h->age_ns < UINT64_C(3600000000000));
	CHECK(tn_module_find(at.w.sys, "base") == at.base);
	CHECK(tn_module_first(at.w.sys) == at.base);
	CHECK(refused("Module base is in use by the program (3 references, "
		      "the last taken at 0x"));
	CHECK_EQ(at.w.diag.value, 3);
	CHECK(tn_module_next(at.base) == NULL);
	tn_module_put(at.base);
	tn_module_put(at.base);
	CHECK_EQ(world_unload(&at.w, at.base), 0);
	end();
}

TEST(hold, of_a_module_is_named_and_in_its_ledger)
{
	const struct tn_holder *h;

	PROVES("L04 L19 L20");
	BEGIN();
	CHECK_EQ(load_keeper(NULL), 0);
	TAKE();
	CHECK_STR(ledger_of(at.keeper), "reference: 1 of base; ");
	CHECK_EQ(tn_ledger_count(at.keeper, NULL), 1);
	TAKE();
	CHECK_STR(ledger_of(at.keeper), "reference: 2 of base; ");
	CHECK_EQ(tn_ledger_count(at.keeper, NULL), 1);
	CHECK(refused("Module base is in use by keeper (2 references, the last "
		      "taken at 0x"));
	h = at.w.diag.holders;
	CHECK_EQ(at.w.diag.nholders, 1);
	CHECK_EQ(h->count, 2);
	CHECK(lies_in(at.keeper, h->site));
	CHECK(tn_module_get(at.base));
	CHECK(refused("Module base is in use by keeper (2 references, "));
	CHECK_EQ(at.w.diag.nholders, 2);
	CHECK_STR(at.w.diag.holders[1].name, "the program");
	tn_module_put(at.base);
	GIVE();
	GIVE();
	CHECK_STR(ledger_of(at.keeper), "");
	CHECK_EQ(refs_of(at.base), 0);
	CHECK_STR(at.log, "");
	CHECK_EQ(world_unload(&at.w, at.base), 0);
	CHECK_EQ(world_unload(&at.w, at.keeper), 0);
	end();
}

/* A file that imports the symbols themselves is known by where it calls. */
TEST(hold, of_a_module_that_calls_the_bare_symbols_is_its_own_too)
{
	BEGIN();
	CHECK_EQ(load_keeper(NULL), 0);
	TAKE_BARE(); /* two */
	CHECK_STR(ledger_of(at.keeper), "reference: 2 of base; ");
	CHECK(refused("Module base is in use by keeper (2 references, "));
	CHECK(lies_in(at.keeper, at.w.diag.holders[0].site));
	GIVE_BARE();
	GIVE();
	CHECK_STR(ledger_of(at.keeper), "");
	CHECK_EQ(world_unload(&at.w, at.base), 0);
	CHECK_EQ(world_unload(&at.w, at.keeper), 0);
	end();
}

TEST(hold, of_itself_is_named_as_its_own)
{
	BEGIN();
	CHECK_EQ(load_keeper(NULL), 0);
	CHECK_EQ(world_unload(&at.w, at.base), 0);
	at.base = at.keeper;
	TAKE();
	CHECK(refused("Module keeper is in use by keeper (reference taken at"));
	GIVE();
	CHECK_EQ(world_unload(&at.w, at.keeper), 0);
	end();
}

/* --- whose it is */

TEST(hold, of_another_is_not_given_back)
{
	BEGIN();
	CHECK_EQ(load_keeper(NULL), 0);
	TAKE();
	tn_module_put(at.base);
	CHECK_STR(at.log, "the program: module_put of base, of which it holds "
			  "no reference");
	CHECK_EQ(refs_of(at.base), 1);
	CHECK(tn_module_get(at.base));
	GIVE();
	GIVE();
	CHECK_STR(at.log,
	    "keeper: module_put of base, of which it holds no reference");
	CHECK_EQ(refs_of(at.base), 1);
	tn_module_put(at.base);
	CHECK_EQ(refs_of(at.base), 0);
	CHECK_EQ(world_unload(&at.w, at.base), 0);
	CHECK_EQ(world_unload(&at.w, at.keeper), 0);
	end();
}

/* --- what is left behind */

TEST(hold, that_a_module_leaves_behind_is_given_back)
{
	PROVES("L04");
	BEGIN();
	CHECK_EQ(load_keeper(NULL), 0);
	TAKE();
	TAKE();
	CHECK_EQ(tn_unload(at.w.sys, at.keeper, NULL), 0);
	CHECK_STR(at.log, "keeper: took back 1 reference");
	CHECK_EQ(refs_of(at.base), 0);
	/* the name of its holder went with it */
	CHECK_EQ(tn_module_forget(at.w.sys, at.keeper), 0);
	CHECK_EQ(tn_unload(at.w.sys, at.base, &at.w.diag), 0);
	CHECK_EQ(tn_module_forget(at.w.sys, at.base), 0);
	end();
}

TEST(hold, that_a_failing_init_has_taken_is_given_back)
{
	char params[96];

	PROVES("L17");
	BEGIN();
	const uint64_t before = world_state(&at.w);

	snprintf(params, sizeof(params), "target=%lu times=3 fail",
	    (unsigned long)(uintptr_t)at.base);
	CHECK_EQ(load_keeper(params), -TN_EIO);
	CHECK_STR(at.log, "keeper: took back 1 reference");
	CHECK_EQ(refs_of(at.base), 0);
	tn_diag_fini(&at.w.diag);
	CHECK_EQ(world_state(&at.w), before);
	CHECK_EQ(world_unload(&at.w, at.base), 0);
	end();
}

TEST(hold, that_init_has_taken_shows_text_that_stays)
{
	char params[96];

	BEGIN();
	snprintf(params, sizeof(params), "target=%lu",
	    (unsigned long)(uintptr_t)at.base);
	CHECK_EQ(load_keeper(params), 0);
	CHECK(refused("Module base is in use by keeper (reference taken at"));
	CHECK(lies_in(at.keeper, at.w.diag.holders[0].site));
	CHECK_EQ(world_unload(&at.w, at.keeper), 0);
	CHECK_EQ(world_unload(&at.w, at.base), 0);
	end();
}

TEST(hold, on_what_was_unloaded_by_force_stays_until_it_is_given_back)
{
	const struct tn_unload_args force = { .size = sizeof(force),
		.flags = TN_UNLOAD_FORCE };

	BEGIN();
	CHECK_EQ(load_keeper(NULL), 0);
	TAKE();
	CHECK_EQ(tn_unload_with(at.w.sys, at.base, &force, NULL), 0);
	CHECK_EQ(keeper("keeper_take") & 1, 0);
	CHECK_STR(ledger_of(at.keeper), "reference: 1 of base; ");
	CHECK_EQ(tn_module_forget(at.w.sys, at.base), -TN_EBUSY);
	CHECK(load_base());
	CHECK(refused("Module base is in use by keeper (reference taken at"));
	GIVE();
	CHECK_EQ(world_unload(&at.w, at.base), 0);
	CHECK_EQ(world_unload(&at.w, at.keeper), 0);
	end();
}

/* --- handles */

TEST(hold, by_a_handle_is_in_the_modules_ledger_and_goes_with_it)
{
	struct tn_handle h;

	BEGIN();
	CHECK_EQ(load_keeper(NULL), 0);
	CHECK_EQ(world_function(at.keeper, "keeper_handle")(
		     (uintptr_t)at.base, (uintptr_t)&h),
	    0);
	CHECK_STR(ledger_of(at.keeper), "handle: base; ");
	CHECK(refused("Module base is in use by a keeper's own name (handle "
		      "taken at 0x"));
	CHECK(lies_in(at.keeper, at.w.diag.holders[0].site));
	CHECK_EQ(world_unload(&at.w, at.keeper), 0);
	CHECK_STR(at.log, "keeper: took back 1 handle");
	CHECK_EQ(tn_handle_put(h), -TN_ESTALE);
	CHECK_EQ(world_unload(&at.w, at.base), 0);
	end();
}

/* Whoever gave the name may be gone when it is shown: the copy stays. */
TEST(hold, by_a_handle_has_a_name_of_its_own)
{
	struct tn_handle h;
	char *name = strdup("a name that goes away");

	CHECK(begin());
	CHECK(name != NULL);
	CHECK_EQ(tn_handle_get(at.base, name, &h), 0);
	memset(name, '#', strlen(name));
	free(name);
	CHECK(
	    refused("Module base is in use by a name that goes away (handle"));
	CHECK_EQ(tn_handle_put(h), 0);
	CHECK_EQ(world_unload(&at.w, at.base), 0);
	end();
}

/* The address of a name is a hint where its copy is, and nothing more. */
TEST(hold, by_a_handle_has_the_name_that_is_there_when_it_is_taken)
{
	static const char *const names[] = { "one", "another", "an", "one" };
	static char name[8];
	struct tn_handle h;

	CHECK(begin());
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char text[64];

		strcpy(name, names[i]);
		CHECK_EQ(tn_handle_get(at.base, name, &h), 0);
		strcpy(name, "#######");
		snprintf(text, sizeof(text),
		    "Module base is in use by %s (handle", names[i]);
		CHECK(refused(text));
		CHECK_EQ(tn_handle_put(h), 0);
	}
	CHECK_EQ(world_unload(&at.w, at.base), 0);
	end();
}

TEST(hold, by_ever_new_names_takes_bounded_memory)
{
	struct tn_handle h;
	uint64_t before = 0;
	char name[80];

	CHECK(begin());
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name),
		    "%d: a name that is longer than the name of a module may "
		    "be",
		    i);
		CHECK_EQ(tn_handle_get(at.base, name, &h), 0);
		CHECK_EQ(tn_handle_put(h), 0);
		if (i == 1500)
			before = world_state(&at.w);
	}
	CHECK_EQ(world_state(&at.w), before);
	CHECK_EQ(tn_handle_get(at.base, "one more", &h), 0);
	CHECK(refused("Module base is in use by one of many holders (handle"));
	CHECK_EQ(tn_handle_put(h), 0);
	CHECK_EQ(world_unload(&at.w, at.base), 0);
	end();
}

/* --- many */

TEST(hold, by_many_is_cut_in_the_sentence_and_whole_in_the_list)
{
	enum {
		MANY = 40
	};
	static struct tn_handle h[MANY];
	char name[24], text[4096];

	CHECK(begin());
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "holder%d", i);
		CHECK_EQ(tn_handle_get(at.base, name, &h[i]), 0);
	}
	CHECK_EQ(tn_unload(at.w.sys, at.base, &at.w.diag), -TN_EBUSY);
	CHECK_EQ(at.w.diag.nholders, MANY);
	const size_t n = tn_diag_text(&at.w.diag, text, sizeof(text));

	CHECK(n < sizeof(text));
	CHECK_STR(text + n - strlen(" and 24 more"), " and 24 more");
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(tn_handle_put(h[i]), 0);
	CHECK_EQ(world_unload(&at.w, at.base), 0);
	end();
}

/* Tables of any size: a holder of many, and many pairs in one bucket. */
TEST(hold, of_many_modules_is_found_in_each)
{
	enum {
		MANY = 200
	};
	static struct tn_module *mod[MANY];
	char name[16];

	BEGIN();
	CHECK_EQ(load_keeper(NULL), 0);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		struct author a = author_new(isa_here()->machine, name);

		CHECK_EQ(world_load(&at.w, a.o, 0, &mod[i]), 0);
		author_free(&a);
		CHECK(tn_module_get(mod[i]));
		CHECK((world_function(at.keeper, "keeper_take")(
			   (uintptr_t)mod[i], 0) &
			  1) != 0);
	}
	CHECK_EQ(tn_ledger_count(at.keeper, NULL), MANY);
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(refs_of(mod[i]), 2);
		tn_module_put(mod[i]);
	}
	CHECK_EQ(world_unload(&at.w, at.keeper), 0);
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(world_unload(&at.w, mod[i]), 0);
	CHECK_EQ(world_unload(&at.w, at.base), 0);
	end();
}

/* --- failures */

TEST(hold, fails_at_every_call)
{
	struct tn_handle first;
	unsigned n = 0;
	bool reached = true;

	BEGIN();
	rig_arm(&at.w.rig, 1);
	CHECK_EQ(tn_handle_get(at.base, "none", &first), -TN_ENOMEM);
	rig_arm(&at.w.rig, 0);
	CHECK_EQ(load_keeper(NULL), 0);
	while (reached) {
		const uint64_t before = world_state(&at.w);

		rig_arm(&at.w.rig, ++n);
		const bool got = (keeper("keeper_take") & 1) != 0;

		reached = at.w.rig.calls >= n;
		rig_arm(&at.w.rig, 0);
		CHECK_EQ(got, !reached);
		if (reached)
			CHECK_EQ(world_state(&at.w), before);
	}
	CHECK_EQ(n, 2); /* the record */
	/* one more needs no memory */
	rig_arm(&at.w.rig, 1);
	TAKE();
	rig_arm(&at.w.rig, 0);
	CHECK_EQ(at.w.rig.calls, 0);
	GIVE();
	GIVE();
	CHECK_EQ(tn_handle_get(at.base, "old", &first), 0); /* the table */
	CHECK_EQ(tn_handle_put(first), 0);
	for (n = 1, reached = true; reached; n++) {
		struct tn_handle h;
		const uint64_t before = world_state(&at.w);

		rig_arm(&at.w.rig, n);
		const int err = tn_handle_get(at.base, "new", &h);

		reached = at.w.rig.calls >= n;
		rig_arm(&at.w.rig, 0);
		CHECK_EQ(err, reached ? -TN_ENOMEM : 0);
		if (reached)
			CHECK_EQ(world_state(&at.w), before);
		else
			CHECK_EQ(tn_handle_put(h), 0);
	}
	CHECK_EQ(world_unload(&at.w, at.keeper), 0);
	CHECK_EQ(world_unload(&at.w, at.base), 0);
	end();
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
		const bool got = by_module ? (keeper("keeper_take") & 1) != 0
					   : tn_module_get(at.base);

		if (!got)
			continue;
		atomic_fetch_add(&taken, 1);
		if (by_module)
			GIVE();
		else
			tn_module_put(at.base);
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
	BEGIN();
	CHECK_EQ(load_keeper(NULL), 0);
	atomic_store(&over, false);
	atomic_store(&taken, 0);
	for (intptr_t i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(
			     &thread[i], NULL, take_and_give, (void *)(i % 2)),
		    0);
	while ((gone < TIMES || atomic_load(&taken) < TIMES) &&
	       time(NULL) < last) {
		const int err = tn_unload(at.w.sys, at.base, NULL);

		EXPECT(err == 0 || err == -TN_EBUSY);
		if (err != 0)
			continue;
		gone++;
		EXPECT(load_base());
	}
	atomic_store(&over, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	EXPECT(gone >= TIMES);
	CHECK_EQ(refs_of(at.base), 0);
	CHECK_STR(ledger_of(at.keeper), "");
	CHECK_STR(at.log, "");
	CHECK_EQ(world_unload(&at.w, at.base), 0);
	CHECK_EQ(world_unload(&at.w, at.keeper), 0);
	end();
}
