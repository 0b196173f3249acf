/* SPDX-License-Identifier: MIT */
/* The lists of a configuration, and questions about them. See config.h. */
#include "config.h"

#include <fnmatch.h>
#include <string.h>

const char *config_word(enum config_kind kind)
{
	static const char *const words[CONFIG_KINDS] = {
		[CONFIG_BLACKLIST] = "blacklist",
		[CONFIG_INSTALL] = "install",
		[CONFIG_REMOVE] = "remove",
		[CONFIG_ALIAS] = "alias",
		[CONFIG_OPTIONS] = "options",
		[CONFIG_SOFTDEP] = "softdep",
	};

	return words[kind];
}

/* With a blank for each tab. NULL: no memory. */
static const char *without_tabs(struct arena *arena, const char *text)
{
	char *copy;

	if (strchr(text, '\t') == NULL)
		return text;
	copy = arena_text(arena, text, strlen(text));
	for (char *p = copy; p != NULL && (p = strchr(p, '\t')) != NULL;)
		*p = ' ';
	return copy;
}

struct config_entry *config_add(struct config *c, enum config_kind kind,
    const char *name, const char *value)
{
	struct config_entry *e = arena_alloc(c->arena, sizeof(*e));

	if (kind == CONFIG_OPTIONS)
		value = without_tabs(c->arena, value);
	if (e == NULL || value == NULL)
		return NULL;
	e->kind = kind;
	e->name = name;
	e->value = value;
	e->file = "";
	if (c->last[kind] != NULL)
		c->last[kind]->next = e;
	else
		c->first[kind] = e;
	c->last[kind] = e;
	return e;
}

const struct config_entry *config_match(
    const struct config *c, enum config_kind kind, const char *name)
{
	const struct config_entry *e;

	for (e = c->first[kind]; e != NULL; e = e->next)
		if (fnmatch(e->name, name, 0) == 0)
			return e;
	return NULL;
}

bool config_is_blacklisted(const struct config *c, const char *name)
{
	const struct config_entry *e;

	for (e = c->first[CONFIG_BLACKLIST]; e != NULL; e = e->next)
		if (strcmp(e->name, name) == 0)
			return true;
	return false;
}
