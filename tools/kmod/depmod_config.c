/* SPDX-License-Identifier: MIT */
/*
 * depmod.d(5): see depmod_config.h. Files count by their base names, the first
 * folder's before the others', and are read in the order of those names.
 */
#include "depmod_config.h"

#include <fcntl.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/err.h>

#include "buffer.h"
#include "conf.h"
#include "report.h"

#define BLANKS "\t "

static const char *const usual_paths[] = { "/etc/depmod.d", "/run/depmod.d",
	"/usr/local/lib/depmod.d", "/lib/depmod.d", NULL };

struct parser {
	struct depmod_config *c;
	struct arena *arena;
	const struct depmod_config_for *what;
	const struct report *report;
	const char *path; /* of the file that is read */
	struct conf_lines lines;
	char *rest; /* what is left of the line */
};

static char *next_word(struct parser *p)
{
	return strtok_r(NULL, BLANKS, &p->rest);
}

/* --- commands */

static bool add_text(
    struct parser *p, struct config_text **list, const char *text)
{
	struct config_text *t = arena_alloc(p->arena, sizeof(*t));

	text = arena_text(p->arena, text, strlen(text));
	if (t == NULL || text == NULL)
		return false;
	*t = (struct config_text){ *list, text };
	*list = t;
	return true;
}

/* "A/B/C" in the arena. */
static const char *join_path(
    struct parser *p, const char *a, const char *b, const char *c)
{
	struct buffer text = { 0 };
	const char *path = NULL;

	buffer_text(&text, a);
	buffer_char(&text, '/');
	buffer_text(&text, b);
	if (c != NULL) {
		buffer_char(&text, '/');
		buffer_text(&text, c);
	}
	if (!text.failed)
		path = arena_text(p->arena, text.p, text.n);
	buffer_free(&text);
	return path;
}

static bool add_search(struct parser *p, const char *word)
{
	struct config_search *s = arena_alloc(p->arena, sizeof(*s));

	if (s == NULL)
		return false;
	*s = (struct config_search){ .next = p->c->searches };
	if (strcmp(word, "external") == 0)
		s->kind = SEARCH_EXTERNAL;
	else if (strcmp(word, "built-in") == 0)
		s->kind = SEARCH_BUILTIN;
	else
		s->path = join_path(p, p->what->folder, word, NULL);
	p->c->searches = s;
	return s->kind != SEARCH_FOLDER || s->path != NULL;
}

/* Copies that may become of one character; regcomp's time is their square. */
#define COPIES_MAX 256u

/* How often regcomp copies what is in front of @at, at most. */
static unsigned long copies_at(const char *at)
{
	unsigned long least, most;
	char *end;

	if (*at == '+')
		return 2;
	if (*at != '{')
		return 1;
	least = strtoul(at + 1, &end, 10);
	most = *end == ',' ? strtoul(end + 1, NULL, 10) : 0;
	most = most > least ? most : least;
	return most != 0 ? most : 1;
}

/*
 * glibc's regcomp copies what is repeated, and what is repeated within that
 * again, until there is no memory. Counts what is only a character as well.
 */
static bool multiplies(const char *pattern)
{
	unsigned long copies = 1;

	for (; *pattern != '\0' && copies <= COPIES_MAX; pattern++) {
		const unsigned long more = copies_at(pattern);

		copies = more <= COPIES_MAX ? copies * more : more;
	}
	return copies > COPIES_MAX;
}

/* "*", or a regular expression that matches somewhere. */
static int match_release(
    const struct parser *p, const char *pattern, bool *matches)
{
	regex_t re;

	*matches = strcmp(pattern, "*") == 0;
	if (*matches)
		return 0;
	if (multiplies(pattern))
		return -TN_EINVAL;
	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return 0;
	*matches = regexec(&re, p->what->release, 0, NULL, 0) == 0;
	regfree(&re);
	return 0;
}

static int take_search(struct parser *p)
{
	const char *word;

	while ((word = next_word(p)) != NULL)
		if (!add_search(p, word))
			return -TN_ENOMEM;
	return 0;
}

static int take_override(struct parser *p)
{
	const char *module = next_word(p), *release = next_word(p);
	const char *folder = next_word(p), *path;
	bool matches;
	int err;

	if (folder == NULL)
		return -TN_EINVAL;
	err = match_release(p, release, &matches);
	if (err != 0 || !matches)
		return err;
	path = join_path(p, p->what->folder, folder, module);
	return path != NULL && add_text(p, &p->c->overrides, path) ? 0
								   : -TN_ENOMEM;
}

/* As in kmod one folder a line counts. */
static int take_external(struct parser *p)
{
	const char *release = next_word(p), *folder = next_word(p);
	bool matches;
	int err;

	if (folder == NULL)
		return -TN_EINVAL;
	err = match_release(p, release, &matches);
	if (err != 0 || !matches)
		return err;
	return add_text(p, &p->c->externals, folder) ? 0 : -TN_ENOMEM;
}

static int take_exclude(struct parser *p)
{
	const char *word;

	while ((word = next_word(p)) != NULL)
		if (!add_text(p, &p->c->excludes, word))
			return -TN_ENOMEM;
	return 0;
}

static int take_nothing(struct parser *p)
{
	(void)p;
	return 0;
}

static const struct {
	const char *word;
	int (*take)(struct parser *p); /* -TN_EINVAL: a bad line */
} commands[] = {
	{ "search", take_search },
	{ "override", take_override },
	{ "external", take_external },
	{ "exclude", take_exclude },
	/* of old times, and without effect */
	{ "include", take_nothing },
	{ "make_map_files", take_nothing },
};

/* --- files */

static int take_line(struct parser *p, char *line)
{
	const char *word;
	int err = -TN_EINVAL;

	if (line[0] == '\0' || line[0] == '#')
		return 0;
	word = strtok_r(line, BLANKS, &p->rest);
	if (word == NULL || word[0] == '#')
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(word, commands[i].word) == 0)
			err = commands[i].take(p);
	if (err == -TN_EINVAL) {
		report(p->report, REPORT_ERROR,
		    "%s:%u: ignoring bad line starting with '%s'", p->path,
		    p->lines.number, word);
		err = 0;
	}
	return err;
}

static int read_file(struct parser *p, const char *path)
{
	struct buffer text = { 0 };
	char *line;
	int got = buffer_read(&text, AT_FDCWD, path);

	p->path = path;
	conf_lines_open(
	    &p->lines, (struct span){ (const uint8_t *)text.p, text.n });
	if (got < 0 && got != -TN_ENOMEM) {
		report(p->report, REPORT_ERROR, "file parse %s: %s", path,
		    strerror(-got));
		got = 0;
	}
	while (got == 0 && (got = conf_lines_next(&p->lines, &line)) > 0)
		got = take_line(p, line);
	conf_lines_close(&p->lines);
	buffer_free(&text);
	return got;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

int depmod_config_load(struct depmod_config *c, struct arena *arena,
    const struct depmod_config_for *what, const struct report *r)
{
	struct parser p = { .c = c, .arena = arena, .what = what, .report = r };
	static const char *const ends[] = { ".conf", NULL };
	struct conf_files files = { .arena = arena,
		.report = r,
		.cannot_list = "files list",
		.ends = ends };
	const char *const *paths =
	    what->paths[0] != NULL ? what->paths : usual_paths;
	int err = 0;

	for (; !err && *paths != NULL; paths++)
		err = conf_add(&files, *paths);
	for (const struct conf_file *f = files.first; !err && f != NULL;
	     f = f->next)
		err = read_file(&p, f->path);
	if (!err && c->searches == NULL && !add_search(&p, "updates"))
		err = -TN_ENOMEM;
	return err;
}

/* --- which file counts */

static bool is_below(const char *path, const char *folder)
{
	const size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && path[n] == '/';
}

/* Is @path, up to the first dot of its name, @module? */
static bool is_module(const char *path, const char *module)
{
	const size_t n =
	    (size_t)(base_name(path) - path) + strcspn(base_name(path), ".");

	return strncmp(path, module, n) == 0 && module[n] == '\0';
}

/* Places of two files in the list of searches; -1: none names it. */
struct places {
	int fresh, old, builtin, next;
};

/* As in kmod, where both lie in one folder only the fresh one is there. */
static void look_in(
    struct places *at, const char *folder, const char *fresh, const char *old)
{
	if (is_below(fresh, folder))
		at->fresh = at->next;
	else if (is_below(old, folder))
		at->old = at->next;
}

bool depmod_config_prefers(
    const struct depmod_config *c, const char *fresh, const char *old)
{
	struct places at = { -1, -1, -1, 0 };

	for (const struct config_text *t = c->overrides; t != NULL;
	     t = t->next) {
		if (is_module(fresh, t->text))
			return true;
		if (is_module(old, t->text))
			return false;
	}
	for (const struct config_search *s = c->searches; s != NULL;
	     s = s->next, at.next++) {
		if (s->kind == SEARCH_BUILTIN)
			at.builtin = at.next;
		else if (s->kind == SEARCH_FOLDER)
			look_in(&at, s->path, fresh, old);
		else
			for (const struct config_text *t = c->externals;
			     t != NULL; t = t->next, at.next++)
				look_in(&at, t->text, fresh, old);
	}
	if (at.fresh < 0)
		at.fresh = at.builtin;
	if (at.old < 0)
		at.old = at.builtin;
	return at.fresh > at.old;
}
