/* SPDX-License-Identifier: MIT */
/*
 * Module files on disk: what a file says of itself, and where the file of a
 * module name is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <tenon/engine.h>

struct modfile {
	char *path;
	char name[TN_MODULE_NAME_MAX];
	char **depends; /* names, from depends= or modules.dep */
	size_t ndepends;
	char sha256[65];
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
};

/*
 * Reads what @path says of itself. Returns 0 with the file added to @mp, or a
 * negative error with @diag filled.
 */
int modpath_add(struct modpath *mp, struct tn_system *sys, const char *path,
    struct modfile **out, struct tn_diag *diag);

/*
 * Finds the file of module @name, needed by @from: among the files, then in
 * the folders, then by the modules.dep beside @from. NULL when there is none;
 * the path is the caller's to free.
 */
char *modpath_find(
    const struct modpath *mp, const struct modfile *from, const char *name);

struct modfile *modpath_known(const struct modpath *mp, const char *name);

void modpath_free(struct modpath *mp);
