/* SPDX-License-Identifier: MIT */
/* See conf.h. */
#include "conf.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <tenon/err.h>

/* --- which files */

int conf_add_file(struct conf_files *files, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	struct conf_file **place = &files->first, *f;
	int order = 1;

	while (*place != NULL && (order = strcmp((*place)->name, name)) < 0)
		place = &(*place)->next;
	if (*place != NULL && order == 0) {
		report(files->report, REPORT_DEBUG, "%s is hidden by %s", path,
		    (*place)->path);
		return 0;
	}
	f = arena_alloc(files->arena, sizeof(*f));
	if (f == NULL)
		return -TN_ENOMEM;
	*f = (struct conf_file){ *place, path, name };
	*place = f;
	return 0;
}

static bool counts(const struct conf_files *files, const char *name)
{
	const char *dot = strrchr(name, '.');

	if (name[0] == '.' || dot == NULL)
		return false;
	for (const char *const *end = files->ends; *end != NULL; end++)
		if (strcmp(dot, *end) == 0)
			return true;
	return false;
}

static int add_of_folder(
    struct conf_files *files, const char *prefix, const char *name)
{
	char *path = arena_join(files->arena, prefix, name);
	struct stat st;

	if (path == NULL)
		return -TN_ENOMEM;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		report(files->report, REPORT_ERROR,
		    "Directories inside directories are not supported: %s",
		    path);
		return 0;
	}
	return conf_add_file(files, path);
}

static int add_folder(struct conf_files *files, const char *folder)
{
	const char *prefix = arena_join(files->arena, folder, "/");
	DIR *dir = prefix != NULL ? opendir(folder) : NULL;
	const struct dirent *entry;
	int err = 0;

	if (prefix == NULL)
		return -TN_ENOMEM;
	if (dir == NULL) {
		err = errno == ENOMEM ? -TN_ENOMEM : 0;
		report(files->report, REPORT_ERROR, "%s %s: %m",
		    files->cannot_list, folder);
		return err;
	}
	while (err == 0 && (entry = readdir(dir)) != NULL)
		if (counts(files, entry->d_name))
			err = add_of_folder(files, prefix, entry->d_name);
	(void)closedir(dir);
	return err;
}

int conf_add(struct conf_files *files, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return 0;
	return S_ISDIR(st.st_mode) ? add_folder(files, path)
				   : conf_add_file(files, path);
}

/* --- lines */

void conf_lines_open(struct conf_lines *lines, struct span text)
{
	*lines = (struct conf_lines){ .p = (const char *)text.p };
	lines->end = lines->p + text.n;
}

void conf_lines_close(struct conf_lines *lines)
{
	buffer_free(&lines->line);
}

/* Skips a backslash; false: what it stood before is a newline, now gone. */
static bool take_escape(struct conf_lines *lines)
{
	if (*lines->p != '\\' || lines->p + 1 == lines->end)
		return true;
	lines->p++;
	if (*lines->p != '\n')
		return true;
	lines->p++;
	lines->number++;
	return false;
}

int conf_lines_next(struct conf_lines *lines, char **out)
{
	char *to;

	if (lines->p == lines->end)
		return 0;
	lines->number++;
	lines->line.n = 0;
	to = *out =
	    buffer_room(&lines->line, (size_t)(lines->end - lines->p) + 1);
	if (to == NULL)
		return -TN_ENOMEM;
	while (lines->p < lines->end && *lines->p != '\n')
		if (take_escape(lines))
			*to++ = *lines->p++;
	if (lines->p < lines->end)
		lines->p++;
	*to = '\0';
	return 1;
}
