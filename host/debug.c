/* SPDX-License-Identifier: MIT */
/*
 * The list of loaded modules that debuggers read: see <host/debug.h>. The list
 * is for them; a tree finds the entry of a module that goes.
 */
#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <host/debug.h>
#include <host/process.h>
#include <tenon/link.h>

#include "batch.h"

#define DEBUG_ABI 1u

struct debug_section {
	const char *name;
	uint64_t addr, size;
};

/*
 * One module, as scripts/gdb/tenon.py reads it from memory, without debug
 * information of this library. It only grows at the end; .sections last.
 */
struct debug_module {
	uint32_t size, abi; /* of this struct */
	struct debug_module *next, *prev;
	const char *name;
	const char *path; /* "": from memory */
	const struct debug_section *sections;
	uint64_t nsections;
	uint64_t base; /* of an ET_DYN file, whose sections are its parts */
	uint64_t is_shared;
	/* private: */
	const struct tn_module *mod;
	struct batch_file jit; /* without data: gdb is not told */
};

_Static_assert(offsetof(struct debug_module, sections) == 40 &&
		   offsetof(struct debug_module, is_shared) == 64,
    "scripts/gdb/tenon.py knows these");

extern struct debug_module *tn_debug_modules;

/* Protects: the list, the tree, the batches, gdb's descriptor. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
struct debug_module *tn_debug_modules; /* lock */
static void *tree;                     /* lock */

/* --- forks: the lock is free in the child */

static void before_fork(struct process_member *m)
{
	(void)m;
	pthread_mutex_lock(&lock);
}

static void after_fork(struct process_member *m)
{
	(void)m;
	pthread_mutex_unlock(&lock);
}

static struct process_member member = { .before = before_fork,
	.after = after_fork };

static void join(void)
{
	process_join(&member);
}

/* --- entries */

static int by_module(const void *a, const void *b)
{
	const struct debug_module *x = a, *y = b;

	return (x->mod > y->mod) - (x->mod < y->mod);
}

/* Strings and sections lie behind the entry, in one block. */
struct measure {
	size_t strings;
	uint64_t sections;
};

static struct measure measure(const struct tn_notice *n)
{
	struct measure m = { strlen(n->name) + 1, 0 };
	struct tn_linked_section sec;
	uint32_t at = 0;

	m.strings += strlen(n->path ? n->path : "") + 1;
	while (tn_linked_section(n->file, &at, &sec)) {
		m.strings += strlen(sec.name) + 1;
		m.sections++;
	}
	return m;
}

static const char *take_string(char **text, const char *s)
{
	const char *copy = *text;

	*text = stpcpy(*text, s) + 1;
	return copy;
}

static struct debug_module *entry_new(const struct tn_notice *n)
{
	const struct measure m = measure(n);
	struct tn_linked_section sec;
	struct debug_section *sections;
	struct tn_linked_file info;
	struct debug_module *e;
	uint32_t at = 0;
	char *text;

	e = calloc(1, sizeof(*e) + m.sections * sizeof(*sections) + m.strings);
	if (!e)
		return NULL;
	sections = (struct debug_section *)(e + 1);
	text = (char *)(sections + m.sections);
	tn_linked_file(n->file, &info);
	e->size = sizeof(*e);
	e->abi = DEBUG_ABI;
	e->name = take_string(&text, n->name);
	e->path = take_string(&text, n->path ? n->path : "");
	e->sections = sections;
	e->is_shared = info.is_shared;
	e->mod = n->module;
	while (tn_linked_section(n->file, &at, &sec)) {
		if (info.is_shared && e->nsections == 0)
			e->base = sec.addr;
		sections[e->nsections++] =
		    (struct debug_section){ take_string(&text, sec.name),
			    sec.addr, sec.size };
	}
	return e;
}

static void entry_free(struct debug_module *e)
{
	symfile_fini(&e->jit.file);
	free(e);
}

/* Nobody is told of a module for which there is no memory. */
static void add(const struct tn_notice *n, bool with_jit)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct debug_module *e = entry_new(n);

	pthread_once(&once, join);
	if (!e)
		return;
	if (with_jit)
		symfile_init(&e->jit.file, n->file);
	pthread_mutex_lock(&lock);
	if (tsearch(e, &tree, by_module)) {
		e->next = tn_debug_modules;
		if (e->next)
			e->next->prev = e;
		tn_debug_modules = e;
		if (e->jit.file.data)
			batch_add(&e->jit);
		e = NULL;
	}
	pthread_mutex_unlock(&lock);
	if (e)
		entry_free(e);
}

static void drop(const struct tn_module *mod)
{
	const struct debug_module key = { .mod = mod };
	struct debug_module *const *found;
	struct debug_module *e = NULL;

	pthread_mutex_lock(&lock);
	found = tfind(&key, &tree, by_module);
	if (found) {
		e = *found;
		(void)tdelete(&key, &tree, by_module);
		if (e->next)
			e->next->prev = e->prev;
		if (e->prev)
			e->prev->next = e->next;
		else
			tn_debug_modules = e->next;
		batch_drop(&e->jit);
	}
	pthread_mutex_unlock(&lock);
	if (e)
		entry_free(e);
}

static void on_list(void *arg, const struct tn_notice *n)
{
	(void)arg;
	if (n->event == TN_EVENT_LOADED && n->file)
		add(n, false);
	else if (n->event == TN_EVENT_UNLOADED)
		drop(n->module);
}

static void on_jit(void *arg, const struct tn_notice *n)
{
	(void)arg;
	if (n->event == TN_EVENT_LOADED && n->file)
		add(n, true);
	else if (n->event == TN_EVENT_UNLOADED)
		drop(n->module);
}

const struct tn_listener host_debug_list = { .fn = on_list };
const struct tn_listener host_debug_jit = { .fn = on_jit };
