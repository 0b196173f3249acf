/* SPDX-License-Identifier: MIT */
/*
 * The words of the command line that are no options: modules, and after each
 * the parameters for its load, as insmod takes them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applets.h"
#include "run_tell.h"

/* "times=3"; a file's name may have a '=' behind a '/' or a '.'. */
static bool is_param(const char *word)
{
	return word[strcspn(word, "=/.")] == '=' && *word != '=';
}

static bool add_source(struct run *r, const char *word)
{
	struct run_source *more =
	    realloc(r->sources, (r->nsources + 1) * sizeof(*more));

	if (more == NULL) {
		tell_usage("no memory");
		return false;
	}
	r->sources = more;
	r->sources[r->nsources++] = (struct run_source){ .word = word };
	return true;
}

/* Quotes a word with blanks, which the shell has taken the quotes from. */
static bool add_param(struct run_source *s, const char *word)
{
	const char *before = s->params != NULL ? s->params : "";
	const char *blank = s->params != NULL ? " " : "";
	const bool plain =
	    strpbrk(word, " \t\n") == NULL || strchr(word, '"') != NULL;
	const char *quote = plain ? "" : "\"";
	char *text;

	if (asprintf(&text, "%s%s%s%s%s", before, blank, quote, word, quote) <
	    0) {
		tell_usage("no memory");
		return false;
	}
	free(s->params);
	s->params = text;
	return true;
}

bool words_parse(struct run *r, char **words, int n)
{
	bool ok = true;

	for (int i = 0; i < n && ok; i++) {
		if (words[i][0] == '\0') {
			ok = say_usage("run", "MOD is empty");
		} else if (!is_param(words[i])) {
			ok = add_source(r, words[i]);
		} else if (r->nsources == 0) {
			tell_usage("%s: a parameter stands behind its module",
			    words[i]);
			ok = false;
		} else {
			ok = add_param(&r->sources[r->nsources - 1], words[i]);
		}
	}
	return ok;
}

void words_free(struct run *r)
{
	for (size_t i = 0; i < r->nsources; i++)
		free(r->sources[i].params);
	free(r->sources);
}
