/* SPDX-License-Identifier: MIT */
/*
 * What a tree of modules and the configuration say of names: which modules an
 * alias stands for, where their files are, what they need, which options and
 * commands belong to them. It knows nothing of what is loaded.
 *
 *     catalog -> config (modprobe.d), index files of depmod, met modules
 *
 * A module that has been met is one object per name by which it was asked for:
 * kmod counts "alias of a module" and the module itself as two, and so do we,
 * since its output shows it. All texts and objects live in the arena.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "config.h"
#include "index_read.h"
#include "report.h"

enum catalog_index {
	INDEX_DEP,
	INDEX_ALIAS,
	INDEX_SYMBOLS,
	INDEX_BUILTIN_ALIAS,
	INDEX_BUILTIN,
	INDEXES
};

/* How a name led to a module. */
enum found_by {
	FOUND_NAME,          /* it is the module's own */
	FOUND_CONFIG_ALIAS,  /* an alias line of the configuration */
	FOUND_SYMBOL,        /* "symbol:NAME", modules.symbols */
	FOUND_COMMAND,       /* an install or remove line */
	FOUND_ALIAS,         /* the module's own alias, modules.alias */
	FOUND_BUILTIN,       /* modules.builtin */
	FOUND_BUILTIN_ALIAS, /* modules.builtin.alias */
	FOUND_FILE,          /* the path of a file */
};

struct module {
	struct module *next; /* in its bucket */
	const char *key;     /* NAME or NAME\ALIAS */
	const char *name;
	const char *alias; /* by which it was asked for, normalised; or NULL */
	const char *path;  /* or NULL: no file is known */
	enum found_by by;
	const struct config_entry *command; /* FOUND_COMMAND: which */
	struct module **needs; /* what must be there first, in that order */
	size_t nneeds;
	bool looked_up; /* path and needs are as modules.dep says */
	bool is_builtin;
	bool builtin_known;
	/* of the plan that is being made: */
	bool visited;
	bool required;
	bool bare; /* its install or remove command does not count */
};

/* A row of modules. */
struct found {
	struct found *next;
	struct module *module;
};

struct catalog {
	struct arena arena;
	struct config config;
	const struct report *report;
	const char *dir; /* the tree, absolute, without slash at its end */
	struct trie index[INDEXES];
	bool tried[INDEXES]; /* to open it */
	struct module *buckets[64];
};

/*
 * Opens the tree @dir (NULL: /lib/modules/VERSION of the running kernel) and
 * reads the configuration from @paths (NULL: the default). A tree that is not
 * there has no modules. 0 or -TN_ENOMEM. The catalog is a zeroed one.
 */
MUST_CHECK int catalog_open(struct catalog *c, const char *dir,
    const char *const *paths, const struct report *r);
void catalog_close(struct catalog *c);

/* "lib/modules/VERSION" below @root; NULL parts: "" and uname -r. */
MUST_CHECK char *catalog_dir(
    struct arena *a, const char *root, const char *version);

/* The index, opened when first asked for; one that has nothing if it fails. */
struct trie *catalog_index(struct catalog *c, enum catalog_index which);

/* Every pair of an index; damage is reported. */
void catalog_each(struct catalog *c, enum catalog_index which,
    trie_visit_fn *visit, void *arg);

/* "DIR/FILE" of the tree; NULL: no memory. */
MUST_CHECK char *catalog_path(struct catalog *c, const char *file);

/*
 * The modules that @name stands for: a name, an alias, or "symbol:NAME". The
 * first of these that knows it decides: aliases of the configuration, module
 * names, symbols, install and remove commands, modules' own aliases, built-in
 * modules. *@out is NULL if nobody knows it.
 * 0; -TN_EINVAL: brackets in @name do not match, or it is too long; -TN_ENOMEM.
 */
MUST_CHECK int catalog_find(
    struct catalog *c, const char *name, struct found **out);

/* The same, of module names alone; *@out is NULL if nobody has it. */
MUST_CHECK int catalog_find_name(
    struct catalog *c, const char *name, struct module **out);

/* The module of the file @path; its needs come from modules.dep, by name. */
MUST_CHECK int catalog_file(
    struct catalog *c, const char *path, struct module **out);

/* Fills in path and needs. 0 or -TN_ENOMEM. */
MUST_CHECK int module_look_up(struct catalog *c, struct module *m);

/* Is it in modules.builtin? */
bool module_is_builtin(struct catalog *c, struct module *m);

/* Does an options line mean it: its name, or the alias it was asked for by? */
bool module_has_options(const struct module *m, const struct config_entry *e);

/*
 * Its options: those of its name and of the alias by which it was asked for,
 * in their order, each with a blank behind, and then @more or nothing.
 */
MUST_CHECK char *module_options(
    struct catalog *c, const struct module *m, const char *more);
