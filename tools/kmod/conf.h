/* SPDX-License-Identifier: MIT */
/*
 * Files of configuration, modprobe.d(5) and depmod.d(5): which of them count,
 * and their lines. Of files of one name the first one that is added counts;
 * they are read in the order of their names.
 */
#pragma once

#include <stdbool.h>

#include <base/compiler.h>
#include <base/span.h>

#include "arena.h"
#include "buffer.h"
#include "report.h"

/* A list by base name. */
struct conf_file {
	struct conf_file *next;
	const char *path;
	const char *name; /* within path */
};

struct conf_files {
	struct arena *arena; /* of paths and files */
	const struct report *report;
	const char *cannot_list; /* words before a folder: "could not read" */
	const char *const *ends; /* of the names that count in a folder; NULL */
	struct conf_file *first;
};

/*
 * Adds the files of the folder @path whose names end as they must, or the file
 * @path, whatever it is called. What is not there is no error; other trouble is
 * reported. 0 or -TN_ENOMEM.
 */
MUST_CHECK int conf_add(struct conf_files *files, const char *path);

/* Adds a file that may be missing; the text of @path is the arena's. */
MUST_CHECK int conf_add_file(struct conf_files *files, const char *path);

/* A text that is read line by line. A backslash joins two of its lines. */
struct conf_lines {
	const char *p, *end; /* what is left */
	unsigned number;     /* of the last line that was read */
	struct buffer line;  /* has room for all that is left */
};

/* The bytes of @text stay the caller's. conf_lines_close comes after it. */
void conf_lines_open(struct conf_lines *lines, struct span text);
void conf_lines_close(struct conf_lines *lines);

/*
 * Gives the next line, to be changed at will: 1; 0 at the end; -TN_ENOMEM. A
 * backslash takes the character behind it as it is.
 */
MUST_CHECK int conf_lines_next(struct conf_lines *lines, char **out);
