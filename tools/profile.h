/* SPDX-License-Identifier: MIT */
/*
 * Profiles: files that hold words of a command line. Where a word @FILE stands,
 * the words of FILE take its place: options, modules and their parameters, cut
 * as the console cuts its lines (shell_words). `./@name` is a file of that name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct profile {
	int argc;
	char **argv;  /* ends with NULL, as main's */
	char **texts; /* of the files, which the words lie in */
	size_t ntexts;
};

/*
 * The words of @argv with those of its profiles into @out, which lives for as
 * long as the words are used, and is freed by profile_free, also after false:
 * then what is wrong has been said, in the name of @applet. Profiles do not
 * name profiles.
 */
bool profile_expand(
    const char *applet, int argc, char **argv, struct profile *out);
void profile_free(struct profile *p);
