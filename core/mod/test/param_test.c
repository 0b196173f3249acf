/* SPDX-License-Identifier: MIT */
/*
 * Parameters: every form of a line and of a value, what is refused with which
 * words, and that a refusal changes nothing. The rules are Linux's; where ours
 * differ the test says so.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/module_param.h>
#include <tenon/param.h>
#include <test/test.h>

#include "files.h"
#include "world.h"

/* A module with a parameter of each kind. */
struct subject {
	struct world w;
	struct author a;
	struct tn_module *mod; /* the same record whenever it is loaded */
};

struct kind {
	const char *name;
	unsigned type, size;
};

static const struct kind kinds[] = {
	{ "byte", TENON_PARAM_byte, 1 },
	{ "short", TENON_PARAM_short, 2 },
	{ "ushort", TENON_PARAM_ushort, 2 },
	{ "int", TENON_PARAM_int, 4 },
	{ "uint", TENON_PARAM_uint, 4 },
	{ "long", TENON_PARAM_long, 8 },
	{ "ulong", TENON_PARAM_ulong, 8 },
	{ "llong", TENON_PARAM_llong, 8 },
	{ "ullong", TENON_PARAM_ullong, 8 },
	{ "bool", TENON_PARAM_bool, 1 },
	{ "charp", TENON_PARAM_charp, 8 },
};

static uint32_t word(struct author *a, const char *name)
{
	const uint32_t symbol = author_word(a, name, 0);

	author_export(
	    a, (struct author_export){ .name = name, .symbol = symbol });
	return symbol;
}

static struct author_param scalar(struct author *a, const char *name,
    unsigned type, unsigned size, unsigned perm)
{
	return (struct author_param){ .name = name,
		.symbol = word(a, name),
		.type = type,
		.size = size,
		.perm = perm };
}

static uint32_t room(struct author *a, const char *name, size_t n)
{
	const uint32_t symbol =
	    object_symbol(a->o, name, OBJECT_SYM(STB_GLOBAL, STT_OBJECT),
		a->data, object_skip(a->o, a->data, (n + 7) / 8 * 8));

	author_export(
	    a, (struct author_export){ .name = name, .symbol = symbol });
	return symbol;
}

static struct author make(void)
{
	struct author a = author_new(isa_here()->machine, "tuned");
	struct author_param p;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		author_param(&a, scalar(&a, kinds[i].name, kinds[i].type,
				     kinds[i].size, 0644));
	author_param(&a, scalar(&a, "fixed", TENON_PARAM_int, 4, 0444));
	author_param(&a, scalar(&a, "hidden_one", TENON_PARAM_int, 4, 0));
	p = scalar(&a, "window", TENON_PARAM_ulong, 8, 0644);
	p.flags = TENON_PARAM_RANGE;
	p.min = 1;
	p.max = 64;
	author_param(&a, p);
	p = scalar(&a, "gain", TENON_PARAM_short, 2, 0644);
	p.flags = TENON_PARAM_RANGE;
	p.min = -5;
	p.max = 100000; /* the type allows less */
	author_param(&a, p);
	author_param(&a, (struct author_param){ .name = "ports",
			     .symbol = room(&a, "ports", 4 * 2),
			     .count = word(&a, "nports"),
			     .type = TENON_PARAM_ushort,
			     .size = 2,
			     .perm = 0644,
			     .flags = TENON_PARAM_ARRAY,
			     .capacity = 4 });
	author_param(&a, (struct author_param){ .name = "names",
			     .symbol = room(&a, "names", 3 * 8),
			     .type = TENON_PARAM_charp,
			     .size = 8,
			     .perm = 0644,
			     .flags = TENON_PARAM_ARRAY,
			     .capacity = 3 });
	author_param(&a, (struct author_param){ .name = "label",
			     .symbol = room(&a, "label", 8),
			     .type = TENON_PARAM_string,
			     .size = 1,
			     .perm = 0644,
			     .capacity = 8 });
	author_info(&a, "parm=window:entries");
	author_info(&a, "parm=windows:not this");
	return a;
}

static int load_line(struct subject *s, const char *line)
{
	const struct span file = object_file(s->a.o);
	const struct tn_load_args args = { .size = sizeof(args),
		.data = file.p,
		.data_size = file.n,
		.params = line };

	struct tn_module *mod;

	tn_diag_fini(&s->w.diag);
	const int err = tn_load(s->w.sys, &args, &mod, &s->w.diag);

	/* threads may be reading it */
	if (err == 0 && mod != s->mod)
		s->mod = mod;
	return err;
}

static bool begin(struct subject *s)
{
	s->a = make();
	s->mod = NULL;
	return world_open(&s->w, NULL, 0) && load_line(s, NULL) == 0;
}

static void end(struct subject *s)
{
	CHECK_EQ(world_unload(&s->w, s->mod), 0);
	CHECK(world_close(&s->w));
	author_free(&s->a);
}

/* What @name says, or why it says nothing. */
static const char *value(struct subject *s, const char *name)
{
	static char text[2048];
	size_t n = 0;
	const int err = tn_param_get(s->mod, name, text, sizeof(text), &n);

	if (err != 0)
		snprintf(text, sizeof(text), "error %d", err);
	else if (n != strlen(text))
		return "another length";
	return text;
}

static void sets(
    struct subject *s, const char *name, const char *text, const char *want)
{
	CHECK_EQ(tn_param_set(s->mod, name, text, &s->w.diag), 0);
	CHECK_STR(value(s, name), want);
}

struct refusal {
	const char *name, *text;
	int error;
	const char *reason, *sentence;
};

/* Refused at run time: with these words, and the value is what it was. */
static void refuses(struct subject *s, const struct refusal *r)
{
	const uint64_t before = world_state(&s->w);
	char was[2048], text[512];

	snprintf(was, sizeof(was), "%s", value(s, r->name));
	CHECK_EQ(tn_param_set(s->mod, r->name, r->text, &s->w.diag), -r->error);
	CHECK_EQ(s->w.diag.error, -r->error);
	tn_diag_text(&s->w.diag, text, sizeof(text));
	CHECK_STR(tn_reason_name(s->w.diag.reason), r->reason);
	CHECK_STR(text, r->sentence);
	CHECK_STR(value(s, r->name), was);
	tn_diag_fini(&s->w.diag);
	CHECK_EQ(world_state(&s->w), before);
}

/* --- values */

TEST(param, numbers_have_three_bases_and_a_sign)
{
	struct subject s;

	CHECK(begin(&s));
	sets(&s, "int", "42", "42");
	sets(&s, "int", "-42", "-42");
	sets(&s, "int", "+7", "7");
	sets(&s, "int", "0x1F", "31");
	sets(&s, "int", "0Xff", "255");
	sets(&s, "int", "017", "15");
	sets(&s, "int", "0", "0");
	sets(&s, "int", "-0", "0");
	sets(&s, "int", "12\n", "12");
	sets(&s, "int", "-0x10", "-16");
	end(&s);
}

TEST(param, each_type_holds_its_extremes)
{
	static const struct {
		const char *name, *low, *high;
	} rows[] = {
		{ "byte", "0", "255" },
		{ "short", "-32768", "32767" },
		{ "ushort", "0", "65535" },
		{ "int", "-2147483648", "2147483647" },
		{ "uint", "0", "4294967295" },
		{ "long", "-9223372036854775808", "9223372036854775807" },
		{ "ulong", "0", "18446744073709551615" },
		{ "llong", "-9223372036854775808", "9223372036854775807" },
		{ "ullong", "0", "18446744073709551615" },
	};
	struct subject s;

	CHECK(begin(&s));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		sets(&s, rows[i].name, rows[i].low, rows[i].low);
		sets(&s, rows[i].name, rows[i].high, rows[i].high);
	}
	end(&s);
}

TEST(param, a_value_does_not_touch_its_neighbours)
{
	struct subject s;
	uint64_t *p;

	CHECK(begin(&s));
	for (size_t i = 0; i < ARRAY_SIZE(kinds) - 2; i++) {
		p = world_object(s.mod, kinds[i].name);
		CHECK(p != NULL);
		*p = UINT64_MAX;
		CHECK_EQ(tn_param_set(s.mod, kinds[i].name, "0", NULL), 0);
		CHECK_EQ(*p,
		    kinds[i].size == 8 ? 0 : UINT64_MAX << (8 * kinds[i].size));
	}
	end(&s);
}

TEST(param, one_beyond_the_type_is_refused)
{
	static const struct refusal rows[] = {
		{ "byte", "256", TN_ERANGE, "param_range",
		    "tuned: parameter byte: 256 is not within 0 to 255" },
		{ "byte", "-1", TN_ERANGE, "param_range",
		    "tuned: parameter byte: -1 is not within 0 to 255" },
		{ "short", "-32769", TN_ERANGE, "param_range",
		    "tuned: parameter short: -32769 is not within "
		    "-32768 to 32767" },
		{ "int", "2147483648", TN_ERANGE, "param_range",
		    "tuned: parameter int: 2147483648 is not within "
		    "-2147483648 to 2147483647" },
		{ "llong", "9223372036854775808", TN_ERANGE, "param_range",
		    "tuned: parameter llong: 9223372036854775808 is not "
		    "within -9223372036854775808 to 9223372036854775807" },
		{ "llong", "-9223372036854775809", TN_ERANGE, "param_range",
		    "tuned: parameter llong: -9223372036854775809 is not "
		    "within -9223372036854775808 to 9223372036854775807" },
		{ "ullong", "18446744073709551616", TN_ERANGE, "param_range",
		    "tuned: parameter ullong: 18446744073709551616 is not "
		    "within 0 to 18446744073709551615" },
	};
	struct subject s;

	CHECK(begin(&s));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		refuses(&s, &rows[i]);
	end(&s);
}

TEST(param, limits_of_the_author_hold)
{
	static const struct refusal rows[] = {
		{ "window", "0", TN_ERANGE, "param_range",
		    "tuned: parameter window: 0 is not within 1 to 64" },
		{ "window", "65", TN_ERANGE, "param_range",
		    "tuned: parameter window: 65 is not within 1 to 64" },
		{ "gain", "-6", TN_ERANGE, "param_range",
		    "tuned: parameter gain: -6 is not within -5 to 32767" },
		{ "gain", "40000", TN_ERANGE, "param_range",
		    "tuned: parameter gain: 40000 is not within -5 to 32767" },
	};
	struct subject s;

	CHECK(begin(&s));
	sets(&s, "window", "1", "1");
	sets(&s, "window", "64", "64");
	sets(&s, "gain", "-5", "-5");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		refuses(&s, &rows[i]);
	end(&s);
}

TEST(param, what_is_no_number_is_refused)
{
	static const char *const texts[] = { "12x", "x", "0x", "08", "1 2",
		"--1", "0xg", "1,2", "-" };
	struct subject s;
	char sentence[128];

	CHECK(begin(&s));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const struct refusal r = { "int", texts[i], TN_EINVAL,
			"param_value", sentence };

		snprintf(sentence, sizeof(sentence),
		    "tuned: parameter int: '%s' is no int", texts[i]);
		refuses(&s, &r);
	}
	refuses(&s, &(struct refusal){ "int", "", TN_EINVAL, "param_value",
			"tuned: parameter int: it needs a value of type int" });
	refuses(&s, &(struct refusal){ "int", NULL, TN_EINVAL, "param_value",
			"tuned: parameter int: it needs a value of type int" });
	end(&s);
}

TEST(param, a_bool_is_decided_by_its_first_letters)
{
	static const char *const yes[] = { "y", "Y", "1", "yes", "t", "True",
		"on", "oN", NULL };
	static const char *const no[] = { "n", "N", "0", "nope", "f", "False",
		"off", "oFF" };
	struct subject s;

	CHECK(begin(&s));
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		sets(&s, "bool", no[i % ARRAY_SIZE(no)], "N");
		sets(&s, "bool", yes[i], "Y");
	}
	refuses(&s, &(struct refusal){ "bool", "x", TN_EINVAL, "param_value",
			"tuned: parameter bool: 'x' is no bool" });
	refuses(&s, &(struct refusal){ "bool", "o", TN_EINVAL, "param_value",
			"tuned: parameter bool: 'o' is no bool" });
	refuses(&s, &(struct refusal){ "bool", "\x11", TN_EINVAL, "param_value",
			"tuned: parameter bool: '\x11' is no bool" });
	end(&s);
}

TEST(param, arrays_take_up_to_their_length)
{
	struct subject s;
	uint16_t *ports;
	unsigned *n;

	CHECK(begin(&s));
	ports = world_object(s.mod, "ports");
	n = world_object(s.mod, "nports");
	CHECK_STR(value(&s, "ports"), "");
	sets(&s, "ports", "80,0x1bb", "80,443");
	CHECK_EQ(*n, 2);
	CHECK_EQ(ports[1], 443);
	sets(&s, "ports", "1,2,3,4", "1,2,3,4");
	refuses(&s,
	    &(struct refusal){ "ports", "1,2,3,4,5", TN_ENOSPC, "param_length",
		"tuned: parameter ports: '1,2,3,4,5' has more than 4 "
		"elements" });
	/* found in its middle: nothing of it is written */
	refuses(&s,
	    &(struct refusal){ "ports", "9,8,70000", TN_ERANGE, "param_range",
		"tuned: parameter ports: 70000 is not within 0 to 65535" });
	refuses(&s,
	    &(struct refusal){ "ports", "9,", TN_EINVAL, "param_value",
		"tuned: parameter ports: it needs a value of type ushort" });
	CHECK_EQ(*n, 4);
	/* what the module says is not believed beyond the array */
	*n = 1000;
	CHECK_STR(value(&s, "ports"), "1,2,3,4");
	end(&s);
}

TEST(param, texts_live_as_long_as_the_module)
{
	struct subject s;
	char **p, **names;
	char *first;

	CHECK(begin(&s));
	p = world_object(s.mod, "charp");
	names = world_object(s.mod, "names");
	CHECK_STR(value(&s, "charp"), "");
	sets(&s, "charp", "one, two", "one, two");
	first = *p;
	sets(&s, "charp", "three", "three");
	CHECK_STR(first, "one, two");
	const struct rig_held held = rig_held(&s.w.rig);

	/* set again: the texts that are there serve again */
	for (int i = 0; i < 100; i++) {
		sets(&s, "charp", "one, two", "one, two");
		sets(&s, "charp", "three", "three");
	}
	CHECK(rig_same(rig_held(&s.w.rig), held));
	CHECK(first != *p);
	sets(&s, "names", "a,,long one", "a,,long one");
	CHECK_STR(names[0], "a");
	CHECK_STR(names[1], "");
	CHECK_STR(names[2], "long one");
	/* not the text that an array has taken apart */
	sets(&s, "charp", "a,,long one", "a,,long one");
	CHECK_STR(*p, "a,,long one");
	refuses(&s,
	    &(struct refusal){ "names", "a,b,c,d", TN_ENOSPC, "param_length",
		"tuned: parameter names: 'a,b,c,d' has more than 3 "
		"elements" });
	end(&s);
}

TEST(param, a_text_has_1024_characters_at_most)
{
	struct subject s;
	char text[1026];

	CHECK(begin(&s));
	memset(text, 'x', sizeof(text));
	text[1024] = '\0';
	sets(&s, "charp", text, text);
	text[1024] = 'x';
	text[1025] = '\0';
	CHECK_EQ(tn_param_set(s.mod, "charp", text, &s.w.diag), -TN_ENOSPC);
	CHECK_EQ(s.w.diag.reason, TN_REASON_PARAM_LENGTH);
	CHECK_EQ(s.w.diag.high, 1024);
	tn_diag_fini(&s.w.diag);
	end(&s);
}

TEST(param, a_text_elsewhere_is_not_read)
{
	struct subject s;
	char **p;

	CHECK(begin(&s));
	p = world_object(s.mod, "charp");
	*p = (char *)(uintptr_t)8;
	CHECK_STR(value(&s, "charp"), "error -95");
	*p = world_object(s.mod, "label");
	CHECK_STR(value(&s, "charp"), "");
	sets(&s, "label", "in it", "in it");
	CHECK_STR(value(&s, "charp"), "in it");
	end(&s);
}

TEST(param, a_string_fits_with_its_end)
{
	struct subject s;
	char *label;

	CHECK(begin(&s));
	label = world_object(s.mod, "label");
	sets(&s, "label", "1234567", "1234567");
	refuses(&s,
	    &(struct refusal){ "label", "12345678", TN_ENOSPC, "param_length",
		"tuned: parameter label: '12345678' has more than 7 "
		"characters" });
	sets(&s, "label", "", "");
	/* a module that has overwritten the end */
	memset(label, 'z', 8);
	CHECK_STR(value(&s, "label"), "zzzzzzzz");
	end(&s);
}

/* --- names and permissions */

TEST(param, names_that_are_not_shown_do_not_exist)
{
	static const struct refusal rows[] = {
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
	struct subject s;

	CHECK(begin(&s));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		refuses(&s, &rows[i]);
	CHECK_STR(value(&s, "fixed"), "0");
	CHECK_STR(value(&s, "hidden_one"), "error -2");
	end(&s);
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
	struct subject s;
	char text[1024] = "";

	CHECK(begin(&s));
	CHECK_EQ(tn_param_each(s.mod, list, text), 17);
	CHECK(strstr(text, "byte:byte:644:1:;") == text);
	CHECK(strstr(text, "fixed:int:444:1:;window:ulong:644:1:entries;") !=
	      NULL);
	CHECK(strstr(text, "hidden") == NULL);
	CHECK_STR(tn_param_type_name((enum tn_param_type)0), "unknown");
	CHECK_STR(tn_param_type_name((enum tn_param_type)13), "unknown");
	end(&s);
}

TEST(param, of_a_module_that_is_gone_are_gone)
{
	struct subject s;
	char text[128];
	size_t n = 7;

	CHECK(begin(&s));
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
	struct subject s;
	char text[4];
	size_t n = 0;

	CHECK(begin(&s));
	sets(&s, "int", "123456", "123456");
	CHECK_EQ(tn_param_get(s.mod, "int", text, sizeof(text), &n), 0);
	CHECK_EQ(n, 6);
	CHECK_STR(text, "123");
	CHECK_EQ(tn_param_get(s.mod, "int", NULL, 0, &n), 0);
	CHECK_EQ(n, 6);
	end(&s);
}

/* --- the line of a load */

static void line_gives(
    struct subject *s, const char *line, const char *name, const char *want)
{
	CHECK_EQ(load_line(s, line), 0);
	CHECK_STR(value(s, name), want);
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
	struct subject s;

	CHECK(begin(&s));
	CHECK_EQ(world_unload(&s.w, s.mod), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		line_gives(&s, rows[i][0], rows[i][1], rows[i][2]);
	CHECK(world_close(&s.w));
	author_free(&s.a);
}

TEST(param, a_line_that_is_wrong_refuses_the_load)
{
	static const struct refusal rows[] = {
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
	struct subject s;
	uint64_t before;
	char text[256];

	CHECK(begin(&s));
	CHECK_EQ(world_unload(&s.w, s.mod), 0);
	before = world_state(&s.w);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK_EQ(load_line(&s, rows[i].text), -rows[i].error);
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
	struct subject s = { .a = author_new(isa_here()->machine, "plain") };
	char text[128];

	CHECK(world_open(&s.w, NULL, 0));
	CHECK_EQ(load_line(&s, "x=1"), -TN_ENOENT);
	tn_diag_text(&s.w.diag, text, sizeof(text));
	CHECK_STR(text, "plain: there is no parameter 'x'");
	CHECK_EQ(load_line(&s, ""), 0);
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
	struct subject *s;
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
	struct subject s;
	struct tuner t[2] = { { .s = &s }, { .s = &s } };
	pthread_t thread[2];

	CHECK(begin(&s));
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, tune, &t[i]), 0);
	for (int i = 0; i < 200; i++) {
		while (tn_unload(s.w.sys, s.mod, NULL) == -TN_EBUSY)
			sched_yield();
		CHECK_EQ(load_line(&s, "charp=three"), 0);
	}
	for (int i = 0; i < 2; i++) {
		atomic_store(&t[i].stop, true);
		pthread_join(thread[i], NULL);
	}
	end(&s);
}
