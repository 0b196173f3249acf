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

struct modfile {
	char *path;
	char name[TN_MODULE_NAME_MAX];
	bool states_needs; /* it has depends= */
	char **needs;      /* else: files, by modules.dep */
	size_t nneeds;
	char *declares; /* ":level:verbose:", its parameters; or NULL */
	char *params;   /* for its load, or NULL */
	char sha256[65];
	bool is_archive; /* of ar(1): no module */
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
 * Finds the file of module @name: in the folders and by the modules.dep of the
 * folders, then by any modules.dep above a known file. NULL when there is none;
 * the path is the caller's to free.
 */
char *modpath_find(struct modpath *mp, const char *name);

/* One above a known file that was not followed, and has not been since. */
const struct depfile *modpath_distrusted(const struct modpath *mp);

/* Does the file declare a parameter of this name? */
bool modfile_declares(const struct modfile *f, const char *param);

/* The known file of this name, or NULL. */
struct modfile *modpath_known(const struct modpath *mp, const char *name);

void modpath_free(struct modpath *mp);
