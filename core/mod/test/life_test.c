/* SPDX-License-Identifier: MIT */
/*
 * The life of one module, operation by operation: the order in which they
 * run, what each failure undoes, and which state everybody sees meanwhile.
 */
#include <stdio.h>
#include <string.h>

#include <tenon/inspect.h>
#include <tenon/param.h>
#include <test/test.h>

#include "actor.h"

TEST(life, operations_run_in_their_order)
{
	struct author a = actor_new("a", ACTOR_PLAIN);
	struct tn_module *mod;
	struct tn_symbol sym;

	PROVES("L03 L05 H06 H08");
	CHECK(play_open(0));
	actor_export(&a, "of_a");
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	CHECK_STR(play_text(), "aias");
	CHECK_EQ(actor_state(mod), TN_STATE_RUNNING);
	CHECK_EQ(tn_symbol_find(play.w.sys, "of_a", &sym), 0);
	CHECK_EQ(tn_stop(play.w.sys, mod, NULL, &play.w.diag), 0);
	CHECK_STR(play_text(), "ap");
	CHECK_EQ(actor_state(mod), TN_STATE_STOPPED);
	CHECK(!tn_module_get(mod));
	CHECK_EQ(tn_symbol_find(play.w.sys, "of_a", &sym), -TN_ENOENT);
	CHECK_EQ(tn_start(play.w.sys, mod, &play.w.diag), 0);
	CHECK_STR(play_text(), "as");
	CHECK(tn_module_get(mod));
	tn_module_put(mod);
	CHECK_EQ(tn_unload(play.w.sys, mod, &play.w.diag), 0);
	CHECK_STR(play_text(), "apax");
	CHECK_EQ(actor_state(mod), TN_STATE_REGISTERED);
	author_free(&a);
	CHECK(play_close());
}

TEST(life, a_stopped_module_is_unloaded_without_another_stop)
{
	struct tn_module *mod = play_alone(ACTOR_PLAIN);

	CHECK(mod != NULL);
	CHECK_EQ(tn_stop(play.w.sys, mod, NULL, NULL), 0);
	CHECK_EQ(world_unload(&play.w, mod), 0);
	CHECK_STR(play_text(), "aiasapax");
	CHECK(play_close());
}

TEST(life, a_load_may_end_before_the_start)
{
	struct author a = actor_new("a", ACTOR_PLAIN);
	struct tn_module *mod;

	PROVES("H08");
	CHECK(play_open(0));
	for (int started = 0; started < 2; started++) {
		CHECK_EQ(actor_load(&a, TN_LOAD_NO_START, &mod), 0);
		CHECK_EQ(actor_state(mod), TN_STATE_INITIALIZED);
		CHECK(!tn_module_get(mod));
		if (started != 0)
			CHECK_EQ(tn_start(play.w.sys, mod, NULL), 0);
		CHECK_EQ(world_unload(&play.w, mod), 0);
		CHECK_STR(play_text(), started ? "aiasapax" : "aiax");
	}
	author_free(&a);
	CHECK(play_close());
}

static char running[128]; /* what tn_module_running has said, inside */

static void note_running(enum actor_op op, struct tn_module *mod, char letter)
{
	const char *what = tn_module_running(mod);

	(void)op;
	(void)letter;
	strcat(running, what != NULL ? what : "-");
	strcat(running, " ");
}

TEST(life, the_operation_that_runs_can_be_asked_for)
{
	struct author a = actor_new("a", ACTOR_ALL);
	struct tn_module *mod;
	char buf[4];
	size_t len;

	CHECK(play_open(0));
	running[0] = '\0';
	play.inside = note_running;
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	CHECK(tn_module_running(mod) == NULL);
	play.result['a'][ACTOR_STOP] = -5;
	CHECK_EQ(tn_stop(play.w.sys, mod, NULL, NULL), -5);
	play.result['a'][ACTOR_STOP] = 0;
	CHECK_STR(running, "init start quiesce stop resume ");
	running[0] = '\0';
	CHECK_EQ(tn_stop(play.w.sys, mod, NULL, NULL), 0);
	CHECK_EQ(tn_module_save(mod, buf, sizeof(buf), &len, NULL), 0);
	CHECK_EQ(tn_module_restore(mod, buf, len, NULL), 0);
	CHECK_EQ(tn_unload(play.w.sys, mod, NULL), 0);
	CHECK(tn_module_running(mod) == NULL);
	CHECK_STR(
	    running, "quiesce stop save restore start quiesce stop exit ");
	play.inside = NULL;
	author_free(&a);
	CHECK(play_close());
}

TEST(life, a_parameter_of_a_stopped_module_is_refused_as_that)
{
	struct tn_module *mod = play_alone(ACTOR_PLAIN);

	CHECK(mod != NULL);
	CHECK_EQ(tn_stop(play.w.sys, mod, NULL, NULL), 0);
	CHECK_EQ(tn_param_set(mod, "p", "1", &play.w.diag), -TN_EINVAL);
	CHECK_STR(
	    play_sentence(), "a: that is not possible while it is stopped");
	CHECK_EQ(tn_unload(play.w.sys, mod, NULL), 0);
	CHECK_EQ(tn_param_set(mod, "p", "1", &play.w.diag), -TN_ENOENT);
	CHECK_STR(play_sentence(), "a is not loaded");
	CHECK(play_close());
}

/* --- failures */

TEST(life, a_failed_init_calls_nothing_else)
{
	struct author a = actor_new("a", ACTOR_PLAIN);

	PROVES("L17");
	CHECK(play_open(0));
	play.result['a'][ACTOR_INIT] = -TN_EIO;
	CHECK_REFUSED(
	    &play.w, a.o, TN_EIO, "init_failed", "a: init failed with -5");
	CHECK_STR(play_text(), "ai");
	author_free(&a);
	CHECK(play_close());
}

TEST(life, a_failed_start_calls_cleanup_and_not_stop)
{
	struct author a = actor_new("a", ACTOR_PLAIN);

	CHECK(play_open(0));
	play.result['a'][ACTOR_START] = 7; /* no error number */
	CHECK_REFUSED(
	    &play.w, a.o, TN_EINVAL, "start_failed", "a: start failed with 7");
	CHECK_STR(play_text(), "aiasax");
	author_free(&a);
	CHECK(play_close());
}

TEST(life, a_later_start_that_fails_leaves_the_module_stopped)
{
	struct tn_module *mod = play_alone(ACTOR_PLAIN);

	CHECK(mod != NULL);
	CHECK_EQ(tn_stop(play.w.sys, mod, NULL, NULL), 0);
	play.result['a'][ACTOR_START] = -TN_ENOMEM;
	CHECK_EQ(tn_start(play.w.sys, mod, &play.w.diag), -TN_ENOMEM);
	CHECK_STR(play_sentence(), "a: start failed with -12");
	CHECK_EQ(actor_state(mod), TN_STATE_STOPPED);
	CHECK(!tn_module_get(mod));
	CHECK_EQ(world_unload(&play.w, mod), 0);
	CHECK(play_close());
}

TEST(life, a_stop_that_fails_refuses_the_unload)
{
	struct tn_module *mod = play_alone(ACTOR_ALL);

	CHECK(mod != NULL);
	(void)play_text();
	play.result['a'][ACTOR_STOP] = -TN_EIO;
	CHECK_EQ(tn_unload(play.w.sys, mod, &play.w.diag), -TN_EIO);
	CHECK_STR(play_sentence(), "a: stop failed with -5");
	CHECK_EQ(play.w.diag.stage, TN_STAGE_UNLOAD);
	CHECK_STR(play_text(), "aqapar");
	CHECK_EQ(actor_state(mod), TN_STATE_RUNNING);
	CHECK(tn_module_get(mod));
	tn_module_put(mod);
	CHECK_EQ(tn_stop(play.w.sys, mod, NULL, NULL), -TN_EIO);
	play.result['a'][ACTOR_STOP] = 0;
	CHECK_EQ(world_unload(&play.w, mod), 0);
	CHECK(play_close());
}

TEST(life, a_module_may_forbid_its_unload)
{
	struct tn_module *mod = play_alone(ACTOR_ALL);

	CHECK(mod != NULL);
	(void)play_text();
	play.result['a'][ACTOR_QUIESCE] = -TN_EBUSY;
	CHECK_EQ(tn_unload(play.w.sys, mod, &play.w.diag), -TN_EPERM);
	CHECK_EQ(play.w.diag.reason, TN_REASON_VETO);
	CHECK_STR(
	    play_sentence(), "a: does not allow it now: quiesce returned -16");
	CHECK_STR(play_text(), "aq");
	CHECK_EQ(tn_unload_name(play.w.sys, "a", NULL, NULL), -TN_EPERM);
	CHECK_STR(play_text(), "aq");
	CHECK(tn_module_get(mod));
	tn_module_put(mod);
	CHECK_EQ(tn_stop(play.w.sys, mod, NULL, NULL), -TN_EPERM);
	play.result['a'][ACTOR_QUIESCE] = 0;
	CHECK_EQ(world_unload(&play.w, mod), 0);
	CHECK(play_close());
}

/* It was quiet already when it turned out to be in use: it goes on. */
TEST(life, what_was_quiet_is_resumed_when_it_is_in_use)
{
	struct tn_module *mod = play_alone(ACTOR_ALL);

	CHECK(mod != NULL);
	(void)play_text();
	CHECK(tn_module_get(mod));
	CHECK_EQ(tn_unload(play.w.sys, mod, NULL), -TN_EBUSY);
	CHECK_EQ(tn_stop(play.w.sys, mod, NULL, NULL), -TN_EBUSY);
	CHECK_STR(play_text(), "aqaraqar");
	tn_module_put(mod);
	CHECK_EQ(world_unload(&play.w, mod), 0);
	CHECK_STR(play_text(), "aqapax");
	CHECK(play_close());
}

TEST(life, states_forbid_what_does_not_fit)
{
	struct author a = actor_new("a", ACTOR_PLAIN),
		      b = actor_new("b", ACTOR_PLAIN);
	struct tn_module *mod, *user;

	CHECK(play_open(0));
	actor_export(&a, "of_a");
	actor_import(&b, "of_a");
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	CHECK_EQ(tn_start(play.w.sys, mod, &play.w.diag), -TN_EINVAL);
	CHECK_STR(
	    play_sentence(), "a: that is not possible while it is running");
	CHECK_EQ(tn_stop(play.w.sys, mod, NULL, NULL), 0);
	CHECK_EQ(tn_stop(play.w.sys, mod, NULL, &play.w.diag), -TN_EINVAL);
	CHECK_STR(
	    play_sentence(), "a: that is not possible while it is stopped");
	CHECK_REFUSED(&play.w, b.o, TN_EAGAIN, "not_live",
	    "b: 'of_a' is of a, which is not running but stopped");
	CHECK_EQ(actor_load(&a, 0, &user), -TN_EEXIST);
	CHECK_EQ(tn_unload(play.w.sys, mod, NULL), 0);
	CHECK_EQ(tn_unload(play.w.sys, mod, &play.w.diag), -TN_ENOENT);
	CHECK_STR(play_sentence(), "a is not loaded");
	CHECK_EQ(tn_start(play.w.sys, mod, &play.w.diag), -TN_ENOENT);
	CHECK_EQ(tn_stop(play.w.sys, mod, NULL, NULL), -TN_ENOENT);
	author_free(&a);
	author_free(&b);
	CHECK(play_close());
}

/* --- what is seen meanwhile: the nine words of H21 */

static const struct moment {
	enum actor_op op;
	enum tn_state state;
	const char *guide;
} moments[] = {
	{ ACTOR_INIT, TN_STATE_LOADED, "Initializing" },
	{ ACTOR_START, TN_STATE_INITIALIZED, "Initializing" },
	{ ACTOR_QUIESCE, TN_STATE_RUNNING, "Running" },
	{ ACTOR_STOP, TN_STATE_RUNNING, "Stopping" },
	{ ACTOR_CLEANUP, TN_STATE_GOING, "Unloading" },
};

static unsigned seen;

static void look(enum actor_op op, struct tn_module *mod, char letter)
{
	struct tn_module_info info;

	(void)letter;
	tn_module_info(mod, &info);
	CHECK(info.busy);
	for (unsigned i = 0; i < ARRAY_SIZE(moments); i++) {
		if (moments[i].op != op)
			continue;
		CHECK_EQ(info.state, moments[i].state);
		seen |= 1u << op;
	}
}

TEST(life, each_moment_has_a_state)
{
	struct author a = actor_new("a", ACTOR_ALL);
	struct tn_module_info info;
	struct tn_module *mod;

	PROVES("H21");
	seen = 0;
	CHECK(play_open(0));
	play.inside = look;
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	tn_module_info(mod, &info);
	CHECK_EQ(info.state, TN_STATE_RUNNING);
	CHECK(!info.busy);
	CHECK_EQ(tn_unload(play.w.sys, mod, NULL), 0);
	tn_module_info(mod, &info);
	CHECK_EQ(info.state, TN_STATE_REGISTERED);
	CHECK(!info.busy);
	CHECK_EQ(seen, 1u << ACTOR_INIT | 1u << ACTOR_START | 1u << ACTOR_STOP |
			   1u << ACTOR_CLEANUP | 1u << ACTOR_QUIESCE);
	author_free(&a);
	CHECK(play_close());
}

TEST(life, every_state_has_a_name)
{
	static const char *const names[] = { "empty", "registered", "coming",
		"loaded", "initialized", "running", "stopped", "going",
		"failed", "quarantined" };

	PROVES("H21");
	for (int i = 0; i < TN_STATES; i++)
		CHECK_STR(tn_state_name((enum tn_state)i), names[i]);
	CHECK_STR(tn_state_name(TN_STATES), "unknown");
}

/* --- state */

TEST(life, state_is_saved_and_restored)
{
	struct tn_module *mod = play_alone(ACTOR_ALL);
	char buf[4] = "";
	size_t len = 0;

	PROVES("H06 H08");
	CHECK(mod != NULL);
	(void)play_text();
	CHECK_EQ(tn_module_save(mod, buf, sizeof(buf), &len, NULL), 0);
	CHECK_EQ(len, 1);
	CHECK_STR(play_text(), "aqavar");
	CHECK_EQ(actor_state(mod), TN_STATE_RUNNING);
	CHECK_EQ(tn_module_save(mod, buf, 0, &len, &play.w.diag), -TN_ENOSPC);
	CHECK_STR(play_sentence(), "a: save_state failed with -28");
	CHECK_EQ(len, 1);
	CHECK_EQ(tn_module_restore(mod, buf, 1, &play.w.diag), -TN_EINVAL);
	CHECK_EQ(play.w.diag.reason, TN_REASON_STATE);
	CHECK_EQ(tn_stop(play.w.sys, mod, NULL, NULL), 0);
	(void)play_text();
	CHECK_EQ(tn_module_save(mod, buf, sizeof(buf), &len, NULL), 0);
	CHECK_EQ(tn_module_restore(mod, buf, 1, NULL), 0);
	CHECK_STR(play_text(), "avawas");
	CHECK_EQ(actor_state(mod), TN_STATE_RUNNING);
	CHECK_EQ(world_unload(&play.w, mod), 0);
	CHECK(play_close());
}

TEST(life, one_that_is_new_starts_with_a_state)
{
	struct author a = actor_new("a", ACTOR_ALL);
	struct tn_module *mod;

	PROVES("H08");
	CHECK(play_open(0));
	CHECK_EQ(actor_load(&a, TN_LOAD_NO_START, &mod), 0);
	CHECK_EQ(actor_state(mod), TN_STATE_INITIALIZED);
	CHECK_EQ(tn_module_restore(mod, "a", 1, NULL), 0);
	CHECK_STR(play_text(), "aiawas");
	CHECK_EQ(actor_state(mod), TN_STATE_RUNNING);
	CHECK_EQ(world_unload(&play.w, mod), 0);
	author_free(&a);
	CHECK(play_close());
}

TEST(life, a_state_that_cannot_be_restored_changes_nothing)
{
	struct author a = actor_new("a", ACTOR_ALL),
		      b = actor_new("b", ACTOR_PLAIN);
	struct tn_module *mod;
	char buf[4] = "?";
	size_t len;

	CHECK(play_open(0));
	PROVES("H06");
	CHECK_EQ(actor_load(&a, TN_LOAD_NO_START, &mod), 0);
	CHECK_EQ(tn_module_restore(mod, buf, 1, &play.w.diag), -TN_EINVAL);
	CHECK_STR(play_sentence(), "a: restore_state failed with -22");
	CHECK_EQ(actor_state(mod), TN_STATE_INITIALIZED);
	play.result['a'][ACTOR_START] = -TN_EIO;
	CHECK_EQ(tn_module_restore(mod, "a", 1, &play.w.diag), -TN_EIO);
	CHECK_EQ(actor_state(mod), TN_STATE_INITIALIZED);
	CHECK_EQ(tn_module_save(mod, buf, 4, &len, &play.w.diag), -TN_EINVAL);
	CHECK_EQ(world_unload(&play.w, mod), 0);
	CHECK_STR(play_text(), "aiawawasax");
	CHECK_EQ(actor_load(&b, 0, &mod), 0);
	CHECK_EQ(
	    tn_module_save(mod, buf, 4, &len, &play.w.diag), -TN_EOPNOTSUPP);
	CHECK_STR(play_sentence(), "b: save_state is not supported");
	CHECK_EQ(tn_stop(play.w.sys, mod, NULL, NULL), 0);
	CHECK_EQ(tn_module_restore(mod, buf, 1, &play.w.diag), -TN_EOPNOTSUPP);
	CHECK_EQ(world_unload(&play.w, mod), 0);
	author_free(&a);
	author_free(&b);
	CHECK(play_close());
}

/* Nobody has called init: there is no state. */
TEST(life, a_module_without_init_is_asked_for_no_state)
{
	struct author a = actor_new("a", ACTOR_ALL);
	struct tn_module *mod;
	char buf[4];
	size_t len;

	CHECK(play_open(0));
	CHECK_EQ(actor_load(&a, TN_LOAD_NO_INIT, &mod), 0);
	CHECK_EQ(
	    tn_module_save(mod, buf, 4, &len, &play.w.diag), -TN_EOPNOTSUPP);
	CHECK_EQ(tn_stop(play.w.sys, mod, NULL, NULL), 0);
	CHECK_EQ(tn_module_restore(mod, "a", 1, &play.w.diag), -TN_EOPNOTSUPP);
	CHECK_EQ(world_unload(&play.w, mod), 0);
	CHECK_STR(play_text(), "");
	author_free(&a);
	CHECK(play_close());
}

/* quiesce says no: the module is not asked for its state. */
TEST(life, a_module_that_is_not_quiet_is_not_saved)
{
	struct tn_module *mod = play_alone(ACTOR_ALL);
	char buf[4];
	size_t len;

	CHECK(mod != NULL);
	(void)play_text();
	play.result['a'][ACTOR_QUIESCE] = -TN_EAGAIN;
	CHECK_EQ(tn_module_save(mod, buf, sizeof(buf), &len, &play.w.diag),
	    -TN_EPERM);
	CHECK_EQ(play.w.diag.error, -TN_EPERM);
	CHECK_STR(play_text(), "aq");
	play.result['a'][ACTOR_QUIESCE] = 0;
	CHECK_EQ(world_unload(&play.w, mod), 0);
	CHECK(play_close());
}

/* --- tables that are refused */

TEST(life, a_table_of_another_shape_is_refused)
{
	static const struct {
		struct author_ops ops;
		const char *what;
	} bad[] = {
		{ { .abi = 2 }, "its abi is unknown" },
		{ { .size = 7 }, "its size is wrong" },
		{ { .size = 12 }, "its size is wrong" },
		{ { .size = 8000 }, "its size is wrong" },
		{ { .size = UINT32_MAX - 7 }, "its size is wrong" },
	};
	char text[128];

	CHECK(play_open(0));
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		struct author a = author_new(isa_here()->machine, "bad");

		author_ops(&a, &bad[i].ops);
		snprintf(text, sizeof(text), "bad: has no sound module_ops: %s",
		    bad[i].what);
		CHECK_REFUSED(&play.w, a.o, TN_ENOEXEC, "ops", text);
		author_free(&a);
	}
	CHECK(play_close());
}

/* An older module has a shorter table, a newer one a longer. */
TEST(life, a_table_may_be_shorter_or_longer)
{
	static const uint32_t sizes[] = { 8, 24, 72, 80 };
	static const char *const texts[] = { "", "oios", "oiosopox",
		"oiosopox" };
	struct tn_module *mod;

	CHECK(play_open(0));
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct author a = author_new(isa_here()->machine, "old");

		author_ops(
		    &a, &(struct author_ops){
			    { "op_init", "op_start", "op_stop", "op_cleanup" },
			    sizes[i], 0 });
		CHECK_EQ(actor_load(&a, 0, &mod), 0);
		/* without cleanup it is permanent: force */
		CHECK_EQ(
		    tn_unload_with(play.w.sys, mod,
			&(struct tn_unload_args){
			    sizeof(struct tn_unload_args), TN_UNLOAD_FORCE, 0 },
			NULL),
		    0);
		CHECK_STR(play_text(), texts[i]);
		author_free(&a);
	}
	CHECK(play_close());
}

TEST(life, an_operation_outside_of_text_is_refused)
{
	struct author a = author_new(isa_here()->machine, "lost");
	const uint32_t data = author_word(&a, "w", 0);
	const uint32_t s = object_section(
	    a.o, ".data.rel.ro", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE);
	uint32_t table;

	CHECK(play_open(0));
	object_add32(a.o, s, 16);
	object_add32(a.o, s, 1);
	object_add64(a.o, s, 0);
	object_rela(a.o, s, (struct object_fix){ 8, a.isa->abs64, data, 0 });
	table =
	    object_symbol(a.o, "t", OBJECT_SYM(STB_LOCAL, STT_OBJECT), s, 0);
	author_pointer(&a, "__tenon_module_ops", table, 0);
	CHECK_REFUSED(&play.w, a.o, TN_ENOEXEC, "entry",
	    "lost: entry point 'init' is not in the module's text");
	author_free(&a);
	CHECK(play_close());
}

TEST(life, a_table_outside_of_the_module_is_refused)
{
	struct author a = author_new(isa_here()->machine, "away");
	struct author b = actor_new("both", ACTOR_PLAIN);

	CHECK(play_open(0));
	author_word(&a, "__tenon_module_ops", 0x1000);
	CHECK_REFUSED(&play.w, a.o, TN_ENOEXEC, "ops",
	    "away: has no sound module_ops: it lies outside the module");
	author_return(&b, "init_module");
	CHECK_REFUSED(&play.w, b.o, TN_ENOEXEC, "ops",
	    "both: has no sound module_ops: init_module or cleanup_module "
	    "beside it");
	author_free(&a);
	author_free(&b);
	CHECK(play_close());
}
