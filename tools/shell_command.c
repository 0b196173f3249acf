/* SPDX-License-Identifier: MIT */
/*
 * The commands of the console: a table, and those that change something.
 */
#include "shell.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kmod/clean.h>

static void PRINTF_LIKE(2, 0) say(struct shell *s, const char *fmt, va_list ap)
{
	(void)fflush(stdout);
	(void)fputs("tenon shell: ", stderr);
	if (s->source != NULL)
		fprintf(stderr, "%s:%u: ", s->source, s->line);
	clean_print_list(stderr, CLEAN_LISTS, fmt, ap);
	(void)fputc('\n', stderr);
}

void shell_say(struct shell *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(s, fmt, ap);
	va_end(ap);
}

/* For words that make no sense: false. */
static bool PRINTF_LIKE(2, 3) misuse(struct shell *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(s, fmt, ap);
	va_end(ap);
	s->status = 2;
	return false;
}

bool shell_ask(struct shell *s, hostc_line_fn *fn, void *arg)
{
	const int err = hostc_run(s->c, fn, arg);

	if (err != 0)
		shell_say(s, "%s", hostc_text(s->c, "text"));
	if (err == -EPIPE)
		s->quit = true; /* the host has left */
	return err == 0;
}

/* A request about one module. */
static bool ask_module(struct shell *s, const char *verb, const char *module)
{
	hostc_begin(s->c, verb);
	hostc_add(s->c, "module", module);
	return shell_ask(s, NULL, NULL);
}

/* --- loading */

static bool open_file(struct shell *s, const char *path, int *fd)
{
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		shell_say(s, "%s: %s", path, strerror(errno));
	return *fd >= 0;
}

/* To be freed; NULL, and that was said. */
static char *join(struct shell *s, char **words, int n, const char *between)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (int i = 0; f != NULL && i < n; i++)
		fprintf(f, "%s%s", i != 0 ? between : "", words[i]);
	if (f != NULL && fclose(f) == 0)
		return text;
	free(text);
	shell_say(s, "no memory");
	return NULL;
}

/* "a=b c" becomes a="b c", as the shell has taken the quotes. */
static bool add_params(struct shell *s, char **words, int n)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (int i = 0; f != NULL && i < n; i++) {
		const bool plain = strpbrk(words[i], " \t") == NULL;

		fprintf(f, "%s%s%s%s", i != 0 ? " " : "", plain ? "" : "\"",
		    words[i], plain ? "" : "\"");
	}
	if (f == NULL || fclose(f) != 0) {
		shell_say(s, "no memory");
		return false;
	}
	if (n != 0)
		hostc_add(s->c, "params", text);
	free(text);
	return true;
}

static bool run_insmod(struct shell *s, char **words, int n)
{
	bool ok;
	int fd;

	if (!open_file(s, words[0], &fd))
		return false;
	hostc_begin(s->c, "insmod");
	hostc_add(s->c, "file", words[0]);
	hostc_add_fd(s->c, fd);
	ok = add_params(s, words + 1, n - 1) && shell_ask(s, NULL, NULL);
	(void)close(fd);
	if (ok)
		printf("loaded %s\n", hostc_text(s->c, "module"));
	return ok;
}

static void show_loaded(void *arg, const struct wire_line *line)
{
	const char *name = wire_get(line, "module");

	(void)arg;
	if (strcmp(line->word, "loaded") == 0 && name != NULL)
		printf("loaded %s\n", name);
}

/* As a word of a list; a name that cannot be one has none. */
static char *base_name(char *path)
{
	char *slash = strrchr(path, '/');
	char *base = slash != NULL ? slash + 1 : path;

	return base + (strchr(base, ',') != NULL ? strlen(base) : 0);
}

/* Files by descriptor, all other words by name. */
static bool run_load(struct shell *s, char **words, int n)
{
	char *names[WORDS_MAX], *files[WORDS_MAX], *list, *called;
	int fds[WORDS_MAX], nfds = 0, nnames = 0;
	bool ok = true;

	hostc_begin(s->c, "load");
	for (int i = 0; i < n && ok; i++) {
		if (strpbrk(words[i], "/.") == NULL) {
			names[nnames++] = words[i];
		} else if (nfds == WIRE_FDS_MAX) {
			shell_say(s, "at most %d files at once", WIRE_FDS_MAX);
			ok = false;
		} else {
			ok = open_file(s, words[i], &fds[nfds]);
			if (!ok)
				break;
			hostc_add_fd(s->c, fds[nfds]);
			files[nfds++] = base_name(words[i]);
		}
	}
	list = join(s, names, nnames, ",");
	called = join(s, files, nfds, ",");
	if (nnames != 0)
		hostc_add(s->c, "names", list);
	if (nfds != 0)
		hostc_add(s->c, "files", called);
	ok = ok && list != NULL && called != NULL &&
	     shell_ask(s, show_loaded, NULL);
	while (nfds != 0)
		(void)close(fds[--nfds]);
	free(called);
	free(list);
	return ok;
}

static bool run_unload(struct shell *s, char **words, int n)
{
	char *list;
	bool ok;

	hostc_begin(s->c, "rmmod");
	while (n > 0 && words[0][0] == '-') {
		if (strcmp(words[0], "-f") == 0) {
			hostc_add(s->c, "force", "1");
		} else if (strcmp(words[0], "-w") == 0 && n > 1) {
			hostc_add(s->c, "wait", words[1]);
			words++;
			n--;
		} else {
			return misuse(s, "unload has no option %s", words[0]);
		}
		words++;
		n--;
	}
	if (n == 0)
		return misuse(s, "unload: which modules?");
	list = join(s, words, n, ",");
	hostc_add(s->c, "names", list);
	ok = list != NULL && shell_ask(s, NULL, NULL);
	for (int i = 0; i < n && ok; i++)
		printf("unloaded %s\n", words[i]);
	free(list);
	return ok;
}

static bool run_start(struct shell *s, char **words, int n)
{
	(void)n;
	return ask_module(s, "start", words[0]);
}

static bool run_stop(struct shell *s, char **words, int n)
{
	(void)n;
	return ask_module(s, "stop", words[0]);
}

/* --- reaching into modules */

static bool run_call(struct shell *s, char **words, int n)
{
	char *args = join(s, words + 1, n - 1, ",");
	bool ok;

	if (args == NULL)
		return false;

	hostc_begin(s->c, "call");
	hostc_add(s->c, "symbol", words[0]);
	if (n > 1)
		hostc_add(s->c, "args", args);
	free(args);
	ok = shell_ask(s, NULL, NULL);
	if (ok)
		printf("%s\n", hostc_text(s->c, "result"));
	return ok;
}

/* Cuts "MODULE.PARAM" at its last dot. */
static bool split_param(struct shell *s, char *word, const char **param)
{
	char *dot = strrchr(word, '.');

	if (dot == NULL || dot == word || dot[1] == '\0')
		return misuse(s, "%s is no MODULE.PARAM", word);
	*dot = '\0';
	*param = dot + 1;
	return true;
}

static bool run_get(struct shell *s, char **words, int n)
{
	const char *param = NULL;

	(void)n;
	if (!split_param(s, words[0], &param))
		return false;
	hostc_begin(s->c, "get");
	hostc_add(s->c, "module", words[0]);
	hostc_add(s->c, "param", param);
	if (!shell_ask(s, NULL, NULL))
		return false;
	clean_print(stdout, "%s\n", hostc_text(s->c, "value"));
	return true;
}

static bool run_set(struct shell *s, char **words, int n)
{
	char *equal = strchr(words[0], '=');
	const char *param = NULL;

	(void)n;
	if (equal != NULL)
		*equal = '\0';
	if (!split_param(s, words[0], &param))
		return false;
	hostc_begin(s->c, "set");
	hostc_add(s->c, "module", words[0]);
	hostc_add(s->c, "param", param);
	if (equal != NULL)
		hostc_add(s->c, "value", equal + 1);
	return shell_ask(s, NULL, NULL);
}

/* --- the console itself */

static bool run_events(struct shell *s, char **words, int n)
{
	(void)n;
	if (strcmp(words[0], "on") != 0 && strcmp(words[0], "off") != 0)
		return misuse(s, "events on, or events off");
	hostc_begin(s->c, words[0][1] == 'n' ? "subscribe" : "unsubscribe");
	return shell_ask(s, NULL, NULL);
}

static bool run_quit(struct shell *s, char **words, int n)
{
	char *end = NULL;
	const long status = n > 0 ? strtol(words[0], &end, 10) : s->status;

	if (n > 0 &&
	    (end == words[0] || *end != '\0' || status < 0 || status > 255))
		return misuse(s, "quit: %s is not 0 to 255", words[0]);
	s->status = (int)status;
	s->quit = true;
	return true;
}

static bool run_help(struct shell *s, char **words, int n);

static const struct shell_command commands[] = {
	// clang-format off
	{ "call", "SYMBOL [INTEGER..]", "call a function of a module", 1, 5, SHELL_NOTHING, run_call },
	{ "events", "on|off", "tell what happens to modules", 1, 1, SHELL_NOTHING, run_events },
	{ "get", "MODULE.PARAM", "a parameter's value", 1, 1, SHELL_MODULES, run_get },
	{ "help", "[COMMAND]", "this, or about one command", 0, 1, SHELL_COMMANDS, run_help },
	{ "holders", "MODULE", "who uses it", 1, 1, SHELL_MODULES, show_holders },
	{ "info", "MODULE", "all about a module", 1, 1, SHELL_MODULES, show_info },
	{ "insmod", "FILE [PARAM=VALUE..]", "load one file", 1, WORDS_MAX, SHELL_FILES, run_insmod },
	{ "ledger", "MODULE", "what it holds", 1, 1, SHELL_MODULES, show_ledger },
	{ "list", "", "what is loaded, and who uses it", 0, 0, SHELL_NOTHING, show_list },
	{ "load", "NAME|FILE..", "load a set with what it needs", 1, WORDS_MAX, SHELL_FILES, run_load },
	{ "params", "MODULE", "its parameters", 1, 1, SHELL_MODULES, show_params },
	{ "quit", "[STATUS]", "leave", 0, 1, SHELL_NOTHING, run_quit },
	{ "requests", "", "what clients wait for", 0, 0, SHELL_NOTHING, show_requests },
	{ "set", "MODULE.PARAM=VALUE", "set a parameter", 1, 1, SHELL_MODULES, run_set },
	{ "start", "MODULE", "start a stopped module", 1, 1, SHELL_MODULES, run_start },
	{ "status", "", "about the host", 0, 0, SHELL_NOTHING, show_status },
	{ "stop", "MODULE", "stop a module", 1, 1, SHELL_MODULES, run_stop },
	{ "symbol", "SYMBOL", "where an export is", 1, 1, SHELL_NOTHING, show_symbol },
	{ "symbols", "MODULE", "its exports", 1, 1, SHELL_MODULES, show_symbols },
	{ "unload", "[-f] [-w MS] MODULE..", "unload modules, all or none", 1, WORDS_MAX,
	    SHELL_MODULES, run_unload },
	{ "where", "ADDRESS", "which code is there", 1, 1, SHELL_NOTHING, show_where },
	// clang-format on
};

/* Other words for a command. */
static const char *const aliases[][2] = {
	{ "?", "help" },
	{ "exit", "quit" },
	{ "lsmod", "list" },
	{ "rmmod", "unload" },
};

const struct shell_command *shell_command_at(size_t i)
{
	return i < ARRAY_SIZE(commands) ? &commands[i] : NULL;
}

static const struct shell_command *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (strcmp(aliases[i][0], name) == 0)
			name = aliases[i][1];
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static bool run_help(struct shell *s, char **words, int n)
{
	const struct shell_command *c = n > 0 ? find(words[0]) : NULL;

	if (n > 0 && c == NULL)
		return misuse(s, "there is no command '%s'", words[0]);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (c == NULL || c == &commands[i])
			printf("  %-8s %-22s %s\n", commands[i].name,
			    commands[i].usage, commands[i].help);
	return true;
}

bool shell_do(struct shell *s, char *line)
{
	const struct shell_command *c;
	char *words[WORDS_MAX];
	const char *why;
	const int n = shell_words(line, words, &why);

	if (n == 0)
		return true;
	c = n > 0 ? find(words[0]) : NULL;
	if (n < 0)
		return misuse(s, "%s", why);
	if (c == NULL)
		return misuse(
		    s, "there is no command '%s'; `help` lists them", words[0]);
	if (n - 1 < c->min || n - 1 > c->max)
		return misuse(s, "usage: %s %s", c->name, c->usage);
	if (c->run(s, words + 1, n - 1))
		return true;
	if (s->status == 0)
		s->status = 1;
	return false;
}
