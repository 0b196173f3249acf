/* SPDX-License-Identifier: MIT */
/*
 * Building a trie from sorted keys: see index_write.h.
 *
 * A node stands for the longest beginning that all keys below it share. When
 * keys come sorted, the nodes that may still get children are those on the way
 * to the last key: a stack, from the root, whose depths (lengths of those
 * beginnings) grow. A new key that shares `common` bytes with the last one
 * closes all nodes that are deeper; a closed node is written at once, so
 * children stand before their parents, and its parent keeps where.
 *
 *	links: | of the root ............ | of the next node ... | of the top |
 *
 * Links of closed nodes wait in one row, since only the top node gets more.
 */
#include "index_write.h"

#include <stdlib.h>
#include <string.h>

#include <tenon/err.h>

#include "strsort.h"

#define MAGIC      0xb007f457u
#define VERSION    0x00020001u
#define HAS_PREFIX 0x80000000u
#define HAS_VALUES 0x40000000u
#define HAS_CHILDS 0x20000000u
#define OFFSETS    0x0fffffffu

/* A node on the way to the last key. */
struct open_node {
	size_t depth;
	size_t first_link;
	const struct index_pair *values; /* those of the key that ends here */
	size_t nvalues;
};

/* A child that has been written. */
struct link {
	unsigned char byte;
	uint32_t node; /* its offset, and what it has */
};

struct trie {
	struct buffer *out;
	struct buffer nodes; /* of struct open_node */
	struct buffer links; /* of struct link */
	const char *last;    /* the key on whose way the nodes lie */
};

static struct open_node *top_of(struct trie *t)
{
	return (struct open_node *)(void *)(t->nodes.p + t->nodes.n) - 1;
}

static void node_open(struct trie *t, size_t depth)
{
	const struct open_node node = {
		.depth = depth,
		.first_link = t->links.n / sizeof(struct link),
	};

	buffer_add(&t->nodes, &node, sizeof(node));
}

/* Sets the four bytes at @at. */
static void set_be32(char *at, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(at, &v, sizeof(v));
}

static void write_links(struct buffer *out, const struct link *links, size_t n)
{
	const unsigned char first = links[0].byte, last = links[n - 1].byte;
	const size_t size = 2 + 4 * ((size_t)last - first + 1);
	char *at = buffer_room(out, size);

	if (at == NULL)
		return;
	memset(at, 0, size);
	at[0] = (char)first;
	at[1] = (char)last;
	for (size_t i = 0; i < n; i++)
		set_be32(at + 2 + 4 * ((size_t)links[i].byte - first),
		    links[i].node);
}

static void write_values(struct buffer *out, const struct open_node *node)
{
	buffer_be32(out, (uint32_t)node->nvalues);
	for (size_t i = 0; i < node->nvalues; i++) {
		const char *value = node->values[i].value;
		const size_t n = strlen(value) + 1;
		char *at = buffer_room(out, 4 + n);

		if (at == NULL)
			return;
		set_be32(at, node->values[i].priority);
		memcpy(at + 4, value, n);
	}
}

/* Writes the top node, whose prefix is part of the last key; its reference. */
static uint32_t node_write(struct trie *t, size_t prefix_at)
{
	const struct open_node *node = top_of(t);
	const size_t nlinks =
	    t->links.n / sizeof(struct link) - node->first_link;
	struct buffer *out = t->out;
	uint32_t at = (uint32_t)out->n;

	if (node->depth > prefix_at) {
		const size_t n = node->depth - prefix_at;
		char *prefix = buffer_room(out, n + 1);

		if (prefix == NULL)
			return 0;
		memcpy(prefix, t->last + prefix_at, n);
		prefix[n] = '\0';
		at |= HAS_PREFIX;
	}
	if (nlinks != 0) {
		const struct link *links = (const void *)t->links.p;

		write_links(out, links + node->first_link, nlinks);
		at |= HAS_CHILDS;
	}
	if (node->nvalues != 0) {
		write_values(out, node);
		at |= HAS_VALUES;
	}
	return at;
}

/*
 * Closes the top node, which hangs below the byte at @parent_depth of the last
 * key.
 */
static void node_close(struct trie *t, size_t parent_depth)
{
	const size_t first = top_of(t)->first_link;
	struct link link = { .byte = (unsigned char)t->last[parent_depth] };

	link.node = node_write(t, parent_depth + 1);
	t->links.n = first * sizeof(link);
	t->nodes.n -= sizeof(struct open_node);
	buffer_add(&t->links, &link, sizeof(link));
}

/* Closes what is deeper than @depth; a node of that depth is the top then. */
static void close_deeper(struct trie *t, size_t depth)
{
	while (top_of(t)->depth > depth) {
		const size_t parent = (top_of(t) - 1)->depth;

		if (parent >= depth) {
			node_close(t, parent);
			continue;
		}
		/* The node in between comes to be: it takes the top as child. */
		const struct open_node below = {
			.depth = depth,
			.first_link = top_of(t)->first_link,
		};

		node_close(t, depth);
		buffer_add(&t->nodes, &below, sizeof(below));
		return;
	}
}

static size_t common_length(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] != '\0' && a[n] == b[n])
		n++;
	return n;
}

/*
 * Takes the @n pairs of one key, which has its first @common characters in
 * common with the last one.
 */
static void add_key(
    struct trie *t, const struct index_pair *pairs, size_t n, size_t common)
{
	const char *key = pairs->key;
	const size_t length = common + strlen(key + common);

	close_deeper(t, common);
	if (t->nodes.failed || t->links.failed)
		return;
	t->last = key;
	if (top_of(t)->depth < length)
		node_open(t, length);
	if (t->nodes.failed)
		return;
	top_of(t)->values = pairs;
	top_of(t)->nvalues = n;
}

/*
 * The values of one key come with priorities that do not fall; those of equal
 * priority are turned round.
 */
static void order_values(struct index_pair *pairs, size_t n)
{
	size_t begin = 0, end;

	for (; begin < n; begin = end) {
		for (end = begin; end < n; end++)
			if (pairs[end].priority != pairs[begin].priority)
				break;
		for (size_t i = begin, j = end; i + 1 < j; i++) {
			const struct index_pair swapped = pairs[i];

			pairs[i] = pairs[--j];
			pairs[j] = swapped;
		}
	}
}

static const char *key_of(const void *pairs, uint32_t i)
{
	return ((const struct index_pair *)pairs)[i].key;
}

/* The pairs by key; those of one key stay as they came. -TN_ENOMEM. */
static int pairs_sort(const struct index_pair *pairs,
    const struct index_order *order, struct buffer *sorted)
{
	const uint32_t n = order->n;
	struct index_pair *to = (void *)buffer_room(sorted, n * sizeof(*to));
	int err = -TN_ENOMEM;

	if (to != NULL)
		err = strsort_known(
		    key_of, pairs, n, order->numbers, order->known);
	for (uint32_t i = 0; !err && i < n; i++)
		to[i] = pairs[order->numbers[i]];
	return err;
}

/* Takes all pairs, sorted, and closes what is open but for the root. */
static void add_all(struct trie *t, struct index_pair *pairs, size_t n)
{
	size_t begin = 0, common = 0;

	node_open(t, 0);
	for (size_t i = 1; i <= n && !t->nodes.failed && !t->links.failed;
	     i++) {
		const char *const key = pairs[begin].key;
		const size_t next =
		    i < n ? common_length(key, pairs[i].key) : 0;

		if (i < n && key[next] == '\0' && pairs[i].key[next] == '\0')
			continue;
		order_values(pairs + begin, i - begin);
		add_key(t, pairs + begin, i - begin, common);
		begin = i;
		common = next;
	}
	if (!t->nodes.failed && !t->links.failed)
		close_deeper(t, 0);
}

static void write_header(struct buffer *out)
{
	buffer_be32(out, MAGIC);
	buffer_be32(out, VERSION);
	buffer_be32(out, 0); /* the root, when it is known */
}

static int write_trie(struct index_pair *pairs, uint32_t n, struct buffer *out)
{
	struct trie t = { .out = out, .last = "" };
	uint32_t root;
	int err = 0;

	out->n = 0;
	write_header(out);
	add_all(&t, pairs, n);
	if (t.nodes.failed || t.links.failed || out->failed) {
		err = -TN_ENOMEM;
	} else if (out->n > OFFSETS) {
		err = -TN_EFBIG;
	} else {
		root = __builtin_bswap32(node_write(&t, 0));
		memcpy(out->p + 8, &root, sizeof(root));
		err = out->failed ? -TN_ENOMEM : 0;
	}
	buffer_free(&t.nodes);
	buffer_free(&t.links);
	return err;
}

int index_write_known(const struct index_pair *pairs,
    const struct index_order *order, struct buffer *out)
{
	struct buffer sorted = { 0 };
	int err = pairs_sort(pairs, order, &sorted);

	if (!err)
		err = write_trie((void *)sorted.p, order->n, out);
	buffer_free(&sorted);
	return err;
}

int index_write(const struct index_pair *pairs, size_t n, struct buffer *out)
{
	struct index_order order = { .n = (uint32_t)n };
	struct buffer numbers = { 0 };
	int err;

	if (n > UINT32_MAX)
		return -TN_EFBIG;
	order.numbers = (void *)buffer_room(&numbers, n * sizeof(uint32_t));
	err = order.numbers != NULL ? index_write_known(pairs, &order, out)
				    : -TN_ENOMEM;
	buffer_free(&numbers);
	return err;
}

void index_add(
    struct buffer *pairs, const char *key, const char *value, uint32_t priority)
{
	const struct index_pair pair = { key, value, priority };

	buffer_add(pairs, &pair, sizeof(pair));
}

int index_write_all(struct buffer *pairs, struct buffer *out)
{
	const int err = pairs->failed
			    ? -TN_ENOMEM
			    : index_write((void *)pairs->p,
				  pairs->n / sizeof(struct index_pair), out);

	buffer_free(pairs);
	return err;
}
