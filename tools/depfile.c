/* SPDX-License-Identifier: MIT */
/*
 * modules.dep: see depfile.h. Lines are cut in place and sorted by the names
 * of their modules.
 */
#include "depfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file_read.h"

static int by_name(const void *a, const void *b)
{
	const struct depfile_entry *x = a, *y = b;
	const int c = strcmp(x->name, y->name);

	return c != 0 ? c : (x->line > y->line) - (x->line < y->line);
}

/* Lines that are none of depmod's are passed over, as kmod does. */
static bool parse_line(char *line, struct depfile_entry *out)
{
	char *colon = strchr(line, ':');

	if (colon == NULL)
		return false;
	*colon = '\0';
	out->path = line;
	out->needs = colon + 1;
	return tn_module_name(line, out->name);
}

static bool parse(struct depfile *df)
{
	size_t cap = 0, number = 0;

	for (char *line = df->text, *next; *line != '\0'; line = next) {
		const size_t length = strcspn(line, "\n");

		next = line + length + (line[length] != '\0');
		line[length] = '\0';
		if (df->n == cap) {
			cap = cap * 2 + 64;
			struct depfile_entry *more =
			    realloc(df->entries, cap * sizeof(*more));

			if (more == NULL)
				return false;
			df->entries = more;
		}
		df->entries[df->n].line = number++;
		df->n += parse_line(line, &df->entries[df->n]);
	}
	if (df->n != 0)
		qsort(df->entries, df->n, sizeof(*df->entries), by_name);
	return true;
}

bool depfile_take(struct depfile *df, const char *folder, char *text)
{
	*df = (struct depfile){ .folder = strdup(folder) };
	df->text = text;
	if (df->folder != NULL && (text == NULL || parse(df)))
		return true;
	depfile_free(df);
	return false;
}

bool depfile_read(struct depfile *df, const char *folder)
{
	struct stat st = { 0 };
	char *path, *text;

	if (asprintf(&path, "%smodules.dep", folder) < 0)
		return false;
	text = file_read_regular(path, &st);
	free(path);
	if (!depfile_take(df, folder, text))
		return false;
	df->owner = st.st_uid;
	df->is_open = (st.st_mode & S_IWOTH) != 0;
	return true;
}

void depfile_free(struct depfile *df)
{
	free(df->folder);
	free(df->text);
	free(df->entries);
	*df = (struct depfile){ 0 };
}

const struct depfile_entry *depfile_find(
    const struct depfile *df, const char *name)
{
	size_t low = 0, high = df->n;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (strcmp(df->entries[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < df->n && strcmp(df->entries[low].name, name) == 0
		   ? &df->entries[low]
		   : NULL;
}

char *depfile_path(const struct depfile *df, const char *path)
{
	char *whole;

	if (asprintf(&whole, "%s%s", *path == '/' ? "" : df->folder, path) < 0)
		return NULL;
	return whole;
}
