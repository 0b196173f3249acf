/* SPDX-License-Identifier: MIT */
/*
 * What the parts of `tenon shell` share.
 *
 *	shell.c           options, the host that it talks to, the loop
 *	shell_words.c     cutting a line into words
 *	shell_command.c   the commands: a table
 *	shell_show.c      those that show something
 *	edit.h            reading lines with editing, history and completion
 *
 * Every command is a request of the protocol (docs/host.md), also when the
 * modules are in this very process: then the other end of the socket is a
 * thread of it. One thread reads and asks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <base/compiler.h>
#include <hostd/client.h>

#define WORDS_MAX 64

struct shell {
	struct hostc *c;
	const char *source; /* for messages: a file, or NULL */
	unsigned line;      /* of it */
	bool quit;
	int status; /* what it ends with: 0, 1 a command failed, 2 no command */
};

/* How the rest of a command's words are completed. */
enum shell_words_of {
	SHELL_NOTHING,
	SHELL_FILES,
	SHELL_MODULES,
	SHELL_COMMANDS,
};

struct shell_command {
	const char *name;
	const char *usage; /* of its words */
	const char *help;
	int min, max; /* words behind the name */
	enum shell_words_of words;
	bool (*run)(struct shell *s, char **words, int n);
};

/* --- shell_words.c */

/*
 * Cuts @line in place into at most WORDS_MAX words; blanks part them, quotes of
 * both kinds and a backslash keep them together, '#' begins a comment. Returns
 * how many, or -1 with *@why.
 */
int shell_words(char *line, char *words[WORDS_MAX], const char **why);

/* --- shell_command.c */

/* The i-th command, or NULL beyond the last. */
const struct shell_command *shell_command_at(size_t i);
/* Does one line; false: it failed, and that was said. */
bool shell_do(struct shell *s, char *line);
/* Says what went wrong, with the place in the script. */
void shell_say(struct shell *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
/*
 * Ends the request that was begun, and says what the host refused. @fn gets
 * the lines before the last one.
 */
bool shell_ask(struct shell *s, hostc_line_fn *fn, void *arg);

/* --- shell_show.c */

bool show_list(struct shell *s, char **words, int n);
bool show_requests(struct shell *s, char **words, int n);
bool show_info(struct shell *s, char **words, int n);
bool show_holders(struct shell *s, char **words, int n);
bool show_ledger(struct shell *s, char **words, int n);
bool show_symbols(struct shell *s, char **words, int n);
bool show_symbol(struct shell *s, char **words, int n);
bool show_where(struct shell *s, char **words, int n);
bool show_params(struct shell *s, char **words, int n);
bool show_status(struct shell *s, char **words, int n);
