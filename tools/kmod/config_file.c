/* SPDX-License-Identifier: MIT */
/*
 * One file of modprobe.d(5): a command a line. A backslash takes the next
 * character as it is, and joins lines at their end; words are parted by blanks
 * and tabs; lines that begin with '#' are comments.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tenon/err.h>

#include "modname.h"

#define BLANKS     "\t "
#define WHITESPACE " \t\n\v\f\r"

/* A file that is being read. */
struct reader {
	struct config *c;
	const char *path;
	const struct report *report;
	const char *p, *end; /* what is left */
	unsigned next;       /* number of the line at p */
	unsigned line;       /* number of the line that was read */
	char *buffer;        /* that line: as long as the file */
};

/* Skips a backslash; false: what it stood before is a newline, now gone. */
static bool take_escape(struct reader *rd)
{
	if (*rd->p != '\\' || rd->p + 1 == rd->end)
		return true;
	rd->p++;
	if (*rd->p != '\n')
		return true;
	rd->p++;
	rd->next++;
	return false;
}

/* Takes the next line, joined, into the buffer; false at the end. */
static bool read_line(struct reader *rd)
{
	char *out = rd->buffer;

	if (rd->p == rd->end)
		return false;
	rd->line = rd->next++;
	while (rd->p < rd->end && *rd->p != '\n')
		if (take_escape(rd))
			*out++ = *rd->p++;
	if (rd->p < rd->end)
		rd->p++;
	*out = '\0';
	return true;
}

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
	e->line = rd->line;
	return kind == CONFIG_SOFTDEP ? parse_softdep(rd->c->arena, e, rest)
				      : 0;
}

static int parse_line(struct reader *rd)
{
	char *rest = rd->buffer;
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
		    rd->path, rd->line, word);
		err = 0;
	}
	return err;
}

int config_parse(struct config *c, const char *path, struct span text,
    const struct report *r)
{
	struct reader rd = { .c = c, .report = r, .next = 1 };
	int err = 0;

	rd.p = (const char *)text.p;
	rd.end = rd.p + text.n;
	rd.path = arena_text(c->arena, path, strlen(path));
	rd.buffer = malloc(text.n + 1);
	if (rd.path == NULL || rd.buffer == NULL)
		err = -TN_ENOMEM;
	while (err == 0 && read_line(&rd))
		err = parse_line(&rd);
	free(rd.buffer);
	return err;
}

/* Reads up to the end, whatever fstat says of the size. */
static int read_all(int fd, char **out, size_t *used)
{
	size_t room = 0;

	*out = NULL;
	*used = 0;
	for (;;) {
		ssize_t n;

		if (*used == room) {
			char *grown;

			room = room == 0 ? 4096 : room * 2;
			grown = realloc(*out, room);
			if (grown == NULL)
				return -TN_ENOMEM;
			*out = grown;
		}
		n = read(fd, *out + *used, room - *used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		*used += (size_t)n;
	}
}

int config_read_text(const char *path, char **text, size_t *n)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err;

	*text = NULL;
	if (fd < 0)
		return -errno;
	err = read_all(fd, text, n);
	(void)close(fd);
	if (err) {
		free(*text);
		*text = NULL;
	}
	return err;
}

int config_read_file(struct config *c, const char *path, const struct report *r)
{
	char *text;
	size_t n = 0;
	int err = config_read_text(path, &text, &n);

	if (err)
		return err;
	err =
	    config_parse(c, path, (struct span){ (const uint8_t *)text, n }, r);
	free(text);
	return err;
}
