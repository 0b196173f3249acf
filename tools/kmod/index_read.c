/* SPDX-License-Identifier: MIT */
/* See index_read.h. */
#include "index_read.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tenon/err.h>

#include "modname.h"

#define MAGIC        0xb007f457u
#define VERSION      0x00020001u
#define HEADER       12u
#define OFFSET       0x0fffffffu
#define HAS_PREFIX   0x80000000u
#define HAS_VALUES   0x40000000u
#define HAS_CHILDREN 0x20000000u

/* A node, checked: prefix ends with a NUL, the children lie in the file. */
struct node {
	const char *prefix; /* "" if it has none */
	size_t prefix_length;
	unsigned first, nchildren;
	const uint8_t *children;
	uint32_t nvalues;
	uint32_t values; /* offset of the first */
};

static bool damage(struct trie *ix, uint32_t root)
{
	if (!ix->damaged) {
		ix->damaged = true;
		ix->bad = root & OFFSET;
	}
	return false;
}

/* The text at @offset, or NULL; *@length without its NUL. */
static const char *text_at(const struct trie *ix, size_t offset, size_t *length)
{
	const uint8_t *p, *end;

	if (offset >= ix->bytes.n)
		return NULL;
	p = ix->bytes.p + offset;
	end = memchr(p, '\0', ix->bytes.n - offset);
	if (end == NULL)
		return NULL;
	*length = (size_t)(end - p);
	return (const char *)p;
}

/* The parts of a node one behind the other; *@at moves on. */
static bool read_prefix(const struct trie *ix, struct node *node, size_t *at)
{
	node->prefix = text_at(ix, *at, &node->prefix_length);
	*at += node->prefix_length + 1;
	return node->prefix != NULL;
}

static bool read_children(const struct trie *ix, struct node *node, size_t *at)
{
	struct span s;

	if (!span_sub(ix->bytes, *at, 2, &s) || s.p[0] > s.p[1])
		return false;
	node->first = s.p[0];
	node->nchildren = s.p[1] - s.p[0] + 1u;
	if (!span_sub(ix->bytes, *at + 2, node->nchildren * 4ul, &s))
		return false;
	node->children = s.p;
	*at += 2 + s.n;
	return true;
}

static bool read_values(const struct trie *ix, struct node *node, size_t at)
{
	struct span s;

	if (!span_sub(ix->bytes, at, 4, &s))
		return false;
	node->nvalues = get_be32(s.p);
	node->values = (uint32_t)at + 4;
	return true;
}

static bool node_read(struct trie *ix, uint32_t root, struct node *node)
{
	size_t at = root & OFFSET;

	*node = (struct node){ .prefix = "" };
	/* the node of an empty trie has no bytes */
	if (at < HEADER || at > ix->bytes.n)
		return damage(ix, root);
	if ((root & HAS_PREFIX) != 0 && !read_prefix(ix, node, &at))
		return damage(ix, root);
	if ((root & HAS_CHILDREN) != 0 && !read_children(ix, node, &at))
		return damage(ix, root);
	if ((root & HAS_VALUES) != 0 && !read_values(ix, node, at))
		return damage(ix, root);
	return true;
}

/* The root word of the child for @c, or 0. */
static uint32_t node_child(const struct node *node, unsigned c)
{
	return node->children != NULL && c - node->first < node->nchildren
		   ? get_be32(node->children + (c - node->first) * 4ul)
		   : 0;
}

/* Value after value: *@at starts as node->values; NULL: damaged. */
static const char *value_next(struct trie *ix, uint32_t *at, uint32_t *priority)
{
	struct span s;
	size_t n;
	const char *value;

	if (!span_sub(ix->bytes, *at, 4, &s))
		return NULL;
	*priority = get_be32(s.p);
	value = text_at(ix, *at + 4ul, &n);
	if (value != NULL)
		*at += 4 + (uint32_t)n + 1;
	return value;
}

int trie_open_bytes(struct trie *ix, struct span bytes)
{
	*ix = (struct trie){ .bytes = bytes };
	if (bytes.n < HEADER || bytes.n > OFFSET ||
	    get_be32(bytes.p) != MAGIC || get_be32(bytes.p + 4) != VERSION)
		return -TN_EBADMSG;
	ix->root = get_be32(bytes.p + 8);
	return 0;
}

int trie_open(struct trie *ix, const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	struct span bytes = { NULL, 0 };
	void *p = MAP_FAILED;

	*ix = (struct trie){ .root = 0 };
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && st.st_size > 0)
		p = mmap(
		    NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	(void)close(fd);
	if (p == MAP_FAILED)
		return -TN_EBADMSG;
	bytes.p = p;
	bytes.n = (size_t)st.st_size;

	const int err = trie_open_bytes(ix, bytes);

	if (err)
		trie_close(ix);
	return err;
}

void trie_close(struct trie *ix)
{
	if (ix->bytes.p != NULL)
		(void)munmap((void *)(uintptr_t)ix->bytes.p, ix->bytes.n);
	*ix = (struct trie){ .root = 0 };
}

const char *trie_find(struct trie *ix, const char *key)
{
	uint32_t root = ix->root, priority;
	struct node node;

	/* each turn but the last takes a character of @key */
	while (root != 0 && node_read(ix, root, &node)) {
		if (strncmp(key, node.prefix, node.prefix_length) != 0)
			return NULL;
		key += node.prefix_length;
		if (*key == '\0') {
			uint32_t at = node.values;
			const char *value =
			    node.nvalues == 0 ? NULL
					      : value_next(ix, &at, &priority);

			if (node.nvalues != 0 && value == NULL)
				(void)damage(ix, root);
			return value;
		}
		root = node_child(&node, (unsigned char)*key++);
	}
	return NULL;
}

/* --- walking */

/* A walk: the key so far, what is left of it to visit, and whom to tell. */
struct walk {
	struct trie *ix;
	trie_visit_fn *visit;
	void *arg;
	size_t budget; /* of nodes */
	bool stop;
	/* of a search: */
	struct arena *arena;
	struct trie_hit **hits;
	bool no_memory;
	const char *wanted; /* what the pattern in text is to match */
	size_t length;
	char text[MODNAME_MAX];
};

static bool walk_enter(struct walk *w, uint32_t root, struct node *node)
{
	if (w->stop || w->budget == 0)
		return w->budget != 0 ? false : damage(w->ix, root);
	w->budget--;
	return node_read(w->ix, root, node);
}

/* Appends to the key; false: too long for one. */
static bool walk_push(struct walk *w, const char *s, size_t n)
{
	if (n >= sizeof(w->text) - w->length)
		return false;
	memcpy(w->text + w->length, s, n);
	w->length += n;
	w->text[w->length] = '\0';
	return true;
}

static void hit(struct walk *w, const char *value, uint32_t priority)
{
	struct trie_hit **place = w->hits, *h;

	while (*place != NULL && (*place)->priority <= priority)
		place = &(*place)->next;
	h = arena_alloc(w->arena, sizeof(*h));
	if (h == NULL) {
		w->no_memory = w->stop = true;
		return;
	}
	*h = (struct trie_hit){ *place, value, priority };
	*place = h;
}

/* The values of a node: to the visitor, or into the hits. */
static void walk_values(struct walk *w, uint32_t root, const struct node *node)
{
	uint32_t at = node->values;

	for (uint32_t i = 0; i < node->nvalues && !w->stop; i++) {
		uint32_t priority;
		const char *value = value_next(w->ix, &at, &priority);

		if (value == NULL) {
			(void)damage(w->ix, root);
			return;
		}
		if (w->visit == NULL)
			hit(w, value, priority);
		else if (!w->visit(w->text, value, w->arg))
			w->stop = true;
	}
}

/* Patterns of '*', '?' and plain characters, which most are. */
static bool simple_match(const char *p, const char *s)
{
	const char *star = NULL, *back = NULL;

	for (;;) {
		if (*p == '*') {
			star = ++p;
			back = s;
		} else if (*s == '\0') {
			return *p == '\0';
		} else if (*p == *s || *p == '?') {
			p++;
			s++;
		} else if (star != NULL) {
			p = star;
			s = ++back;
		} else {
			return false;
		}
	}
}

static bool pattern_matches(const char *pattern, const char *s)
{
	if (strpbrk(pattern, "[\\") != NULL)
		return fnmatch(pattern, s, 0) == 0;
	return simple_match(pattern, s);
}

/*
 * Everything below @root, with w->text in front. Recursion: a level takes a
 * character of w->text at least, and there are no more than MODNAME_MAX.
 */
static void walk_all(struct walk *w, uint32_t root)
{
	const size_t length = w->length;
	struct node node;

	if (!walk_enter(w, root, &node))
		return;
	if (!walk_push(w, node.prefix, node.prefix_length)) {
		(void)damage(w->ix, root);
		return;
	}
	if (node.nvalues != 0 &&
	    (w->wanted == NULL || pattern_matches(w->text, w->wanted)))
		walk_values(w, root, &node);
	for (unsigned i = 0; i < node.nchildren; i++) {
		const char c = (char)(node.first + i);
		const uint32_t child = node_child(&node, node.first + i);

		if (child == 0)
			continue;
		if (!walk_push(w, &c, 1)) {
			(void)damage(w->ix, root);
			break;
		}
		walk_all(w, child);
		w->length--;
	}
	w->length = length;
	w->text[length] = '\0';
}

void trie_each(struct trie *ix, trie_visit_fn *visit, void *arg)
{
	struct walk w;

	w.ix = ix;
	w.visit = visit;
	w.arg = arg;
	w.budget = ix->bytes.n;
	w.stop = false;
	w.wanted = NULL;
	w.length = 0;
	w.text[0] = '\0';
	if (ix->root != 0)
		walk_all(&w, ix->root);
}

/* --- searching */

/* All below the node's child for the wild character @c; @key is what is left. */
static void search_wild(
    struct walk *w, const struct node *node, char c, const char *key)
{
	const uint32_t child = node_child(node, (unsigned char)c);

	if (child == 0)
		return;
	w->wanted = key;
	w->length = 0;
	if (walk_push(w, &c, 1))
		walk_all(w, child);
}

/*
 * Compares the prefix of @node with *@key. True: it was all there. A wild
 * character in it makes patterns of everything from there on.
 */
static bool search_prefix(
    struct walk *w, uint32_t root, const struct node *node, const char **key)
{
	const char *prefix = node->prefix;
	const char *p = prefix;

	while (*p != '\0' && *p != '*' && *p != '?' && *p != '[') {
		if (*p != **key)
			return false;
		p++;
		(*key)++;
	}
	if (*p == '\0')
		return true;
	/* walk_all will add the whole prefix; match all of it */
	w->wanted = *key - (p - prefix);
	w->length = 0;
	w->text[0] = '\0';
	walk_all(w, root);
	return false;
}

int trie_match(struct trie *ix, const char *key, struct arena *arena,
    struct trie_hit **hits)
{
	uint32_t root = ix->root;
	struct node node;
	struct walk w;

	*hits = NULL;
	w.ix = ix;
	w.visit = NULL;
	w.budget = ix->bytes.n;
	w.stop = w.no_memory = false;
	w.arena = arena;
	w.hits = hits;
	while (root != 0 && walk_enter(&w, root, &node)) {
		if (!search_prefix(&w, root, &node, &key))
			break;
		search_wild(&w, &node, '*', key);
		search_wild(&w, &node, '?', key);
		search_wild(&w, &node, '[', key);
		if (*key == '\0') {
			walk_values(&w, root, &node);
			break;
		}
		root = node_child(&node, (unsigned char)*key++);
	}
	return w.no_memory ? -TN_ENOMEM : 0;
}
