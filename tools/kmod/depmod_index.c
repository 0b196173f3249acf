/* SPDX-License-Identifier: MIT */
/*
 * The binary indexes of modules: modules.dep.bin, .alias.bin, .symbols.bin.
 * Keys are gathered with their values and handed to index_write.
 */
#include <string.h>

#include <tenon/err.h>

#include "depmod.h"
#include "depmod_text.h"
#include "index_write.h"
#include "modname.h"

int depmod_index_dep(struct depmod *d, struct buffer *out)
{
	struct buffer pairs = { 0 };

	for (uint32_t i = 0; i < d->nmodules; i++)
		index_add(&pairs, d->modules[i].name,
		    d->lines.p + d->modules[i].line, i);
	return index_write_all(&pairs, out);
}

int depmod_index_symbols(struct depmod *d, struct buffer *out)
{
	struct buffer pairs = { 0 }, keys = { 0 };
	size_t at = 0;

	for (uint32_t i = 0; i < d->nexports; i++) {
		const char *name = d->exports[d->by_name[i]]->name;

		buffer_text(&keys, "symbol:");
		buffer_add(&keys, name, strlen(name) + 1);
	}
	for (uint32_t i = 0; !keys.failed && i < d->nexports; i++) {
		const uint32_t owner = d->exports[d->by_name[i]]->value;

		index_add(&pairs, keys.p + at, d->modules[owner].name, owner);
		at += strlen(keys.p + at) + 1;
	}
	pairs.failed = pairs.failed || keys.failed;
	const int err = index_write_all(&pairs, out);

	buffer_free(&keys);
	return err;
}

/* --- aliases */

/*
 * @alias as a key: itself where there is nothing to change. NULL: a bracket
 * has no partner, which is told, or there is no memory, which @pairs says.
 */
static const char *alias_key(
    struct depmod *d, struct buffer *pairs, const char *alias)
{
	char key[MODNAME_MAX];
	const char *kept;

	if (strpbrk(alias, "-[]") == NULL && strlen(alias) < MODNAME_MAX)
		return alias;
	if (!alias_normalize(alias, key)) {
		d->has_told = true;
		report(&d->report, REPORT_WARNING, "Unmatched bracket in %s",
		    alias);
		return NULL;
	}
	kept = arena_text(&d->arena, key, strlen(key));
	if (kept == NULL)
		pairs->failed = true;
	return kept;
}

/* Tells the keys that a module has twice (-w). 0 or -TN_ENOMEM. */
static int tell_twice(const struct depmod *d, const struct dep_module *m,
    const struct index_pair *pairs, size_t n)
{
	struct names keys = { 0 };
	bool is_new;
	int err = 0;

	for (size_t i = 0; !err && i < n; i++) {
		const char *key = pairs[i].key;

		if (names_add(&keys, key, names_hash(key, d->seed), &is_new) ==
		    NULL)
			err = -TN_ENOMEM;
		else if (!is_new)
			report(&d->report, REPORT_WARNING,
			    "duplicate module alias:\n%s %s", key, m->name);
	}
	names_free(&keys);
	return err;
}

static void add_aliases(struct depmod *d, uint32_t i, struct buffer *pairs)
{
	const struct dep_module *m = &d->modules[i];
	const char *alias = facts_first(&m->facts, FACTS_ALIASES);
	const size_t first = pairs->n;

	for (uint32_t j = 0; j < m->facts.n[FACTS_ALIASES]; j++) {
		const char *key = alias_key(d, pairs, alias);

		if (key != NULL)
			index_add(pairs, key, m->name, i);
		alias = facts_next(alias);
	}
	if (d->options.warn_twice && !pairs->failed &&
	    tell_twice(d, m, (void *)(pairs->p + first),
		(pairs->n - first) / sizeof(struct index_pair)) != 0)
		pairs->failed = true;
}

/* Makes room for the order of @n pairs, and takes what is known of it. */
static int recall_order(struct depmod *d, size_t n)
{
	if (n > UINT32_MAX)
		return -TN_EFBIG;
	d->aliases.n = (uint32_t)n;
	d->aliases.numbers =
	    arena_alloc(&d->arena, (n + 1) * sizeof(*d->aliases.numbers));
	if (d->aliases.numbers == NULL)
		return -TN_ENOMEM;
	return depmod_cache_order(d, &d->aliases);
}

int depmod_index_alias(struct depmod *d, struct buffer *out)
{
	struct buffer pairs = { 0 };
	int err;

	for (uint32_t i = 0; i < d->nmodules; i++)
		add_aliases(d, i, &pairs);
	if (pairs.failed)
		return index_write_all(&pairs, out);
	err = recall_order(d, pairs.n / sizeof(struct index_pair));
	if (!err)
		err = index_write_known((void *)pairs.p, &d->aliases, out);
	buffer_free(&pairs);
	return err;
}
