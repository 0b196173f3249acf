/* SPDX-License-Identifier: MIT */
/*
 * Between the files of the catalog: objects for modules, and searches that
 * tell of damage.
 */
#pragma once

#include "catalog.h"

/* The object of a name, or of an alias of it; NULL: no memory. */
MUST_CHECK struct module *module_by_name(struct catalog *c, const char *name);
MUST_CHECK struct module *module_by_alias(
    struct catalog *c, const char *alias, const char *name);

/* Fills in path and needs from a line of modules.dep. 0 or -TN_ENOMEM. */
MUST_CHECK int module_take_line(
    struct catalog *c, struct module *m, const char *line);

/* The first value of @key, or NULL. */
const char *catalog_search(
    struct catalog *c, enum catalog_index which, const char *key);

/* Reports, once, that the index is damaged if a search has seen it. */
void catalog_tell_damage(struct catalog *c, enum catalog_index which);

/* @path, with the working directory in front if it is relative. */
MUST_CHECK char *path_absolute(struct arena *a, const char *path);
