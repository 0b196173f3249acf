/* SPDX-License-Identifier: MIT */
/*
 * modules.dep of a module tree (depmod): where the file of a module is, and
 * what it needs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <tenon/engine.h>

/* One line: "kernel/fs/fat/vfat.ko: kernel/fs/fat/fat.ko". */
struct depfile_entry {
	char name[TN_MODULE_NAME_MAX];
	const char *path;  /* below the folder, or absolute */
	const char *needs; /* paths, the nearest first, parted by blanks */
	size_t line;
};

struct depfile {
	char *folder;                  /* with a slash at its end */
	char *text;                    /* NULL: there is no modules.dep */
	struct depfile_entry *entries; /* by name, then by line */
	size_t n;
	uid_t owner;
	bool is_open;         /* anybody may write to it */
	bool is_trusted;      /* to be searched for any module: modfile.c */
	const char *distrust; /* why it was not followed for one, or NULL */
};

/* Reads modules.dep in @folder, whose name ends in '/'. False: no memory. */
bool depfile_read(struct depfile *df, const char *folder);

/* The same of @text, which is malloc's and the file's from now on; or NULL. */
bool depfile_take(struct depfile *df, const char *folder, char *text);
void depfile_free(struct depfile *df);

/* The first line about module @name, or NULL. */
const struct depfile_entry *depfile_find(
    const struct depfile *df, const char *name);

/* The file at @path, as a line names it: to be freed; NULL: no memory. */
char *depfile_path(const struct depfile *df, const char *path);
