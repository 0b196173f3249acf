/* SPDX-License-Identifier: MIT */
/*
 * One file of modprobe.d(5): a command a line (conf.h); words are parted by
 * blanks and tabs; lines that begin with '#' are comments.
 */
#include "config.h"

#include <string.h>

#include <tenon/err.h>

#include "conf.h"
#include "modname.h"

#define BLANKS     "\t "
#define WHITESPACE " \t\n\v\f\r"

/* A file that is being read. */
struct reader {
	struct config *c;
	const char *path;
	const struct report *report;
	struct conf_lines lines;
};

/* Takes a word from *@rest; NULL: there is none. */
static char *take_word(char **rest, const char *blanks)
{
	char *word = *rest + strspn(*rest, blanks);
	char *end = word + strcspn(word, blanks);

	if (*word == '\0')
		return NULL;
	*rest = end;
	if (*end != '\0') {
		*end = '\0';
		(*rest)++;
	}
	return word;
}

/* A copy of @word, normalised. -TN_EINVAL: that is not to be done. */
static int take_name(struct config *c, const char *word, const char **out)
{
	char name[MODNAME_MAX];

	if (word == NULL || !alias_normalize(word, name))
		return -TN_EINVAL;
	*out = arena_text(c->arena, name, strlen(name));
	return *out == NULL ? -TN_ENOMEM : 0;
}

/* Appends @word to @names, whose room is always a power of two. */
static int names_add(
    struct arena *arena, struct config_names *names, const char *word)
{
	if ((names->n & (names->n - 1)) == 0) {
		const size_t room = names->n == 0 ? 1 : names->n * 2;
		const char **grown = arena_alloc(arena, room * sizeof(*grown));

		if (grown == NULL)
			return -TN_ENOMEM;
		if (names->n != 0)
			memcpy(grown, names->names, names->n * sizeof(*grown));
		names->names = grown;
	}
	names->names[names->n] = arena_text(arena, word, strlen(word));
	return names->names[names->n++] == NULL ? -TN_ENOMEM : 0;
}

/*
 * "pre: NAME.. post: NAME.."; what stands before both is ignored. One blank too
 * many before the first word makes it no "pre:" to kmod, and so to us.
 */
static int parse_softdep(
    struct arena *arena, struct config_entry *e, char *rest)
{
	struct config_names *names = NULL;
	char *word;
	int err = 0;

	if (strspn(rest, WHITESPACE) == 1)
		(void)take_word(&rest, WHITESPACE);
	while (err == 0 && (word = take_word(&rest, WHITESPACE)) != NULL) {
		if (strcmp(word, "pre:") == 0)
			names = &e->pre;
		else if (strcmp(word, "post:") == 0)
			names = &e->post;
		else if (names != NULL)
			err = names_add(arena, names, word);
	}
	return err;
}

/* What follows the command's word. -TN_EINVAL: not what it should be. */
static int parse_command(struct reader *rd, enum config_kind kind, char *rest)
{
	const char *name, *value = "";
	struct config_entry *e;
	int err = take_name(rd->c, take_word(&rest, BLANKS), &name);

	if (err)
		return err;
	if (kind == CONFIG_ALIAS) {
		err = take_name(rd->c, take_word(&rest, BLANKS), &value);
		if (err)
			return err;
	} else if (kind != CONFIG_BLACKLIST) {
		if (*rest == '\0')
			return -TN_EINVAL;
		if (kind != CONFIG_SOFTDEP)
			value = arena_text(rd->c->arena, rest, strlen(rest));
	}
	e = value == NULL ? NULL : config_add(rd->c, kind, name, value);
	if (e == NULL)
		return -TN_ENOMEM;
	e->file = rd->path;
	e->line = rd->lines.number;
	return kind == CONFIG_SOFTDEP ? parse_softdep(rd->c->arena, e, rest)
				      : 0;
}

static int parse_line(struct reader *rd, char *rest)
{
	const char *word;
	int err = -TN_EINVAL;

	if (*rest == '\0' || *rest == '#')
		return 0;
	word = take_word(&rest, BLANKS);
	if (word == NULL)
		return 0;
	if (strcmp(word, "include") == 0 || strcmp(word, "config") == 0) {
		report(rd->report, REPORT_ERROR,
		    "%s: command %s is deprecated and not parsed anymore",
		    rd->path, word);
		return 0;
	}
	for (unsigned kind = 0; kind < CONFIG_KINDS; kind++)
		if (strcmp(word, config_word(kind)) == 0)
			err = parse_command(rd, kind, rest);
	if (err == -TN_EINVAL) {
		report(rd->report, REPORT_ERROR,
		    "%s line %u: ignoring bad line starting with '%s'",
		    rd->path, rd->lines.number, word);
		err = 0;
	}
	return err;
}

int config_parse(struct config *c, const char *path, struct span text,
    const struct report *r)
{
	struct reader rd = { .c = c, .report = r };
	char *line;
	int got;

	rd.path = arena_text(c->arena, path, strlen(path));
	if (rd.path == NULL)
		return -TN_ENOMEM;
	conf_lines_open(&rd.lines, text);
	while ((got = conf_lines_next(&rd.lines, &line)) > 0) {
		got = parse_line(&rd, line);
		if (got < 0)
			break;
	}
	conf_lines_close(&rd.lines);
	return got;
}
