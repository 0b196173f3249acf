/* SPDX-License-Identifier: MIT */
/*
 * The order of modules: depmod_order. Those that modules.order lists come
 * first, in its order, so that what the kernel's makefiles name first has the
 * lowest number, which decides between modules of one alias; the others come
 * in the order of kmod's hash table.
 */
#include "depmod.h"

#include <limits.h>
#include <string.h>

#include <tenon/err.h>

#include "depmod_files.h"
#include "kmodhash.h"
#include "strsort.h"

#define LIST "modules.order"

struct order {
	struct depmod *d;
	struct names paths;  /* as modules.order writes them -> a module */
	struct buffer lines; /* of uint32_t: the module of a line, or NOBODY */
	uint32_t *last;      /* of each module: its last line, and 1; or 0 */
};

static const char *name_of(const void *modules, uint32_t i)
{
	return ((const struct dep_module *)modules)[i].name;
}

/* Sets order[] to the modules as kmod's table lists them. */
static int by_bucket(const struct depmod *d, uint32_t *sorted, uint32_t *order)
{
	const struct kmodhash_texts texts = { name_of, d->modules, d->nmodules,
		sorted };
	int err = strsort(name_of, d->modules, d->nmodules, sorted);

	return err ? err : kmodhash_order(&texts, KMODHASH_MODULES, order);
}

/* --- modules.order */

/*
 * The length of @path without what compression has added: up to the first dot
 * of its name, and three more for "ko", as kmod has it for other names, too.
 */
static size_t plain_length(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	const size_t n = (size_t)(name - path) + strcspn(name, ".") + 3;
	const size_t whole = strlen(path);

	return n < whole ? n : whole;
}

static int learn_paths(struct order *o)
{
	struct depmod *d = o->d;

	for (uint32_t i = 0; i < d->nmodules; i++) {
		const char *path = d->modules[i].path;
		struct names_entry *entry;

		path = arena_text(&d->arena, path, plain_length(path));
		if (path == NULL)
			return -TN_ENOMEM;
		entry =
		    names_add(&o->paths, path, names_hash(path, d->seed), NULL);
		if (entry == NULL)
			return -TN_ENOMEM;
		entry->value = i;
	}
	return 0;
}

/* Takes a line, which ends with a NUL. */
static void take_line(struct order *o, const char *line)
{
	const struct depmod *d = o->d;
	const struct names_entry *entry =
	    names_find(&o->paths, line, names_hash(line, d->seed));
	const uint32_t module = entry != NULL ? entry->value : NOBODY;

	buffer_add(&o->lines, &module, sizeof(module));
	if (entry != NULL)
		o->last[module] = (uint32_t)(o->lines.n / sizeof(module));
}

/* -TN_EINVAL: the list is damaged, which has been said, and does not count. */
static int take_lines(struct order *o, char *text, const char *end)
{
	unsigned number = 1;

	for (char *line = text; line < end; number++) {
		char *newline = memchr(line, '\n', (size_t)(end - line));

		if (newline == NULL || newline - line >= PATH_MAX - 1 ||
		    memchr(line, '\0', (size_t)(newline - line)) != NULL) {
			o->d->has_told = true;
			report(&o->d->report, REPORT_ERROR,
			    "%s/" LIST ":%u corrupted line misses '\\n'",
			    o->d->folder, number);
			return -TN_EINVAL;
		}
		*newline = '\0';
		take_line(o, line);
		line = newline + 1;
	}
	return o->lines.failed ? -TN_ENOMEM : 0;
}

static int read_list(struct order *o)
{
	struct buffer text = { 0 };
	int err = depmod_read(o->d, LIST, &text);

	if (!err)
		err = learn_paths(o);
	if (!err)
		err = take_lines(o, text.p, text.p + text.n);
	buffer_free(&text);
	return err;
}

/* --- the order */

/* Modules by the last line that names them, then the others as in rest[]. */
static int arrange(const struct order *o, const uint32_t *rest)
{
	struct depmod *d = o->d;
	const uint32_t *lines = (const void *)o->lines.p;
	const size_t nlines = o->lines.n / sizeof(*lines);
	struct dep_module *modules =
	    arena_alloc(&d->arena, d->nmodules * sizeof(*modules));
	uint32_t n = 0;

	if (modules == NULL)
		return -TN_ENOMEM;
	for (size_t i = 0; i < nlines; i++)
		if (lines[i] != NOBODY && o->last[lines[i]] == i + 1)
			modules[n++] = d->modules[lines[i]];
	for (uint32_t i = 0; i < d->nmodules; i++)
		if (o->last[rest[i]] == 0)
			modules[n++] = d->modules[rest[i]];
	d->modules = modules;
	return 0;
}

int depmod_order(struct depmod *d)
{
	struct order o = { .d = d };
	uint32_t *sorted, *rest;
	int err;

	if (d->nmodules == 0) {
		struct buffer nothing = { 0 };

		err = depmod_read(d, LIST, &nothing);
		buffer_free(&nothing);
		return err == -TN_ENOMEM ? err : 0;
	}
	sorted = arena_alloc(&d->arena, d->nmodules * sizeof(*sorted));
	rest = arena_alloc(&d->arena, d->nmodules * sizeof(*rest));
	o.last = arena_alloc(&d->arena, d->nmodules * sizeof(*o.last));
	if (sorted == NULL || rest == NULL || o.last == NULL)
		return -TN_ENOMEM;
	err = by_bucket(d, sorted, rest);
	if (!err)
		err = read_list(&o);
	if (err && err != -TN_ENOMEM) {
		/* the list does not count */
		o.lines.n = 0;
		memset(o.last, 0, d->nmodules * sizeof(*o.last));
		err = 0;
	}
	if (!err)
		err = arrange(&o, rest);
	names_free(&o.paths);
	buffer_free(&o.lines);
	return err;
}
