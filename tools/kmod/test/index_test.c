/* SPDX-License-Identifier: MIT */
/* The tries of modules.*.bin, made by hand and damaged by hand. */
#include "index_read.h"
#include "test/trie_text.h"

#include <string.h>

#include <tenon/err.h>
#include <test/test.h>

/* "ab" -> one, "a*" -> any, "a[bc]" -> set, "a" -> short (priority 7). */
static void make(struct trie_text *t)
{
	uint32_t any, set, one, node;
	uint8_t range[2] = { '*', 'b' };

	trie_begin(t);
	any = trie_leaf(t, "", "any", 2);
	set = trie_leaf(t, "bc]", "set", 1);
	one = trie_leaf(t, "", "one", 2);
	node = (uint32_t)t->n | 0xe0000000u;
	trie_put(t, "a", 2);
	trie_put(t, range, 2);
	for (unsigned c = '*'; c <= 'b'; c++)
		trie_put_be32(t, c == '*'   ? any
				 : c == '[' ? set
				 : c == 'b' ? one
					    : 0);
	trie_put_be32(t, 1);
	trie_put_be32(t, 7);
	trie_put(t, "short", 6);
	trie_end(t, node);
}

static int open_text(struct trie *ix, const struct trie_text *t)
{
	return trie_open_bytes(ix, (struct span){ t->bytes, t->n });
}

TEST(index, finds_exactly_the_key)
{
	struct trie_text t;
	struct trie ix;

	make(&t);
	CHECK_EQ(open_text(&ix, &t), 0);
	CHECK_STR(trie_find(&ix, "ab"), "one");
	CHECK_STR(trie_find(&ix, "a"), "short");
	CHECK_STR(trie_find(&ix, "a*"), "any");
	CHECK(trie_find(&ix, "") == NULL);
	CHECK(trie_find(&ix, "abc") == NULL);
	CHECK(trie_find(&ix, "b") == NULL);
	CHECK(!ix.damaged);
}

static size_t count(const struct trie_hit *h)
{
	size_t n = 0;

	for (; h != NULL; h = h->next)
		n++;
	return n;
}

TEST(index, matches_patterns_by_priority)
{
	struct arena arena = { 0 };
	struct trie_hit *hits;
	struct trie_text t;
	struct trie ix;

	make(&t);
	CHECK_EQ(open_text(&ix, &t), 0);
	CHECK_EQ(trie_match(&ix, "ab", &arena, &hits), 0);
	CHECK_EQ(count(hits), 3);
	CHECK_STR(hits->value, "set");
	CHECK_STR(hits->next->value, "any");
	CHECK_STR(hits->next->next->value, "one");
	CHECK_EQ(trie_match(&ix, "axyz", &arena, &hits), 0);
	CHECK_EQ(count(hits), 1);
	CHECK_EQ(trie_match(&ix, "b", &arena, &hits), 0);
	CHECK(hits == NULL);
	arena_free(&arena);
}

static bool join(const char *key, const char *value, void *arg)
{
	char *all = arg;

	strcat(all, key);
	strcat(all, "=");
	strcat(all, value);
	strcat(all, " ");
	return strcmp(value, "set") != 0;
}

TEST(index, walks_in_order_until_the_visitor_has_enough)
{
	char all[200] = "";
	struct trie_text t;
	struct trie ix;

	make(&t);
	CHECK_EQ(open_text(&ix, &t), 0);
	trie_each(&ix, join, all);
	CHECK_STR(all, "a=short a*=any a[bc]=set ");
}

TEST(index, refuses_what_is_no_index)
{
	struct trie_text t;
	struct trie ix;

	make(&t);
	for (size_t n = 0; n < 12; n++)
		CHECK_EQ(trie_open_bytes(&ix, (struct span){ t.bytes, n }),
		    -TN_EBADMSG);
	t.bytes[7] = 2; /* a version of the future */
	CHECK_EQ(open_text(&ix, &t), -TN_EBADMSG);
	CHECK_EQ(trie_open(&ix, "/nonexistent"), -TN_ENOENT);
	trie_close(&ix);
}

static bool go_on(const char *key, const char *value, void *arg)
{
	(void)key;
	(void)value;
	(void)arg;
	return true;
}

/* Every search ends, whatever a byte of the file has become. */
TEST(index, ends_on_every_damage)
{
	struct arena arena = { 0 };
	struct trie_hit *hits;
	unsigned damaged = 0;
	struct trie_text t;
	struct trie ix;

	make(&t);
	for (size_t i = 12; i < t.n; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			t.bytes[i] ^= (uint8_t)(1u << bit);
			CHECK_EQ(open_text(&ix, &t), 0);
			(void)trie_find(&ix, "ab");
			CHECK_EQ(trie_match(&ix, "ab", &arena, &hits), 0);
			trie_each(&ix, go_on, NULL);
			damaged += ix.damaged;
			t.bytes[i] ^= (uint8_t)(1u << bit);
		}
		arena_free(&arena);
	}
	CHECK(damaged > 0);
}

/* A node that is its own child. */
TEST(index, a_circle_is_damage)
{
	const uint8_t circle[] = { 0xb0, 0x07, 0xf4, 0x57, 0, 2, 0, 1, 0x20, 0,
		0, 12, '*', '*', 0x20, 0, 0, 12 };
	struct arena arena = { 0 };
	struct trie_hit *hits;
	struct trie ix;

	CHECK_EQ(
	    trie_open_bytes(&ix, (struct span){ circle, sizeof(circle) }), 0);
	trie_each(&ix, go_on, NULL);
	CHECK(ix.damaged);
	ix.damaged = false;
	CHECK_EQ(trie_match(&ix, "x", &arena, &hits), 0);
	CHECK(ix.damaged);
	CHECK_EQ(ix.bad, 12);
	arena_free(&arena);
}
