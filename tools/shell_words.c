/* SPDX-License-Identifier: MIT */
/*
 * Cutting a line of the console into words: see shell.h. What is read moves
 * ahead of what is written, so the words take the place of the line.
 */
#include "shell.h"

#include <string.h>

/* One word from *@from to *@to, which is ended; false: a quote is open. */
static bool take_word(char **from, char **to)
{
	char quote = '\0', *in = *from, *out = *to;

	for (; *in != '\0'; in++) {
		if (quote == '\0' && strchr(" \t\r\n", *in) != NULL)
			break;
		if (*in == quote) {
			quote = '\0';
		} else if (quote == '\0' && (*in == '"' || *in == '\'')) {
			quote = *in;
		} else {
			if (*in == '\\' && quote != '\'' && in[1] != '\0')
				in++;
			*out++ = *in;
		}
	}
	*from = *in != '\0' ? in + 1 : in;
	*out++ = '\0';
	*to = out;
	return quote == '\0';
}

int shell_words(char *line, char *words[WORDS_MAX], const char **why)
{
	char *from = line, *to = line;
	int n = 0;

	for (;;) {
		from += strspn(from, " \t\r\n");
		if (*from == '\0' || *from == '#')
			return n;
		if (n == WORDS_MAX) {
			*why = "too many words";
			return -1;
		}
		words[n++] = to;
		if (!take_word(&from, &to)) {
			*why = "a quote is not closed";
			return -1;
		}
	}
}
