/* SPDX-License-Identifier: MIT */
/*
 * Profiles: see profile.h.
 */
#include "profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file_read.h"
#include "shell.h"

/* Where words come from, for messages. */
struct place {
	const char *applet, *path;
	unsigned line;
};

static bool complain(const struct place *at, const char *why)
{
	if (at->line != 0)
		fprintf(stderr, "tenon %s: %s, line %u: %s\n", at->applet,
		    at->path, at->line, why);
	else
		fprintf(
		    stderr, "tenon %s: %s: %s\n", at->applet, at->path, why);
	return false;
}

/* Appends @word to the @n of *@list and keeps it ended by NULL. */
static bool append(char ***list, size_t n, char *word)
{
	char **more = realloc(*list, (n + 2) * sizeof(*more));

	if (more == NULL)
		return false;
	more[n] = word;
	more[n + 1] = NULL;
	*list = more;
	return true;
}

static bool add_word(struct profile *p, const struct place *at, char *word)
{
	if (!append(&p->argv, (size_t)p->argc, word))
		return complain(at, "no memory");
	p->argc++;
	return true;
}

static bool add_line(struct profile *p, const struct place *at, char *line)
{
	char *words[WORDS_MAX];
	const char *why;
	const int n = shell_words(line, words, &why);

	if (n < 0)
		return complain(at, why);
	for (int i = 0; i < n; i++) {
		if (words[i][0] == '@')
			return complain(at, "a profile names no profile");
		if (!add_word(p, at, words[i]))
			return false;
	}
	return true;
}

static bool add_file(struct profile *p, const char *applet, const char *path)
{
	struct place at = { applet, path, 0 };
	size_t size;
	char *next = file_read(path, &size);

	if (next == NULL)
		return complain(&at, strerror(errno));
	if (!append(&p->texts, p->ntexts, next)) {
		free(next);
		return complain(&at, "no memory");
	}
	p->ntexts++;
	if (strlen(next) != size)
		return complain(&at, "this is no text");
	while (next != NULL) {
		char *line = strsep(&next, "\n");

		at.line++;
		if (!add_line(p, &at, line))
			return false;
	}
	return true;
}

bool profile_expand(
    const char *applet, int argc, char **argv, struct profile *out)
{
	const struct place here = { applet, "command line", 0 };
	bool ok = true;

	*out = (struct profile){ .argc = 0 };
	for (int i = 0; i < argc && ok; i++)
		ok = i > 0 && argv[i][0] == '@'
			 ? add_file(out, applet, argv[i] + 1)
			 : add_word(out, &here, argv[i]);
	return ok;
}

void profile_free(struct profile *p)
{
	for (size_t i = 0; i < p->ntexts; i++)
		free(p->texts[i]);
	free(p->texts);
	free(p->argv);
}
