/* SPDX-License-Identifier: MIT */
/*
 * Files that a tool writes: whole or not at all. What is written goes to a
 * temporary name in the same folder and gets its own name when all has gone
 * well; so several files can be written before any of them appears. A new file
 * has the mode of the one it replaces, but its owner is who runs the tool, and
 * other hard links keep the old one. What is no regular file, such as
 * /dev/stdout, is written in place.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

struct output {
	const char *applet; /* for complaints */
	const char *path;   /* as the user named it */
	char *target;       /* the same, links followed; NULL: in place */
	char *temporary;    /* or NULL: in place, or kept */
	FILE *file;
};

/* Those that return bool complain on standard error when they fail. */
bool output_open(struct output *o, const char *applet, const char *path);
/* Everything has been written; looks for errors of the stream. */
bool output_end(struct output *o);
/* Gives the file its name. */
bool output_keep(struct output *o);
/* Removes what has not been kept. Also for a zeroed one. */
void output_drop(struct output *o);

/* Do both name one regular file, or will they when it is written? */
bool output_is_same(const char *a, const char *b);
