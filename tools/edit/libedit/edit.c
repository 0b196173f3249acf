/* SPDX-License-Identifier: MIT */
/*
 * Reading lines with libedit, by the interface that it shares with readline.
 * That keeps its state in variables of its own, so there is one such reader in
 * a process, and ours is static too.
 */
#include "../edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <editline/readline.h>

#define HISTORY_LINES 1000

static const char *history_file;
static edit_complete_fn *complete;
static char *line_before;
static bool wants_files;

static char *generate(const char *text, int state)
{
	return complete(line_before, text, state == 0, &wants_files);
}

static char **attempt(const char *text, int start, int end)
{
	char **found;

	(void)end;
	free(line_before);
	line_before = strndup(rl_line_buffer, (size_t)start);
	if (line_before == NULL)
		return NULL;
	wants_files = false;
	found = rl_completion_matches(text, generate);
	/* Without matches libedit would offer files. */
	rl_attempted_completion_over = !wants_files;
	return found;
}

void edit_open(const char *history, edit_complete_fn *words)
{
	static char name[] = "tenon";

	complete = words;
	history_file = history;
	rl_readline_name = name;
	rl_attempted_completion_function = attempt;
	using_history();
	stifle_history(HISTORY_LINES);
	/* What a Ctrl-D that was typed before the prompt has become by then. */
	(void)rl_parse_and_bind("bind ^@ em-delete-or-list");
	/* There may be none yet. */
	if (history != NULL)
		(void)read_history(history);
}

char *edit_line(const char *prompt)
{
	char *line;

	/* libedit would do so only when the prompt can be answered already. */
	rl_prep_terminal(1);
	line = readline(prompt);
	if (line != NULL && line[strspn(line, " \t")] != '\0')
		(void)add_history(line);
	return line;
}

void edit_close(void)
{
	/* A history that cannot be kept is not worth a complaint. */
	if (history_file != NULL)
		(void)write_history(history_file);
	clear_history();
	free(line_before);
	line_before = NULL;
}
