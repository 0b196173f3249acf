/* SPDX-License-Identifier: MIT */
/*
 * Which files make the configuration: those of the folders, by name; where two
 * folders have files of one name the stronger folder's counts. modules.softdep
 * of the tree takes part under its name, and is the strongest.
 */
#include "config.h"

#include <fcntl.h>
#include <string.h>

#include <tenon/err.h>

#include "conf.h"

#define CMDLINE "/proc/cmdline"

const char *const config_default_paths[] = { "/etc/modprobe.d",
	"/run/modprobe.d", "/usr/local/lib/modprobe.d", "/lib/modprobe.d",
	NULL };

static int read_file(struct config *c, const char *path, const struct report *r)
{
	struct buffer text = { 0 };
	int err = buffer_read(&text, AT_FDCWD, path);

	if (!err)
		err = config_parse(c, path,
		    (struct span){ (const uint8_t *)text.p, text.n }, r);
	buffer_free(&text);
	return err;
}

static int read_files(
    struct config *c, const struct conf_files *files, const char *optional)
{
	for (const struct conf_file *f = files->first; f != NULL; f = f->next) {
		const int err = read_file(c, f->path, files->report);

		if (err == -TN_ENOMEM)
			return err;
		if (err != 0 && !(err == -TN_ENOENT && f->path == optional))
			report(files->report, REPORT_ERROR,
			    "could not read %s: %s", f->path, strerror(-err));
	}
	return 0;
}

static int read_cmdline(struct config *c, const struct report *r)
{
	struct buffer text = { 0 };
	int err = buffer_read(&text, AT_FDCWD, CMDLINE);
	char *whole;

	if (err && err != -TN_ENOMEM) {
		report(r, REPORT_DEBUG, "could not read " CMDLINE ": %s",
		    strerror(-err));
		err = 0;
	} else if (!err) {
		whole = arena_text(c->arena, text.p, text.n);
		err = whole == NULL ? -TN_ENOMEM
				    : config_parse_cmdline(c, whole, r);
	}
	buffer_free(&text);
	return err;
}

int config_load(struct config *c, const char *const *paths,
    const char *softdeps, const struct report *r)
{
	static const char *const ends[] = { ".conf", ".alias", NULL };
	struct conf_files files = { .arena = c->arena,
		.report = r,
		.cannot_list = "could not read",
		.ends = ends };
	int err = softdeps == NULL ? 0 : conf_add_file(&files, softdeps);

	for (; err == 0 && *paths != NULL; paths++)
		err = conf_add(&files, *paths);
	if (err == 0)
		err = read_files(c, &files, softdeps);
	return err ? err : read_cmdline(c, r);
}
