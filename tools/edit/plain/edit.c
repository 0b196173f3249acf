/* SPDX-License-Identifier: MIT */
/*
 * Reading lines as they come: where there is no libedit.
 */
#include "../edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static edit_wait_fn *wait_for_input;

void edit_open(const char *history, edit_complete_fn *words, edit_wait_fn *wait)
{
	(void)history;
	(void)words;
	wait_for_input = wait;
}

/* @n: 1, or at the end another value. */
static enum edit_news next_byte(char *c, ssize_t *n)
{
	enum edit_news news;

	*n = 0;
	do
		news = wait_for_input();
	while (news == EDIT_SIGNAL);
	if (news == EDIT_INPUT)
		*n = read(STDIN_FILENO, c, 1);
	return news;
}

char *edit_line(const char *prompt)
{
	enum edit_news news = EDIT_STOP;
	char *line = NULL, c = 0;
	size_t size = 0;
	ssize_t n = 0;
	FILE *to = open_memstream(&line, &size);

	(void)fputs(prompt, stdout);
	(void)fflush(stdout);
	while (to != NULL && (news = next_byte(&c, &n)) == EDIT_INPUT &&
	       n == 1 && c != '\n')
		(void)fputc(c, to);
	if (to != NULL && fclose(to) == 0 && news == EDIT_INPUT &&
	    (n == 1 || size != 0))
		return line;
	free(line);
	return NULL;
}

void edit_close(void)
{
}
