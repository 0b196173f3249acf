/* SPDX-License-Identifier: MIT */
/*
 * Which files make the configuration: those of the folders, by name; where two
 * folders have files of one name the stronger folder's counts. modules.softdep
 * of the tree takes part under its name, and is the strongest.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <tenon/err.h>

#define CMDLINE "/proc/cmdline"

const char *const config_default_paths[] = { "/etc/modprobe.d",
	"/run/modprobe.d", "/usr/local/lib/modprobe.d", "/lib/modprobe.d",
	NULL };

/* A list by base name. */
struct conf_file {
	struct conf_file *next;
	const char *path;
	const char *name; /* within path */
};

/* What is being gathered. */
struct gather {
	struct config *c;
	const struct report *report;
	struct conf_file *files;
};

/* @path is the arena's. */
static int add_file(struct gather *g, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	struct conf_file **place = &g->files, *f;
	int order = 1;

	while (*place != NULL && (order = strcmp((*place)->name, name)) < 0)
		place = &(*place)->next;
	if (*place != NULL && order == 0) {
		report(g->report, REPORT_DEBUG, "%s is hidden by %s", path,
		    (*place)->path);
		return 0;
	}
	f = arena_alloc(g->c->arena, sizeof(*f));
	if (f == NULL)
		return -TN_ENOMEM;
	*f = (struct conf_file){ *place, path, name };
	*place = f;
	return 0;
}

static bool is_conf(const char *name)
{
	const size_t n = strlen(name);

	return name[0] != '.' && n > 5 && strcmp(name + n - 5, ".conf") == 0;
}

static int add_of_folder(struct gather *g, const char *prefix, const char *name)
{
	char *path = arena_join(g->c->arena, prefix, name);
	struct stat st;

	if (path == NULL)
		return -TN_ENOMEM;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		report(g->report, REPORT_ERROR,
		    "Directories inside directories are not supported: %s",
		    path);
		return 0;
	}
	return add_file(g, path);
}

static int add_folder(struct gather *g, const char *folder)
{
	const char *prefix = arena_join(g->c->arena, folder, "/");
	DIR *d = opendir(folder);
	const struct dirent *entry;
	int err = 0;

	if (d == NULL) {
		report(g->report, REPORT_ERROR, "could not read %s: %s", folder,
		    strerror(errno));
		return 0;
	}
	if (prefix == NULL)
		err = -TN_ENOMEM;
	while (err == 0 && (entry = readdir(d)) != NULL)
		if (is_conf(entry->d_name))
			err = add_of_folder(g, prefix, entry->d_name);
	(void)closedir(d);
	return err;
}

/* A folder, or one file whatever it is called; neither is no error. */
static int add_path(struct gather *g, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return 0;
	return S_ISDIR(st.st_mode) ? add_folder(g, path) : add_file(g, path);
}

static int read_files(struct gather *g, const char *optional)
{
	for (const struct conf_file *f = g->files; f != NULL; f = f->next) {
		const int err = config_read_file(g->c, f->path, g->report);

		if (err == -TN_ENOMEM)
			return err;
		if (err != 0 && !(err == -TN_ENOENT && f->path == optional))
			report(g->report, REPORT_ERROR, "could not read %s: %s",
			    f->path, strerror(-err));
	}
	return 0;
}

static int read_cmdline(struct gather *g)
{
	char *text, *whole;
	size_t n;
	int err = config_read_text(CMDLINE, &text, &n);

	if (err == -TN_ENOMEM)
		return err;
	if (err) {
		report(g->report, REPORT_DEBUG,
		    "could not read " CMDLINE ": %s", strerror(-err));
		return 0;
	}
	whole = arena_text(g->c->arena, text, n);
	free(text);
	return whole == NULL ? -TN_ENOMEM
			     : config_parse_cmdline(g->c, whole, g->report);
}

int config_load(struct config *c, const char *const *paths,
    const char *softdeps, const struct report *r)
{
	struct gather g = { c, r, NULL };
	int err = softdeps == NULL ? 0 : add_file(&g, softdeps);

	for (; err == 0 && *paths != NULL; paths++)
		err = add_path(&g, *paths);
	if (err == 0)
		err = read_files(&g, softdeps);
	return err ? err : read_cmdline(&g);
}
