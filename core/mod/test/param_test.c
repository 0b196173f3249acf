/* SPDX-License-Identifier: MIT */
/*
 * Values of parameters: every form, what is refused with which words, and that
 * a refusal changes nothing. The rules are Linux's; where ours differ the test
 * says so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/param.h>
#include <test/test.h>

#include "tuned.h"

TEST(param, numbers_have_three_bases_and_a_sign)
{
	struct tuned s;

	CHECK(tuned_begin(&s));
	tuned_sets(&s, "int", "42", "42");
	tuned_sets(&s, "int", "-42", "-42");
	tuned_sets(&s, "int", "+7", "7");
	tuned_sets(&s, "int", "0x1F", "31");
	tuned_sets(&s, "int", "0Xff", "255");
	tuned_sets(&s, "int", "017", "15");
	tuned_sets(&s, "int", "0", "0");
	tuned_sets(&s, "int", "-0", "0");
	tuned_sets(&s, "int", "12\n", "12");
	tuned_sets(&s, "int", "-0x10", "-16");
	tuned_end(&s);
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
	struct tuned s;

	CHECK(tuned_begin(&s));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		tuned_sets(&s, rows[i].name, rows[i].low, rows[i].low);
		tuned_sets(&s, rows[i].name, rows[i].high, rows[i].high);
	}
	tuned_end(&s);
}

TEST(param, a_value_does_not_touch_its_neighbours)
{
	struct tuned s;
	uint64_t *p;

	CHECK(tuned_begin(&s));
	for (size_t i = 0; i < TUNED_KINDS - 2; i++) {
		p = world_object(s.mod, tuned_kinds[i].name);
		CHECK(p != NULL);
		*p = UINT64_MAX;
		CHECK_EQ(
		    tn_param_set(s.mod, tuned_kinds[i].name, "0", NULL), 0);
		CHECK_EQ(*p, tuned_kinds[i].size == 8
				 ? 0
				 : UINT64_MAX << (8 * tuned_kinds[i].size));
	}
	tuned_end(&s);
}

TEST(param, one_beyond_the_type_is_refused)
{
	static const struct tuned_refusal rows[] = {
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
	struct tuned s;

	CHECK(tuned_begin(&s));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tuned_refuses(&s, &rows[i]);
	tuned_end(&s);
}

TEST(param, limits_of_the_author_hold)
{
	static const struct tuned_refusal rows[] = {
		{ "window", "0", TN_ERANGE, "param_range",
		    "tuned: parameter window: 0 is not within 1 to 64" },
		{ "window", "65", TN_ERANGE, "param_range",
		    "tuned: parameter window: 65 is not within 1 to 64" },
		{ "gain", "-6", TN_ERANGE, "param_range",
		    "tuned: parameter gain: -6 is not within -5 to 32767" },
		{ "gain", "40000", TN_ERANGE, "param_range",
		    "tuned: parameter gain: 40000 is not within -5 to 32767" },
	};
	struct tuned s;

	CHECK(tuned_begin(&s));
	tuned_sets(&s, "window", "1", "1");
	tuned_sets(&s, "window", "64", "64");
	tuned_sets(&s, "gain", "-5", "-5");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tuned_refuses(&s, &rows[i]);
	tuned_end(&s);
}

TEST(param, what_is_no_number_is_refused)
{
	static const char *const texts[] = { "12x", "x", "0x", "08", "1 2",
		"--1", "0xg", "1,2", "-" };
	struct tuned s;
	char sentence[128];

	CHECK(tuned_begin(&s));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const struct tuned_refusal r = { "int", texts[i], TN_EINVAL,
			"param_value", sentence };

		snprintf(sentence, sizeof(sentence),
		    "tuned: parameter int: '%s' is no int", texts[i]);
		tuned_refuses(&s, &r);
	}
	tuned_refuses(
	    &s, &(struct tuned_refusal){ "int", "", TN_EINVAL, "param_value",
		    "tuned: parameter int: it needs a value of type int" });
	tuned_refuses(
	    &s, &(struct tuned_refusal){ "int", NULL, TN_EINVAL, "param_value",
		    "tuned: parameter int: it needs a value of type int" });
	tuned_end(&s);
}

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* Its beginning shows which one it was. */
TEST(param, a_long_value_is_shortened_in_its_refusal)
{
	static const struct tuned_refusal rows[] = {
		{ "int", X64, TN_EINVAL, "param_value",
		    "tuned: parameter int: '" X64 "' is no int" },
		{ "int", X64 "y", TN_EINVAL, "param_value",
		    "tuned: parameter int: '" X64 "...' is no int" },
		{ "int", X64 X64 X64, TN_EINVAL, "param_value",
		    "tuned: parameter int: '" X64 "...' is no int" },
		{ "label", X64 "y", TN_ENOSPC, "param_length",
		    "tuned: parameter label: '" X64
		    "...' has more than 7 characters" },
	};
	struct tuned s;

	CHECK(tuned_begin(&s));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tuned_refuses(&s, &rows[i]);
	tuned_end(&s);
}

TEST(param, a_bool_is_decided_by_its_first_letters)
{
	static const char *const yes[] = { "y", "Y", "1", "yes", "t", "True",
		"on", "oN", NULL };
	static const char *const no[] = { "n", "N", "0", "nope", "f", "False",
		"off", "oFF" };
	struct tuned s;

	CHECK(tuned_begin(&s));
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		tuned_sets(&s, "bool", no[i % ARRAY_SIZE(no)], "N");
		tuned_sets(&s, "bool", yes[i], "Y");
	}
	tuned_refuses(
	    &s, &(struct tuned_refusal){ "bool", "x", TN_EINVAL, "param_value",
		    "tuned: parameter bool: 'x' is no bool" });
	tuned_refuses(
	    &s, &(struct tuned_refusal){ "bool", "o", TN_EINVAL, "param_value",
		    "tuned: parameter bool: 'o' is no bool" });
	tuned_refuses(
	    &s, &(struct tuned_refusal){ "bool", "\x11", TN_EINVAL,
		    "param_value", "tuned: parameter bool: '?' is no bool" });
	tuned_end(&s);
}

TEST(param, arrays_take_up_to_their_length)
{
	struct tuned s;
	uint16_t *ports;
	unsigned *n;

	CHECK(tuned_begin(&s));
	ports = world_object(s.mod, "ports");
	n = world_object(s.mod, "nports");
	CHECK_STR(tuned_value(&s, "ports"), "");
	tuned_sets(&s, "ports", "80,0x1bb", "80,443");
	CHECK_EQ(*n, 2);
	CHECK_EQ(ports[1], 443);
	tuned_sets(&s, "ports", "1,2,3,4", "1,2,3,4");
	tuned_refuses(
	    &s, &(struct tuned_refusal){ "ports", "1,2,3,4,5", TN_ENOSPC,
		    "param_length",
		    "tuned: parameter ports: '1,2,3,4,5' has more than 4 "
		    "elements" });
	/* found in its middle: nothing of it is written */
	tuned_refuses(
	    &s, &(struct tuned_refusal){ "ports", "9,8,70000", TN_ERANGE,
		    "param_range",
		    "tuned: parameter ports: 70000 is not within 0 to 65535" });
	tuned_refuses(&s,
	    &(struct tuned_refusal){ "ports", "9,", TN_EINVAL, "param_value",
		"tuned: parameter ports: it needs a value of type ushort" });
	CHECK_EQ(*n, 4);
	/* what the module says is not believed beyond the array */
	*n = 1000;
	CHECK_STR(tuned_value(&s, "ports"), "1,2,3,4");
	tuned_end(&s);
}

TEST(param, texts_live_as_long_as_the_module)
{
	struct tuned s;
	char **p, **names;
	char *first;

	CHECK(tuned_begin(&s));
	p = world_object(s.mod, "charp");
	names = world_object(s.mod, "names");
	CHECK_STR(tuned_value(&s, "charp"), "");
	tuned_sets(&s, "charp", "one, two", "one, two");
	first = *p;
	tuned_sets(&s, "charp", "three", "three");
	CHECK_STR(first, "one, two");
	const struct rig_held held = rig_held(&s.w.rig);

	/* set again: the texts that are there serve again */
	for (int i = 0; i < 100; i++) {
		tuned_sets(&s, "charp", "one, two", "one, two");
		tuned_sets(&s, "charp", "three", "three");
	}
	CHECK(rig_same(rig_held(&s.w.rig), held));
	CHECK(first != *p);
	tuned_sets(&s, "names", "a,,long one", "a,,long one");
	CHECK_STR(names[0], "a");
	CHECK_STR(names[1], "");
	CHECK_STR(names[2], "long one");
	/* not the text that an array has taken apart */
	tuned_sets(&s, "charp", "a,,long one", "a,,long one");
	CHECK_STR(*p, "a,,long one");
	tuned_refuses(
	    &s, &(struct tuned_refusal){ "names", "a,b,c,d", TN_ENOSPC,
		    "param_length",
		    "tuned: parameter names: 'a,b,c,d' has more than 3 "
		    "elements" });
	tuned_end(&s);
}

TEST(param, a_text_has_1024_characters_at_most)
{
	struct tuned s;
	char text[1026];

	CHECK(tuned_begin(&s));
	memset(text, 'x', sizeof(text));
	text[1024] = '\0';
	tuned_sets(&s, "charp", text, text);
	text[1024] = 'x';
	text[1025] = '\0';
	CHECK_EQ(tn_param_set(s.mod, "charp", text, &s.w.diag), -TN_ENOSPC);
	CHECK_EQ(s.w.diag.reason, TN_REASON_PARAM_LENGTH);
	CHECK_EQ(s.w.diag.high, 1024);
	tn_diag_fini(&s.w.diag);
	tuned_end(&s);
}

TEST(param, a_text_elsewhere_is_not_read)
{
	struct tuned s;
	char **p;

	CHECK(tuned_begin(&s));
	p = world_object(s.mod, "charp");
	*p = (char *)(uintptr_t)8;
	CHECK_STR(tuned_value(&s, "charp"), "error -95");
	*p = world_object(s.mod, "label");
	CHECK_STR(tuned_value(&s, "charp"), "");
	tuned_sets(&s, "label", "in it", "in it");
	CHECK_STR(tuned_value(&s, "charp"), "in it");
	tuned_end(&s);
}

TEST(param, a_string_fits_with_its_end)
{
	struct tuned s;
	char *label;

	CHECK(tuned_begin(&s));
	label = world_object(s.mod, "label");
	tuned_sets(&s, "label", "1234567", "1234567");
	tuned_refuses(
	    &s, &(struct tuned_refusal){ "label", "12345678", TN_ENOSPC,
		    "param_length",
		    "tuned: parameter label: '12345678' has more than 7 "
		    "characters" });
	tuned_sets(&s, "label", "", "");
	/* a module that has overwritten the end */
	memset(label, 'z', 8);
	CHECK_STR(tuned_value(&s, "label"), "zzzzzzzz");
	tuned_end(&s);
}
