/* SPDX-License-Identifier: MIT */
/*
 * Parameters of modules: which are shown and listed, the line of a load, a
 * module file that the author's macros have made, and threads that set them
 * while the module comes and goes.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/param.h>
#include <test/test.h>

#include "files.h"
#include "tuned.h"

/* --- names and permissions */

TEST(param, names_that_are_not_shown_do_not_exist)
{
	static const struct tuned_refusal rows[] = {
		{ "windov", "3", TN_ENOENT, "param_unknown",
		    "tuned: there is no parameter 'windov' (nearest: window)" },
		{ "qqqqqqqq", "3", TN_ENOENT, "param_unknown",
		    "tuned: there is no parameter 'qqqqqqqq'" },
		/* permissions 0: as if absent, and not suggested either */
		{ "hidden_one", "3", TN_ENOENT, "param_unknown",
		    "tuned: there is no parameter 'hidden_one'" },
		{ "", "3", TN_ENOENT, "param_unknown",
		    "tuned: there is no parameter ''" },
		{ "fixed", "3", TN_EACCES, "param_read_only",
		    "tuned: parameter fixed cannot be set once the module "
		    "is loaded" },
	};
	struct tuned s;

	CHECK(tuned_begin(&s));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tuned_refuses(&s, &rows[i]);
	CHECK_STR(tuned_value(&s, "fixed"), "0");
	CHECK_STR(tuned_value(&s, "hidden_one"), "error -2");
	tuned_end(&s);
}

static int list(void *arg, const struct tn_param *p)
{
	char *text = arg;

	snprintf(text + strlen(text), 1024 - strlen(text), "%s:%s%s:%o:%u:%s;",
	    p->name, tn_param_type_name(p->type), p->is_array ? "[]" : "",
	    (unsigned)p->perm, p->capacity, p->help);
	return strcmp(p->name, "window") == 0 && p->has_range && p->min == 1 &&
		       p->max == 64
		   ? 17
		   : 0;
}

TEST(param, are_listed_until_the_caller_has_enough)
{
	struct tuned s;
	char text[1024] = "";

	CHECK(tuned_begin(&s));
	CHECK_EQ(tn_param_each(s.mod, list, text), 17);
	CHECK(strstr(text, "byte:byte:644:1:;") == text);
	CHECK(strstr(text, "fixed:int:444:1:;window:ulong:644:1:entries;") !=
	      NULL);
	CHECK(strstr(text, "hidden") == NULL);
	CHECK_STR(tn_param_type_name((enum tn_param_type)0), "unknown");
	CHECK_STR(tn_param_type_name((enum tn_param_type)13), "unknown");
	tuned_end(&s);
}

TEST(param, of_a_module_that_is_gone_are_gone)
{
	struct tuned s;
	char text[128];
	size_t n = 7;

	CHECK(tuned_begin(&s));
	CHECK_EQ(tn_unload(s.w.sys, s.mod, NULL), 0);
	CHECK_EQ(
	    tn_param_get(s.mod, "int", text, sizeof(text), &n), -TN_ENOENT);
	CHECK_EQ(n, 7);
	CHECK_EQ(tn_param_each(s.mod, list, text), -TN_ENOENT);
	CHECK_EQ(tn_param_set(s.mod, "int", "1", NULL), -TN_ENOENT);
	CHECK_EQ(tn_param_set(s.mod, "int", "1", &s.w.diag), -TN_ENOENT);
	tn_diag_text(&s.w.diag, text, sizeof(text));
	CHECK_STR(text, "tuned is not loaded");
	CHECK(world_close(&s.w));
	author_free(&s.a);
}

TEST(param, a_value_is_cut_to_the_callers_room)
{
	struct tuned s;
	char text[4];
	size_t n = 0;

	CHECK(tuned_begin(&s));
	tuned_sets(&s, "int", "123456", "123456");
	CHECK_EQ(tn_param_get(s.mod, "int", text, sizeof(text), &n), 0);
	CHECK_EQ(n, 6);
	CHECK_STR(text, "123");
	CHECK_EQ(tn_param_get(s.mod, "int", NULL, 0, &n), 0);
	CHECK_EQ(n, 6);
	tuned_end(&s);
}

/* --- the line of a load */

static void line_gives(
    struct tuned *s, const char *line, const char *name, const char *want)
{
	CHECK_EQ(tuned_load(s, line), 0);
	CHECK_STR(tuned_value(s, name), want);
	CHECK_EQ(world_unload(&s->w, s->mod), 0);
}

TEST(param, a_line_is_read_as_linux_reads_it)
{
	static const char *const rows[][3] = {
		{ "int=5", "int", "5" },
		{ "  int=5\t\n bool ", "int", "5" },
		{ "  int=5\t\n bool ", "bool", "Y" },
		{ "int=1 int=2", "int", "2" },
		{ "charp=\"two words\" int=3", "charp", "two words" },
		{ "charp=\"two words\" int=3", "int", "3" },
		{ "\"charp=two words\" int=3", "charp", "two words" },
		{ "\"charp=two words\" int=3", "int", "3" },
		{ "charp=a=b", "charp", "a=b" },
		{ "charp=\"\"", "charp", "" },
		{ "charp=", "charp", "" },
		{ "charp=x\"y z\"w", "charp", "x\"y z\"w" },
		{ "charp=\"x y\"z", "charp", "x y\"z" },
		{ "label=\"a b\"", "label", "a b" },
		{ "names=\"a b\",c", "names", "a b\",c," },
		{ "ports=1,2,3", "ports", "1,2,3" },
		{ "hidden-one=4 int=1", "int", "1" },
		{ "fixed=9", "fixed", "9" },
		{ "", "int", "0" },
		{ "   ", "int", "0" },
	};
	struct tuned s;

	CHECK(tuned_begin(&s));
	CHECK_EQ(world_unload(&s.w, s.mod), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		line_gives(&s, rows[i][0], rows[i][1], rows[i][2]);
	CHECK(world_close(&s.w));
	author_free(&s.a);
}

TEST(param, a_line_that_is_wrong_refuses_the_load)
{
	static const struct tuned_refusal rows[] = {
		{ NULL, "int=1 nope=2", TN_ENOENT, "param_unknown",
		    "tuned: there is no parameter 'nope'" },
		{ NULL, "hidden_ine=2", TN_ENOENT, "param_unknown",
		    "tuned: there is no parameter 'hidden_ine' (nearest: "
		    "hidden_one)" },
		{ NULL, "int=1 window=65", TN_ERANGE, "param_range",
		    "tuned: parameter window: 65 is not within 1 to 64" },
		{ NULL, "int", TN_EINVAL, "param_value",
		    "tuned: parameter int: it needs a value of type int" },
		{ NULL, "label", TN_EINVAL, "param_value",
		    "tuned: parameter label: it needs a value of type string" },
		{ NULL, "=5", TN_ENOENT, "param_unknown",
		    "tuned: there is no parameter ''" },
		{ NULL, "\"\"", TN_ENOENT, "param_unknown",
		    "tuned: there is no parameter ''" },
		/* Linux lets what follows pass */
		{ NULL, "-- int=1", TN_ENOENT, "param_unknown",
		    "tuned: there is no parameter '--'" },
		{ NULL, "charp=\"open int=1", TN_EINVAL, "bad_argument",
		    "tuned: bad argument: a quote in the parameters has no "
		    "partner" },
		{ NULL, "\"", TN_EINVAL, "bad_argument",
		    "tuned: bad argument: a quote in the parameters has no "
		    "partner" },
		{ NULL, "charp=kept ports=1,2,x", TN_EINVAL, "param_value",
		    "tuned: parameter ports: 'x' is no ushort" },
	};
	struct tuned s;
	uint64_t before;
	char text[256];

	CHECK(tuned_begin(&s));
	CHECK_EQ(world_unload(&s.w, s.mod), 0);
	before = world_state(&s.w);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK_EQ(tuned_load(&s, rows[i].text), -rows[i].error);
		tn_diag_text(&s.w.diag, text, sizeof(text));
		CHECK_STR(tn_reason_name(s.w.diag.reason), rows[i].reason);
		CHECK_STR(text, rows[i].sentence);
		CHECK_EQ(s.w.diag.stage, TN_STAGE_PARAMS);
		CHECK_EQ(world_state(&s.w), before);
	}
	CHECK(world_close(&s.w));
	author_free(&s.a);
}

TEST(param, a_module_without_parameters_has_none)
{
	struct tuned s = { .a = author_new(isa_here()->machine, "plain") };
	char text[128];

	CHECK(world_open(&s.w, NULL, 0));
	CHECK_EQ(tuned_load(&s, "x=1"), -TN_ENOENT);
	tn_diag_text(&s.w.diag, text, sizeof(text));
	CHECK_STR(text, "plain: there is no parameter 'x'");
	CHECK_EQ(tuned_load(&s, ""), 0);
	CHECK_EQ(tn_param_each(s.mod, list, text), 0);
	CHECK_EQ(world_unload(&s.w, s.mod), 0);
	CHECK(world_close(&s.w));
	author_free(&s.a);
}

/* --- a module file, made by the author's macros */

TEST(param, module_file_gets_what_the_line_says)
{
	struct file_path path;
	struct tn_module *mod;
	struct world w;
	char text[64];
	size_t n;

	if (!file_of_module(&path, isa_here()->name, "params"))
		SKIP("module files are not built");
	CHECK(world_open_guaranteed(&w));
	const struct tn_load_args args = { .size = sizeof(args),
		.path = path.text,
		.params = "level=5 verbose window=64 mode=quick ports=1,2,3 "
			  "label=\"a b\" start=-1000" };

	CHECK_EQ(tn_load(w.sys, &args, &mod, &w.diag), 0);
	/* 5 + 1 + 64 + 'q' + 1 + 2 + 3 ports + 'a' - 1000 */
	CHECK_EQ((int64_t)world_function(mod, "params_sum")(0, 0),
	    5 + 1 + 64 + 'q' + 1 + 2 + 3 + 'a' - 1000);
	CHECK_EQ(tn_param_set(mod, "level", "6", NULL), 0);
	CHECK_EQ(tn_param_set(mod, "verbose", "0", NULL), -TN_EACCES);
	CHECK_EQ(tn_param_get(mod, "label", text, sizeof(text), &n), 0);
	CHECK_STR(text, "a b");
	CHECK_EQ(tn_param_get(mod, "mode", text, sizeof(text), &n), -TN_ENOENT);
	CHECK_EQ(world_unload(&w, mod), 0);
	/* what the file itself says */
	CHECK_EQ(tn_load(w.sys,
		     &(struct tn_load_args){
			 .size = sizeof(args), .path = path.text },
		     &mod, &w.diag),
	    0);
	CHECK_EQ((int64_t)world_function(mod, "params_sum")(0, 0), 754);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK(world_close(&w));
}

/* --- threads */

struct tuner {
	struct tuned *s;
	_Atomic bool stop;
	unsigned done;
};

/* Sets and reads while the module comes and goes. */
static void *tune(void *arg)
{
	struct tuner *t = arg;
	char text[64];
	size_t n;

	while (!atomic_load(&t->stop)) {
		const char *want = t->done % 2 != 0 ? "one" : "two";

		t->done += tn_param_set(t->s->mod, "charp", want, NULL) == 0 &&
			   tn_param_set(t->s->mod, "int", "7", NULL) == 0 &&
			   tn_param_get(
			       t->s->mod, "charp", text, sizeof(text), &n) == 0;
	}
	return NULL;
}

TEST(param, threads_tune_a_module_that_comes_and_goes)
{
	struct tuned s;
	struct tuner t[2] = { { .s = &s }, { .s = &s } };
	pthread_t thread[2];

	CHECK(tuned_begin(&s));
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, tune, &t[i]), 0);
	for (int i = 0; i < 200; i++) {
		while (tn_unload(s.w.sys, s.mod, NULL) == -TN_EBUSY)
			sched_yield();
		CHECK_EQ(tuned_load(&s, "charp=three"), 0);
	}
	for (int i = 0; i < 2; i++) {
		atomic_store(&t[i].stop, true);
		pthread_join(thread[i], NULL);
	}
	tuned_end(&s);
}
