/* SPDX-License-Identifier: MIT */
/*
 * Reading lines with libedit, by the interface that it shares with readline.
 * That keeps its state in variables of its own, so there is one such reader in
 * a process, and ours is static too.
 *
 * Of libedit's own handlers of signals there are none: they send what they get
 * to the whole process group, and a signal that comes before the reading waits
 * is lost to them. What concerns the terminal is noted by ours, which run while
 * we wait for input, and done then.
 */
#include "../edit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <editline/readline.h>

#define HISTORY_LINES 1000

static const char *history_file;
static edit_complete_fn *complete;
static char *line_before;
static bool wants_files;
static edit_wait_fn *wait_for_input;

/* --- the terminal */

/* Those that change or leave it: their number, and whether they have come. */
static struct {
	const int number;
	volatile sig_atomic_t come;
	struct sigaction before;
} signals[] = {
	{ .number = SIGWINCH },
	{ .number = SIGCONT },
	{ .number = SIGTSTP },
	{ .number = SIGQUIT },
};

#define NSIGNALS (sizeof(signals) / sizeof(*signals))

static void note(int number)
{
	for (size_t i = 0; i < NSIGNALS; i++)
		if (signals[i].number == number)
			signals[i].come = 1;
}

/* What is ignored stays so. */
static void catch_signals(void)
{
	const struct sigaction act = { .sa_handler = note,
		.sa_flags = SA_RESTART };

	for (size_t i = 0; i < NSIGNALS; i++) {
		(void)sigaction(signals[i].number, NULL, &signals[i].before);
		if (signals[i].before.sa_handler != SIG_IGN)
			(void)sigaction(signals[i].number, &act, NULL);
	}
}

static void release_signals(void)
{
	for (size_t i = 0; i < NSIGNALS; i++)
		(void)sigaction(signals[i].number, &signals[i].before, NULL);
}

/* As the system does, but with the terminal as it was found. */
static void stop_or_end(int number)
{
	sigset_t set, mask;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, number);
	release_signals();
	(void)pthread_sigmask(SIG_UNBLOCK, &set, &mask);
	(void)raise(number);
	(void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
	release_signals(); /* with it the SIGCONT that waits is dropped */
	catch_signals();
}

/* Others may have used the terminal since; its line is shown again. */
static void take_terminal(void)
{
	rl_deprep_terminal();
	rl_prep_terminal(1);
	rl_forced_update_display();
}

static void heed_signals(void)
{
	for (size_t i = 0; i < NSIGNALS; i++) {
		if (!signals[i].come)
			continue;
		signals[i].come = 0;
		switch (signals[i].number) {
		case SIGWINCH: rl_resize_terminal(); break;
		case SIGCONT: take_terminal(); break;
		default:
			rl_deprep_terminal();
			stop_or_end(signals[i].number);
			take_terminal();
			break;
		}
	}
}

/* The next key of ASCII; -1: there is none. */
static int next_key(FILE *from)
{
	unsigned char c;
	ssize_t n;

	(void)from;
	do {
		enum edit_news news;

		while ((news = wait_for_input()) == EDIT_SIGNAL)
			heed_signals();
		if (news == EDIT_STOP)
			return -1;
		n = read(STDIN_FILENO, &c, 1);
	} while (n == 1 ? c >= 0x80 : n < 0 && errno == EINTR);
	return n == 1 ? c : -1;
}

/* --- completion */

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

/* --- lines */

void edit_open(const char *history, edit_complete_fn *words, edit_wait_fn *wait)
{
	static char name[] = "tenon";

	complete = words;
	wait_for_input = wait;
	rl_getc_function = next_key;
	rl_catch_signals = 0;
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
	catch_signals();
	line = readline(prompt);
	release_signals();
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
