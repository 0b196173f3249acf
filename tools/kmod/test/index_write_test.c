/* SPDX-License-Identifier: MIT */
/*
 * Sorting texts, the order of kmod's tables, tables of names, and the bytes of
 * an index. That whole indexes are kmod's is test_depmod.py's affair.
 */
#include "index_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <test/test.h>

#include "kmodhash.h"
#include "names.h"
#include "strsort.h"

#define TEXTS 3000u
#define ROOM  64u

static char texts[TEXTS][ROOM];

static const char *text_of(const void *arg, uint32_t i)
{
	(void)arg;
	return texts[i];
}

/* A small generator: the same texts everywhere. */
static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* Texts with long common beginnings, prefixes of others, and equal ones. */
static void make_texts(void)
{
	static const char *const begins[] = { "", "pci:v00008086d0000",
		"pci:v00008086d0000A", "usb:v", "\xe4", "symbol:crypto_" };
	uint32_t state = 1;

	for (unsigned i = 0; i < TEXTS; i++) {
		const unsigned begin = next_random(&state) % 6;
		const unsigned tail = next_random(&state) % 400;

		(void)snprintf(texts[i], ROOM, "%s%.*u", begins[begin],
		    (int)(tail % 12), tail);
	}
}

TEST(strsort, sorts_as_strcmp_and_keeps_equal_texts_in_place)
{
	static uint32_t order[TEXTS];

	make_texts();
	CHECK_EQ(strsort(text_of, NULL, TEXTS, order), 0);
	for (unsigned i = 1; i < TEXTS; i++) {
		const int c = strcmp(texts[order[i - 1]], texts[order[i]]);

		CHECK(c < 0 || (c == 0 && order[i - 1] < order[i]));
	}
	CHECK_EQ(strsort(text_of, NULL, 0, order), 0);
	CHECK_EQ(strsort(text_of, NULL, 1, order), 0);
	CHECK_EQ(order[0], 0);
}

/* What is claimed to be sorted may be, and be nearly all or nothing. */
TEST(strsort, believes_no_claim_that_does_not_hold)
{
	static uint32_t order[TEXTS], want[TEXTS];
	static bool is_known[TEXTS];
	uint32_t state = 5;

	make_texts();
	CHECK_EQ(strsort(text_of, NULL, TEXTS, want), 0);
	for (unsigned round = 0; round < 20; round++) {
		const unsigned share = round % 10;
		uint32_t known = 0, n;

		for (unsigned i = 0; i < TEXTS; i++)
			is_known[i] = next_random(&state) % 9 < share;
		for (unsigned i = 0; i < TEXTS; i++)
			if (is_known[want[i]])
				order[known++] = want[i];
		n = known;
		for (unsigned i = 0; i < TEXTS; i++)
			if (!is_known[i])
				order[n++] = i;
		if (round >= 10 && known > 1) {
			const uint32_t at = next_random(&state) % (known - 1);

			n = order[at];
			order[at] = order[at + 1];
			order[at + 1] = n;
		}
		CHECK_EQ(strsort_known(text_of, NULL, TEXTS, order, known), 0);
		CHECK_MEM(order, want, sizeof(want));
	}
}

/* As kmod 30 lists these modules. */
TEST(kmodhash, orders_names_as_kmods_table_does)
{
	static const char *const want[] = { "i", "h", "z9", "j", "long_name_x",
		"c", "b", "d", "a", "another_long", "g", "e", "f" };
	const unsigned n = ARRAY_SIZE(want);
	uint32_t sorted[ARRAY_SIZE(want)], order[ARRAY_SIZE(want)];
	struct kmodhash_texts t = { text_of, NULL, n, sorted };

	for (unsigned i = 0; i < n; i++)
		(void)snprintf(texts[i], ROOM, "%s", want[n - 1 - i]);
	CHECK_EQ(strsort(text_of, NULL, n, sorted), 0);
	CHECK_EQ(kmodhash_order(&t, KMODHASH_MODULES, order), 0);
	for (unsigned i = 0; i < n; i++)
		CHECK_STR(texts[order[i]], want[i]);
}

TEST(names, finds_what_was_added_and_nothing_else)
{
	struct names t = { 0 };
	bool is_new;

	CHECK(names_find(&t, "x", 1) == NULL);
	make_texts();
	for (unsigned i = 0; i < TEXTS; i++) {
		/* few hashes, so that names collide */
		const uint32_t hash = names_hash(texts[i], 7) & 0xff;
		const bool is_there = names_find(&t, texts[i], hash) != NULL;
		struct names_entry *e = names_add(&t, texts[i], hash, &is_new);

		CHECK(e != NULL);
		CHECK_EQ(is_new, !is_there);
		CHECK_STR(e->name, texts[i]);
	}
	CHECK(names_find(&t, "not there", names_hash("not there", 7)) == NULL);
	names_free(&t);
	CHECK(names_find(&t, texts[0], 0) == NULL);
}

TEST(index_write, an_empty_index_is_a_header)
{
	static const char want[] =
	    "\xb0\x07\xf4\x57\x00\x02\x00\x01\x00\x00\x00\x0c";
	struct buffer out = { 0 };

	CHECK_EQ(index_write(NULL, 0, &out), 0);
	CHECK_EQ(out.n, 12);
	CHECK_MEM(out.p, want, 12);
	buffer_free(&out);
}

/*
 * By hand from the format: children before their node, prefix, table of
 * children, values; of one key by priority, equal ones the later first.
 */
TEST(index_write, a_trie_has_these_bytes)
{
	static const char want[] =
	    "\xb0\x07\xf4\x57\x00\x02\x00\x01\x20\x00\x00\x3f"
	    "\x00\x00\x00\x03\x00\x00\x00\x00q\x00\x00\x00\x00\x00p\x00"
	    "\x00\x00\x00\x02r\x00"                 /* 12: "abc" */
	    "\x00\x00\x00\x01\x00\x00\x00\x05s\x00" /* 34: "abd" */
	    "b\x00"
	    "cd\x40\x00\x00\x0c\x40\x00\x00\x22" /* 44: "ab" */
	    "\x00"; /* the rest is checked by its length and the root */
	struct index_pair pairs[] = {
		{ "abd", "s", 5 },
		{ "abc", "p", 0 },
		{ "abc", "q", 0 },
		{ "abc", "r", 2 },
	};
	struct buffer out = { 0 };

	CHECK_EQ(index_write(pairs, 4, &out), 0);
	CHECK_EQ(out.n, 12 + 22 + 10 + 12 + 6);
	CHECK_MEM(out.p, want, 8);
	CHECK_MEM(out.p + 12, want + 12, 44);
	/* the root has one child, 'a' */
	CHECK_MEM(out.p + 8, "\x20\x00\x00\x38", 4);
	CHECK_MEM(out.p + 56, "aa\xa0\x00\x00\x2c", 6);
	buffer_free(&out);
}

TEST(buffer, fails_for_good_and_can_be_used_again)
{
	struct buffer b = { 0 };

	buffer_text(&b, "abc");
	buffer_be32(&b, 0x01020304);
	CHECK_EQ(b.n, 7);
	CHECK_MEM(b.p, "abc\1\2\3\4", 7);
	CHECK(buffer_room(&b, SIZE_MAX) == NULL);
	CHECK(b.failed);
	buffer_char(&b, 'x');
	CHECK_EQ(b.n, 7);
	buffer_free(&b);
	buffer_char(&b, 'x');
	CHECK(!b.failed);
	CHECK_EQ(b.n, 1);
	buffer_free(&b);
}
