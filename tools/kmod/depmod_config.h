/* SPDX-License-Identifier: MIT */
/*
 * depmod.d(5): which of several files of one module counts, and where else
 * modules are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <base/compiler.h>

#include "arena.h"

struct report;

/* A list of texts; the newest first. */
struct config_text {
	struct config_text *next;
	const char *text;
};

enum search_kind {
	SEARCH_FOLDER,   /* below the tree */
	SEARCH_BUILTIN,  /* whatever no other one names */
	SEARCH_EXTERNAL, /* the folders of `external` */
};

struct config_search {
	struct config_search *next; /* the one that is listed before */
	enum search_kind kind;
	const char *path; /* of SEARCH_FOLDER, from the root */
};

/* Modules are taken from the last one of each list that fits. */
struct depmod_config {
	struct config_search *searches;
	struct config_text *overrides; /* paths of modules, without .ko */
	struct config_text *externals; /* folders */
	struct config_text *excludes;  /* names of files and folders */
};

/*
 * Reads the configuration from @paths (files or folders, ended by NULL; an
 * empty list: the usual folders) for the tree in @folder of kernel @release.
 * What is wrong is reported and left out. 0 or -TN_ENOMEM.
 */
struct depmod_config_for {
	const char *folder, *release;
	const char *const *paths;
};
MUST_CHECK int depmod_config_load(struct depmod_config *c, struct arena *arena,
    const struct depmod_config_for *what, const struct report *r);

/*
 * Does the module file @fresh take the place of @old, of the same module?
 * Paths from the root.
 */
bool depmod_config_prefers(
    const struct depmod_config *c, const char *fresh, const char *old);
