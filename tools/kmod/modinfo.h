/* SPDX-License-Identifier: MIT */
/*
 * Between the files of modinfo: one run of the command.
 *
 *     modinfo.c         options, and from arguments to modules
 *     modinfo_read.c    the entries of a module: .modinfo and its signature
 *     modinfo_print.c   entries as text or JSON
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "buffer.h"
#include "catalog.h"
#include "modread.h"

/* "key=value" of .modinfo; not ended by NUL. */
struct modinfo_entry {
	const char *key;
	size_t key_length;
	const char *value;
	size_t value_length;
};

/* The entries of one module; their memory is used again for the next. */
struct modinfo_entries {
	struct modinfo_entry *e;
	size_t n, room;
};

struct modinfo {
	const char *field; /* the only one that is wanted; NULL: all */
	char end;          /* behind each value */
	bool names_only;   /* -m: arguments are names, no aliases */
	bool json;
	struct report report;
	struct catalog catalog;
	struct modread reader;
	struct modinfo_entries entries;
	struct buffer builtin; /* modules.builtin.modinfo, or without bytes */
	bool builtin_read;
	char *hex; /* of a signature */
	size_t hex_room;
};

/*
 * Reads the entries of the file at @path; they live until modread_close, which
 * follows success. 0 or a negative error.
 */
MUST_CHECK int modinfo_read_file(struct modinfo *mi, const char *path);

/*
 * Those of a built-in module, from modules.builtin.modinfo. -TN_ENOENT: the tree has no
 * such file; -TN_ENOSYS: nothing is said of @name there.
 */
MUST_CHECK int modinfo_read_builtin(struct modinfo *mi, const char *name);

void modinfo_free(struct modinfo *mi);

/* Prints what was read of the module @m. 0 or -TN_ENOMEM. */
MUST_CHECK int modinfo_print(struct modinfo *mi, const struct module *m);

/* "filename: ..." (and "name: ..." of a built-in module), as is asked for. */
void modinfo_print_head(struct modinfo *mi, const struct module *m);
