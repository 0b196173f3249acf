/* SPDX-License-Identifier: MIT */
/*
 * Module files on disk: what a file says of itself, and where the file of a
 * module name is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <tenon/engine.h>

#include "depfile.h"

struct modfile_need {
	char *name;
	bool soft; /* not needed: loaded first when there is a file of it */
};

struct modfile {
	char *path;
	char name[TN_MODULE_NAME_MAX];
	struct modfile_need *needs; /* depends= and softdep=, or modules.dep */
	size_t nneeds;
	bool has_needs; /* one that is not soft */
	char *provides; /* tenon.provides, or NULL */
	char *params;   /* for its load, or NULL */
	char sha256[65];
	bool is_archive; /* of ar(1): no module */
	enum {
		MODFILE_NEW,
		MODFILE_ACTIVE,
		MODFILE_DONE
	} state;
};

/* Where files are looked for, in this order. */
struct modpath {
	struct modfile **files; /* those named or found so far */
	size_t nfiles;
	const char **folders;
	size_t nfolders;
	struct depfile *depfiles; /* of all folders that have been looked at */
	size_t ndepfiles;
};

/*
 * Reads what @path says of itself. Returns 0 with the file added to @mp, or a
 * negative error with @diag filled.
 */
int modpath_add(struct modpath *mp, struct tn_system *sys, const char *path,
    struct modfile **out, struct tn_diag *diag);

/*
 * Finds the file of module @name, needed by @from or, when that is NULL, by the
 * user: in the folders, by the modules.dep of the folders, then by the
 * modules.dep above @from. NULL when there is none; the path is the caller's
 * to free.
 */
char *modpath_find(
    struct modpath *mp, const struct modfile *from, const char *name);

/* The known file of this name, or one that provides it, or NULL. */
struct modfile *modpath_known(const struct modpath *mp, const char *name);

void modpath_free(struct modpath *mp);
