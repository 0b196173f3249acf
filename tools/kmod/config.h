/* SPDX-License-Identifier: MIT */
/*
 * The configuration of modprobe (modprobe.d(5)) in memory: a list of entries
 * for each command, in the order in which they were read. The order of the
 * enum is that of `modprobe --showconfig`.
 *
 * Entries live in the arena; names are normalised ('_' for '-').
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <base/span.h>

#include "arena.h"
#include "report.h"

enum config_kind {
	CONFIG_BLACKLIST, /* blacklist MODULE */
	CONFIG_INSTALL,   /* install PATTERN COMMAND */
	CONFIG_REMOVE,    /* remove PATTERN COMMAND */
	CONFIG_ALIAS,     /* alias PATTERN MODULE */
	CONFIG_OPTIONS,   /* options MODULE-OR-ALIAS TEXT */
	CONFIG_SOFTDEP,   /* softdep PATTERN pre: NAME.. post: NAME.. */
	CONFIG_KINDS
};

/* A list of names, as they were written. */
struct config_names {
	const char **names;
	size_t n;
};

struct config_entry {
	struct config_entry *next;
	enum config_kind kind;
	const char *name;
	const char *value;             /* "" of blacklist and softdep */
	struct config_names pre, post; /* of softdep */
	/* where it comes from: a file and its line; 0: the kernel's command line */
	const char *file;
	unsigned line;
};

struct config {
	struct arena *arena;
	struct config_entry *first[CONFIG_KINDS];
	struct config_entry *last[CONFIG_KINDS];
};

/* The word of @kind: "blacklist". */
const char *config_word(enum config_kind kind);

/*
 * Reads everything that counts: @softdeps (modules.softdep of a tree, or NULL)
 * and the *.conf files of the folders @paths, or files themselves, ended by
 * NULL; then the kernel's command line. Of files of one name the first counts;
 * they are read in the order of their names. What cannot be read or understood
 * is reported and left out. 0 or -TN_ENOMEM.
 */
MUST_CHECK int config_load(struct config *c, const char *const *paths,
    const char *softdeps, const struct report *r);

/* The folders that modprobe.d(5) names, the strongest first; ends with NULL. */
extern const char *const config_default_paths[];

/* The bytes of one file, called @path. 0 or -TN_ENOMEM. */
MUST_CHECK int config_parse(struct config *c, const char *path,
    struct span text, const struct report *r);

/*
 * Appends an entry; the texts must live as long as the arena. In the text of
 * options a tab becomes a blank. NULL: no memory.
 */
MUST_CHECK struct config_entry *config_add(struct config *c,
    enum config_kind kind, const char *name, const char *value);

/* What the kernel's command line @text says. 0 or -TN_ENOMEM. */
MUST_CHECK int config_parse_cmdline(
    struct config *c, const char *text, const struct report *r);

/* The first entry of @kind whose pattern matches @name, or NULL. */
const struct config_entry *config_match(
    const struct config *c, enum config_kind kind, const char *name);

/* Is there a `blacklist @name`? */
bool config_is_blacklisted(const struct config *c, const char *name);
