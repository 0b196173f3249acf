/* SPDX-License-Identifier: MIT */
/*
 * From a name to modules: a row of sources, the first that knows the name
 * decides.
 */
#include "catalog_module.h"

#include <fnmatch.h>
#include <string.h>

#include <tenon/err.h>

#include "modname.h"

/* A search: the normalised name and the row that grows at its end. */
struct search {
	struct catalog *c;
	const char *name;
	struct found **end;
};

static int add(struct search *s, struct module *m, enum found_by by)
{
	struct found *f;

	if (m == NULL)
		return -TN_ENOMEM;
	f = arena_alloc(&s->c->arena, sizeof(*f));
	if (f == NULL)
		return -TN_ENOMEM;
	if (!m->visited)
		m->by = by;
	f->module = m;
	*s->end = f;
	s->end = &f->next;
	return 0;
}

static int find_config_alias(struct search *s)
{
	const struct config_entry *e = s->c->config.first[CONFIG_ALIAS];
	int err = 0;

	for (; e != NULL && err == 0; e = e->next)
		if (fnmatch(e->name, s->name, 0) == 0)
			err = add(s, module_by_alias(s->c, e->name, e->value),
			    FOUND_CONFIG_ALIAS);
	return err;
}

static int find_name(struct search *s)
{
	const char *line = catalog_search(s->c, INDEX_DEP, s->name);
	struct module *m;
	int err;

	if (line == NULL)
		return 0;
	m = module_by_name(s->c, s->name);
	err = add(s, m, FOUND_NAME);
	if (err == 0 && !m->looked_up)
		err = module_take_line(s->c, m, line);
	return err;
}

/* All modules that an index of aliases has. */
static int find_in(struct search *s, enum catalog_index which, enum found_by by)
{
	struct trie_hit *hits;
	int err = trie_match(
	    catalog_index(s->c, which), s->name, &s->c->arena, &hits);

	catalog_tell_damage(s->c, which);
	for (; err == 0 && hits != NULL; hits = hits->next)
		err = add(s, module_by_alias(s->c, s->name, hits->value), by);
	return err;
}

static int find_symbol(struct search *s)
{
	return strncmp(s->name, "symbol:", 7) != 0
		   ? 0
		   : find_in(s, INDEX_SYMBOLS, FOUND_SYMBOL);
}

/* Of a command's module kmod takes the name as that of a file. */
static struct module *commanded(struct search *s, const struct config_entry *e)
{
	char name[MODNAME_MAX];
	struct module *m;
	size_t n = 0;

	for (; s->name[n] != '\0' && s->name[n] != '.'; n++)
		name[n] = (char)(s->name[n] == '-' ? '_' : s->name[n]);
	name[n] = '\0';
	m = module_by_name(s->c, name);
	if (m != NULL)
		m->command = e;
	return m;
}

static int find_command(struct search *s)
{
	static const enum config_kind kinds[] = { CONFIG_INSTALL,
		CONFIG_REMOVE };
	const struct config_entry *e;

	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		for (e = s->c->config.first[kinds[i]]; e != NULL; e = e->next)
			if (strcmp(e->name, s->name) == 0)
				return add(s, commanded(s, e), FOUND_COMMAND);
	return 0;
}

static int find_alias(struct search *s)
{
	return find_in(s, INDEX_ALIAS, FOUND_ALIAS);
}

static int find_builtin(struct search *s)
{
	if (catalog_search(s->c, INDEX_BUILTIN, s->name) == NULL)
		return 0;
	return add(s, module_by_name(s->c, s->name), FOUND_BUILTIN);
}

static int find_builtin_alias(struct search *s)
{
	return find_in(s, INDEX_BUILTIN_ALIAS, FOUND_BUILTIN_ALIAS);
}

typedef int source_fn(struct search *s);

static int find_first(struct search *s, source_fn *const *sources, size_t n)
{
	struct found **const begin = s->end;
	int err = 0;

	for (size_t i = 0; i < n && err == 0 && s->end == begin; i++)
		err = sources[i](s);
	return err;
}

int catalog_find(struct catalog *c, const char *name, struct found **out)
{
	static source_fn *const sources[] = { find_config_alias, find_name,
		find_symbol, find_command, find_alias, find_builtin,
		find_builtin_alias };
	char normal[MODNAME_MAX];
	struct search s = { c, normal, out };

	*out = NULL;
	if (!alias_normalize(name, normal))
		return -TN_EINVAL;
	return find_first(&s, sources, ARRAY_SIZE(sources));
}

int catalog_find_name(struct catalog *c, const char *name, struct module **out)
{
	static source_fn *const sources[] = { find_name, find_builtin,
		find_builtin_alias };
	char normal[MODNAME_MAX];
	struct found *found = NULL;
	struct search s = { c, normal, &found };
	int err;

	*out = NULL;
	if (!alias_normalize(name, normal))
		return -TN_EINVAL;
	err = find_first(&s, sources, ARRAY_SIZE(sources));
	if (err == 0 && found != NULL)
		*out = found->module;
	return err;
}
