/* SPDX-License-Identifier: MIT */
/*
 * Diagnosis as data: names for programs, sentences for people, at any length
 * of the buffer, for every reason and any content.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/diag.h>
#include <test/test.h>

/* A record with something in every field. */
static struct tn_diag full(enum tn_reason reason)
{
	struct tn_diag d = {
		.error = -1,
		.stage = TN_STAGE_CHECK,
		.reason = reason,
		.module = "themodule",
		.section = ".thesection",
		.symbol = "thesymbol",
		.other = "theother",
		.reloc = "R_THE_RELOC",
		.offset = 0x123,
		.value = 77,
		.low = -5,
		.high = 99,
	};

	return d;
}

TEST(diag, every_reason_has_a_name_and_a_sentence)
{
	char text[512];

	for (int i = 0; i < TN_REASONS; i++) {
		const struct tn_diag d = full((enum tn_reason)i);
		const char *name = tn_reason_name(d.reason);
		const size_t n = tn_diag_text(&d, text, sizeof(text));

		CHECK(strlen(name) > 2);
		CHECK_EQ(
		    strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
		CHECK_EQ(n, strlen(text));
		CHECK(n > 12);
		CHECK(strchr(text, '\n') == NULL);
		CHECK(strchr(text, '%') == NULL);
		CHECK(strstr(text, "(null)") == NULL);
		for (int k = 0; k < i; k++)
			CHECK(strcmp(name, tn_reason_name((enum tn_reason)k)) !=
			      0);
	}
	CHECK_STR(tn_reason_name(TN_REASONS), "unknown");
	CHECK_STR(tn_reason_name((enum tn_reason) - 1), "unknown");
}

/* Names of a file stand in it, which nobody has looked at. */
TEST(diag, controls_no_terminal_and_adds_no_line)
{
	static struct tn_missing missing = { "m\nm", "n\x1bn" };
	static struct tn_holder holder = { .kind = TN_HOLDER_BOND,
		.name = "h\nh",
		.interface = "i\x7fi",
		.count = 1 };
	char text[512];

	for (int i = 0; i < TN_REASONS; i++) {
		struct tn_diag d = full((enum tn_reason)i);

		strcpy(d.section, "\x1b[2J");
		strcpy(d.symbol, "line\nline");
		strcpy(d.other, "bell\a");
		d.missing = &missing;
		d.nmissing = 1;
		d.holders = &holder;
		d.nholders = 1;
		(void)tn_diag_text(&d, text, sizeof(text));
		for (const char *s = text; *s != '\0'; s++)
			CHECK((unsigned char)*s >= 0x20 && *s != 0x7f);
	}
}

/* Of bytes that are no UTF-8, or controls of eight bits, none is left. */
TEST(diag, has_only_what_can_be_printed)
{
	static const struct {
		const char *other, *text;
	} rows[] = {
		{ "caf\xc3\xa9 \xe2\x82\xac", "caf\xc3\xa9 \xe2\x82\xac" },
		{ "\x9b[2J", "?[2J" },
		{ "\xc2\x9b[2J", "??[2J" },
		{ "\xe0\x80\x9b[2J", "???[2J" },
		{ "cut\xe2\x82", "cut??" },
		{ "tab\ttab", "tab?tab" },
	};
	struct tn_diag d = full(TN_REASON_DLOPEN);
	char text[64], want[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		strcpy(d.other, rows[i].other);
		(void)tn_diag_text(&d, text, sizeof(text));
		snprintf(want, sizeof(want), "themodule: %s", rows[i].text);
		CHECK_STR(text, want);
	}
	/* What is left of a character that did not fit is none. */
	strcpy(d.other, "\xc3\xa9");
	CHECK_EQ(tn_diag_text(&d, text, 13), 13);
	CHECK_STR(text, "themodule: ?");
}

TEST(diag, every_stage_has_a_name)
{
	for (int i = 0; i < TN_STAGES; i++)
		for (int k = 0; k < i; k++)
			CHECK(strcmp(tn_stage_name((enum tn_stage)i),
				  tn_stage_name((enum tn_stage)k)) != 0);
	CHECK_STR(tn_stage_name(TN_STAGES), "unknown");
}

/* All that belongs to a relocation is in its sentence. */
TEST(diag, sentences_name_place_relocation_symbol_and_numbers)
{
	struct tn_diag d = full(TN_REASON_RELOC_RANGE);
	char text[256];

	tn_diag_text(&d, text, sizeof(text));
	CHECK_STR(text,
	    "themodule: .thesection+0x123: R_THE_RELOC against 'thesymbol': "
	    "value 0x4d does not fit into [-5, 99]");
	d.value = (uint64_t)-77;
	d.low = INT64_MIN;
	d.high = INT64_MAX;
	d.reloc = NULL;
	d.symbol[0] = '\0';
	tn_diag_text(&d, text, sizeof(text));
	CHECK_STR(text,
	    "themodule: .thesection+0x123: relocation: value -0x4d does not "
	    "fit into [-9223372036854775808, 9223372036854775807]");
}

/* Any capacity: the beginning of the text, ended, and its whole length. */
TEST(diag, text_is_cut_to_the_buffer)
{
	const struct tn_diag d = full(TN_REASON_CRC);
	char whole[256], part[256];
	const size_t n = tn_diag_text(&d, whole, sizeof(whole));

	CHECK_EQ(tn_diag_text(&d, NULL, 0), n);
	for (size_t cap = 1; cap < n + 4; cap++) {
		memset(part, '#', sizeof(part));
		CHECK_EQ(tn_diag_text(&d, part, cap), n);
		CHECK_EQ(strlen(part), cap - 1 < n ? cap - 1 : n);
		CHECK_MEM(part, whole, strlen(part));
		CHECK_EQ(part[cap], '#');
	}
}

/* Fields are cut to fit and may be full to the last byte. */
TEST(diag, full_fields_are_printed_whole)
{
	struct tn_diag d = full(TN_REASON_GPL_ONLY);
	char text[512];

	memset(d.module, 'm', sizeof(d.module) - 1);
	memset(d.symbol, 's', sizeof(d.symbol) - 1);
	memset(d.other, 'o', sizeof(d.other) - 1);
	CHECK_EQ(tn_diag_text(&d, text, sizeof(text)),
	    sizeof(d.module) - 1 + sizeof(d.symbol) - 1 + sizeof(d.other) - 1 +
		strlen(": '' of  is for GPL-compatible modules only"));
}

TEST(diag, an_empty_record_says_so)
{
	struct tn_diag d;
	char text[64];

	memset(&d, 0xff, sizeof(d));
	tn_diag_init(&d);
	CHECK_EQ(d.reason, TN_REASON_NONE);
	CHECK(d.missing == NULL);
	tn_diag_text(&d, text, sizeof(text));
	CHECK_STR(text, "no failure");
	tn_diag_fini(&d);
	tn_diag_fini(&d);
}

/* Missing symbols are a line each when there are several. */
TEST(diag, missing_symbols_are_a_line_each)
{
	struct tn_missing missing[] = { { "one", NULL }, { "two", "too" } };
	struct tn_diag d = full(TN_REASON_MISSING_SYMBOL);
	char text[128];

	d.missing = missing;
	d.nmissing = 2;
	tn_diag_text(&d, text, sizeof(text));
	CHECK_STR(
	    text, "themodule: 2 missing symbols:\n  one\n  two (nearest: too)");
	d.nmissing = 1;
	tn_diag_text(&d, text, sizeof(text));
	CHECK_STR(text, "themodule: 1 missing symbol: one");
}

/* A number that is no reason, from a foreign record. */
TEST(diag, a_reason_that_is_none_is_printed_as_none)
{
	const struct tn_diag d = full((enum tn_reason)1000);
	char text[64];

	tn_diag_text(&d, text, sizeof(text));
	CHECK_STR(text, "themodule: no failure");
}
