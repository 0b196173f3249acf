/* SPDX-License-Identifier: MIT */
/* See modprobe_args.h. */
#include "modprobe_args.h"

#include <string.h>

/* Takes a word from *@rest into @out, which has room; false: none is left. */
static bool take_word(const char **rest, char *out)
{
	const char *p = *rest + strspn(*rest, " ");

	if (*p == '\0')
		return false;
	while (*p != '\0' && *p != ' ') {
		const char *end =
		    *p == '"' || *p == '\'' ? strchr(p + 1, *p) : NULL;

		if (end == NULL) {
			*out++ = *p++;
			continue;
		}
		p++;
		memcpy(out, p, (size_t)(end - p));
		out += end - p;
		p = end + 1;
	}
	*out = '\0';
	*rest = p;
	return true;
}

bool args_prepend(struct args *args, struct arena *a, const char *text)
{
	const size_t length = text != NULL ? strlen(text) : 0;
	/* no word is shorter than a character and the blank behind it */
	const size_t room = (size_t)args->n + length / 2 + 2;
	char **words, *copy;
	int n = 1;

	if (length == 0)
		return true;
	words = arena_alloc(a, room * sizeof(*words));
	copy = arena_alloc(a, length + 1);
	if (words == NULL || copy == NULL)
		return false;
	words[0] = args->words[0];
	while (take_word(&text, copy)) {
		words[n++] = copy;
		copy += strlen(copy) + 1;
	}
	for (int i = 1; i < args->n; i++)
		words[n++] = args->words[i];
	words[n] = NULL;
	args->n = n;
	args->words = words;
	return true;
}

/* Does the value at @value want quotes, and does not begin with one? */
static bool wants_quotes(const char *value)
{
	return strchr(value, ' ') != NULL && *value != '"' && *value != '\'';
}

/* Copies @word, with quotes around its value where they are needed. */
static char *put_parameter(char *out, const char *word)
{
	const char *equals = strchr(word, '=');
	const bool quotes = equals != NULL && wants_quotes(equals + 1);

	for (; *word != '\0'; word++) {
		*out++ = *word;
		if (quotes && word == equals)
			*out++ = '"';
	}
	if (quotes)
		*out++ = '"';
	return out;
}

char *args_parameters(struct arena *a, char *const *words, int n)
{
	size_t room = 1;
	char *text, *p;

	for (int i = 0; i < n; i++)
		room += strlen(words[i]) + 3;
	text = arena_alloc(a, room);
	if (text == NULL)
		return NULL;
	p = text;
	for (int i = 0; i < n; i++) {
		if (i != 0)
			*p++ = ' ';
		p = put_parameter(p, words[i]);
	}
	return text;
}

char *args_replace(
    struct arena *a, const char *text, const char *from, const char *to)
{
	const size_t n = strlen(from);
	const char *at = strstr(text, from);
	char *joined = arena_text(
	    a, text, at != NULL ? (size_t)(at - text) : strlen(text));

	while (at != NULL && joined != NULL) {
		const char *rest = at + n;
		char *middle;

		at = strstr(rest, from);
		middle = arena_text(
		    a, rest, at != NULL ? (size_t)(at - rest) : strlen(rest));
		joined = arena_join(a, joined, to);
		if (joined != NULL && middle != NULL)
			joined = arena_join(a, joined, middle);
	}
	return joined;
}
