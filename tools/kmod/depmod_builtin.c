/* SPDX-License-Identifier: MIT */
/*
 * The indexes of what is built into the kernel: modules.builtin.bin, from the
 * lines of modules.builtin, and modules.builtin.alias.bin, from the strings
 * "MODULE.KEY=VALUE" of modules.builtin.modinfo. Without these lists the
 * indexes are empty files.
 */
#include <ctype.h>
#include <limits.h>
#include <string.h>

#include <tenon/err.h>

#include "depmod.h"
#include "depmod_text.h"
#include "index_write.h"
#include "modname.h"

#define LIST DEPMOD_BUILTIN
#define INFO DEPMOD_BUILTIN_INFO

/* The bytes of a list, each string ended by a NUL. -TN_ENOENT: none. */
static int read_list(struct depmod *d, const char *name, struct buffer *text)
{
	int err = depmod_read(d, name, text);

	buffer_char(text, '\0');
	return err ? err : text->failed ? -TN_ENOMEM : 0;
}

/* --- modules.builtin */

/* A line of at most PATH_MAX bytes with its newline, as fgets(3) takes it. */
static size_t line_length(const char *text, size_t n)
{
	const size_t most = n < PATH_MAX - 1 ? n : PATH_MAX - 1;
	const char *newline = memchr(text, '\n', most);

	return newline != NULL ? (size_t)(newline - text) + 1 : most;
}

static void add_builtin(
    struct depmod *d, const char *text, size_t n, struct buffer *pairs)
{
	char name[MODNAME_MAX];
	const char *line = arena_text(&d->arena, text, n);

	if (line == NULL) {
		pairs->failed = true;
		return;
	}
	if (!isalpha((unsigned char)line[0])) {
		d->has_told = true;
		report(&d->report, REPORT_ERROR, "Invalid " LIST " line: %s",
		    line);
		return;
	}
	if (!modname_of_path(line, name))
		name[0] = '\0';
	line = arena_text(&d->arena, name, strlen(name));
	if (line != NULL)
		index_add(pairs, line, "", 0);
	else
		pairs->failed = true;
}

int depmod_index_builtin(struct depmod *d, struct buffer *out)
{
	struct buffer text = { 0 }, pairs = { 0 };
	int err = read_list(d, LIST, &text);
	size_t n;

	for (size_t at = 0; !err && at + 1 < text.n; at += n) {
		n = line_length(text.p + at, text.n - 1 - at);
		add_builtin(d, text.p + at, n, &pairs);
	}
	buffer_free(&text);
	if (!err)
		return index_write_all(&pairs, out);
	return err == -TN_ENOMEM ? err : 0;
}

/* --- modules.builtin.modinfo */

struct info {
	struct depmod *d;
	struct buffer pairs; /* of all modules so far */
	size_t module_pairs; /* where those of the last module begin */
	const char *module;  /* its name */
};

/* The module of @text changes to that of the @n bytes at @name. */
static bool enter_module(struct info *in, const char *name, size_t n)
{
	if (in->module != NULL && strlen(in->module) == n &&
	    memcmp(in->module, name, n) == 0)
		return true;
	in->module_pairs = in->pairs.n;
	in->module = arena_text(&in->d->arena, name, n);
	return in->module != NULL;
}

static bool add_alias(struct info *in, const char *alias)
{
	char key[MODNAME_MAX];

	if (!alias_normalize(alias, key)) {
		in->d->has_told = true;
		report(&in->d->report, REPORT_WARNING,
		    "Unmatched bracket in %s", alias);
		return true;
	}
	alias = arena_text(&in->d->arena, key, strlen(key));
	if (alias != NULL)
		index_add(&in->pairs, alias, in->module, 0);
	return alias != NULL;
}

/* -TN_EINVAL: what follows, and the module, do not count. */
static int add_string(struct info *in, const char *text)
{
	const char *dot = strchr(text, '.'), *value;

	if (dot == NULL)
		return 0;
	if (!enter_module(in, text, (size_t)(dot - text)))
		return -TN_ENOMEM;
	value = strchr(dot, '=');
	if (value == NULL) {
		in->pairs.n = in->module_pairs;
		return -TN_EINVAL;
	}
	if (in->module[0] != '\0' && strncmp(dot, ".alias=", 7) == 0 &&
	    value[1] != '\0' && !add_alias(in, value + 1))
		return -TN_ENOMEM;
	return 0;
}

int depmod_index_builtin_alias(struct depmod *d, struct buffer *out)
{
	struct buffer text = { 0 };
	struct info in = { .d = d };
	int err = read_list(d, INFO, &text), bad = 0;

	if (err) {
		buffer_free(&text);
		return err == -TN_ENOMEM ? err : 0;
	}
	/* what has no NUL of its own is cut off and does not count */
	for (size_t at = 0; bad == 0 && at + 1 < text.n;) {
		const size_t n = strlen(text.p + at) + 1;

		if (at + n < text.n)
			bad = add_string(&in, text.p + at);
		at += n;
	}
	d->has_told = d->has_told || bad == -TN_EINVAL;
	if (bad == -TN_EINVAL)
		report(&d->report, REPORT_WARNING,
		    "%s/" INFO ": '%s' has an entry without a value; what "
		    "follows is left out",
		    d->folder, in.module);
	if (bad == -TN_ENOMEM)
		in.pairs.failed = true;
	err = index_write_all(&in.pairs, out);
	buffer_free(&text);
	return err;
}
