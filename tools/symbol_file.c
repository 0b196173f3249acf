/* SPDX-License-Identifier: MIT */
/*
 * System.map lines: "ffffffff81000000 T name", one a line. Local names may
 * occur more than once; of equal names a global one counts, else the first.
 */
#include "file_read.h"
#include "offline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kmod/clean.h>

/* A symbol's type letter is kept in .flags while sorting: lower is better. */
static int by_name(const void *a, const void *b)
{
	const struct tn_export *x = a, *y = b;
	const int c = strcmp(x->name, y->name);

	if (c != 0)
		return c;
	if (x->flags != y->flags)
		return x->flags < y->flags ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

/* Cuts one line into its three words. False when it is none of ours. */
static bool parse_line(char *line, struct tn_export *out)
{
	const size_t digits = strspn(line, "0123456789abcdefABCDEF");
	const char *end = line + digits;

	if (digits == 0 || digits > 16 || *end != ' ' || end[1] == '\0' ||
	    end[2] != ' ')
		return false;
	char *name = line + digits + 3;

	name[strcspn(name, " \t\r")] = '\0';
	*out = (struct tn_export){
		.name = name,
		.addr = (const void *)(uintptr_t)strtoull(line, NULL, 16),
		.flags = end[1] >= 'a',
	};
	return *name != '\0';
}

static bool parse_text(const char *path, struct symbol_file *f)
{
	size_t cap = 0;
	unsigned number = 0;

	for (char *line = f->text, *next; *line != '\0'; line = next) {
		char *end = strchr(line, '\n');

		next = end != NULL ? end + 1 : line + strlen(line);
		if (end != NULL)
			*end = '\0';
		number++;
		if (*line == '\0')
			continue;
		if (f->n == cap) {
			cap = cap * 2 + 1024;
			struct tn_export *more =
			    realloc(f->exports, cap * sizeof(*more));

			if (more == NULL)
				return false;
			f->exports = more;
		}
		if (!parse_line(line, &f->exports[f->n])) {
			clean_print(stderr,
			    "tenon link: %s:%u: not a System.map line\n", path,
			    number);
			return false;
		}
		f->n++;
	}
	return true;
}

static void drop_doubles(struct symbol_file *f)
{
	size_t kept = 0;

	if (f->n != 0)
		qsort(f->exports, f->n, sizeof(*f->exports), by_name);
	for (size_t i = 0; i < f->n; i++) {
		if (kept != 0 &&
		    strcmp(f->exports[kept - 1].name, f->exports[i].name) == 0)
			continue;
		f->exports[kept] = f->exports[i];
		f->exports[kept++].flags = 0;
	}
	f->n = kept;
}

bool symbol_file_read(const char *path, struct symbol_file *f)
{
	*f = (struct symbol_file){ 0 };
	f->text = file_read(path, NULL);
	if (f->text == NULL) {
		clean_print(
		    stderr, "tenon link: %s: %s\n", path, strerror(errno));
		return false;
	}
	if (!parse_text(path, f)) {
		symbol_file_free(f);
		return false;
	}
	drop_doubles(f);
	return true;
}

void symbol_file_free(struct symbol_file *f)
{
	free(f->exports);
	free(f->text);
	*f = (struct symbol_file){ 0 };
}
