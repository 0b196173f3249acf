/* SPDX-License-Identifier: MIT */
/*
 * Words of modprobe's command line: those of the environment in front, those
 * behind the module's name as its parameters.
 */
#pragma once

#include "arena.h"

#include <stdbool.h>

struct args {
	int n;
	char **words; /* ended by NULL */
};

/*
 * Puts the words of @text (or NULL) behind the first one. Blanks part them,
 * but for 'those' and "those" within quotes, which go; a quote without a
 * partner is an ordinary character. False: no memory.
 */
bool args_prepend(struct args *args, struct arena *a, const char *text);

/*
 * The parameters as one text: "a=1 b="2 3"": a value with blanks gets quotes
 * unless it begins with one. NULL: no memory.
 */
char *args_parameters(struct arena *a, char *const *words, int n);

/* @text with @from replaced by @to wherever it stands; NULL: no memory. */
char *args_replace(
    struct arena *a, const char *text, const char *from, const char *to);
