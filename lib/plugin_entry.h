/* SPDX-License-Identifier: MIT */
/*
 * What is kept of a plugin while it is loaded, and of libraries that have
 * stayed. The registry lock (plugin_registry()->lock) protects the lists and
 * the fields named below; it is a leaf: nothing is called with it held, and it
 * is whole in both processes after a fork.
 */
#pragma once

#include <stdbool.h>

#include <tenon/foreign.h>
#include <tenon/plugin.h>

#include "plugin_file.h"
#include "plugin_record.h"

#define WHY_MAX 160

struct plugin_entry {
	/* set before it is listed: */
	struct record *rec;
	struct tn_system *sys;
	struct tn_foreign foreign;
	struct plugin_file file;
	/* the thread that loads: */
	char *said;          /* by the dynamic linker, that refuses it; or
				its own name, once init has run; or NULL */
	struct mapped image; /* handle NULL: not of the dynamic linker */
	char why[WHY_MAX];   /* it may stay */
	bool was_there;      /* before it was opened for this load */
	struct plugin_ops *own;
	struct plugin_ops filled; /* .own with a process */
	/* registry lock: */
	struct plugin_entry *next;
	bool gone;    /* its image is; then whoever comes second frees it */
	bool settled; /* its load has succeeded */
};

void entries_lock(void);
void entries_unlock(void);

/*
 * A new entry of @file, listed, with a name that no other has. NULL: no
 * memory, *@twin NULL; or the library is loaded, then *@twin is its entry's
 * name.
 */
struct plugin_entry *entry_new(const char *path, const struct plugin_file *file,
    char twin[TN_MODULE_NAME_MAX]) MUST_CHECK;

/* The load has failed: frees it. */
void entry_drop(struct plugin_entry *e);

/*
 * The load has succeeded: *@out is its plugin, in the registry. False: it has
 * been unloaded meanwhile, by its engine, and the entry is freed.
 */
bool entry_settle(
    struct plugin_entry *e, struct tn_module *mod, struct plugin **out);

/* It cannot be had any more. */
void entry_close(struct plugin_entry *e);
/* Its image is gone; frees the entry when its load has been settled. */
void entry_gone(struct plugin_entry *e);

/* The live plugin of this handle, with a reference; or NULL. */
struct plugin *entry_by_handle(const void *handle);

/* --- libraries that have stayed; the file of one is @file */

/* Remembers, or forgets when @why is NULL. Without memory it is not told. */
void lingering_set(const struct plugin_file *file, const char *why);
/* Why the one of this path or file has stayed; false: none has. */
bool lingering_find(const struct plugin_file *file, char why[WHY_MAX]);
