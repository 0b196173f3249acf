/* SPDX-License-Identifier: MIT */
/*
 * Reading lines as they come: where there is no libedit.
 */
#include "../edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void edit_open(const char *history, edit_complete_fn *words)
{
	(void)history;
	(void)words;
}

char *edit_line(const char *prompt)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	(void)fputs(prompt, stdout);
	(void)fflush(stdout);
	n = getline(&line, &size, stdin);
	if (n < 0) {
		free(line);
		return NULL;
	}
	line[strcspn(line, "\n")] = '\0';
	return line;
}

void edit_close(void)
{
}
