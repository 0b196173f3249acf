/* SPDX-License-Identifier: MIT */
/* The applet: options, and from arguments to modules. See modinfo.h. */
#include "modinfo.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <kmod/applets.h>
#include <tenon/err.h>

#include "modname.h"
#include "version.h"

static const char usage[] =
    "usage: modinfo [OPTION].. MODULE|FILE..\n"
    "\n"
    "  -a, --author           print only 'author'\n"
    "  -d, --description      print only 'description'\n"
    "  -l, --license          print only 'license'\n"
    "  -p, --parameters       print only 'parm'\n"
    "  -n, --filename         print only 'filename'\n"
    "  -F, --field=FIELD      print only FIELD\n"
    "  -0, --null             end values with NUL instead of newline\n"
    "      --json             one line of JSON for each module\n"
    "  -m, --modname          arguments are names of modules, no aliases\n"
    "  -k, --set-version=VERSION   instead of that of the running kernel\n"
    "  -b, --basedir=DIR      DIR/lib/modules instead of /lib/modules\n"
    "  -V, --version\n"
    "  -h, --help\n";

enum {
	OPT_JSON = 256
};

static const char letters[] = "adlpVhn0mF:k:b:";
static const struct option longs[] = {
	{ "author", no_argument, NULL, 'a' },
	{ "description", no_argument, NULL, 'd' },
	{ "license", no_argument, NULL, 'l' },
	{ "parameters", no_argument, NULL, 'p' },
	{ "filename", no_argument, NULL, 'n' },
	{ "null", no_argument, NULL, '0' },
	{ "modname", no_argument, NULL, 'm' },
	{ "field", required_argument, NULL, 'F' },
	{ "set-version", required_argument, NULL, 'k' },
	{ "basedir", required_argument, NULL, 'b' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ NULL, 0, NULL, 0 },
};

/* What the command ends with when the options alone decide. */
enum {
	GO_ON = -1
};

/* Of -b and -k. */
struct place {
	const char *root, *version;
};

static int take_option(struct modinfo *mi, struct place *place, int c)
{
	switch (c) {
	case 'a': mi->field = "author"; break;
	case 'd': mi->field = "description"; break;
	case 'l': mi->field = "license"; break;
	case 'p': mi->field = "parm"; break;
	case 'n': mi->field = "filename"; break;
	case 'F': mi->field = optarg; break;
	case '0': mi->end = '\0'; break;
	case 'm': mi->names_only = true; break;
	case OPT_JSON: mi->json = true; break;
	case 'k': place->version = optarg; break;
	case 'b': place->root = optarg; break;
	case 'h': fputs(usage, stdout); return EXIT_SUCCESS;
	case 'V': fputs(KMOD_VERSION, stdout); return EXIT_SUCCESS;
	default: return EXIT_FAILURE; /* getopt has told */
	}
	return GO_ON;
}

/* One module; a failure is reported. */
static int show(struct modinfo *mi, struct module *m)
{
	char why[MODREAD_WHY_TEXT];
	int err = module_look_up(&mi->catalog, m);

	if (err)
		return err;
	modinfo_print_head(mi, m);
	if (mi->field != NULL && strcmp(mi->field, "filename") == 0)
		return 0;
	err = m->path != NULL ? modinfo_read_file(mi, m->path)
			      : modinfo_read_builtin(mi, m->name);
	if (err == 0) {
		err = modinfo_print(mi, m);
		if (m->path != NULL)
			modread_close(&mi->reader);
		return err;
	}
	if (err == -TN_ENOENT && m->path == NULL)
		return 0; /* a tree from before there was such a file */
	if (err == -TN_ENOSYS)
		report(&mi->report, REPORT_ERROR,
		    "could not get modinfo from '%s': modules.builtin.modinfo says nothing of it",
		    m->name);
	else if (err != -TN_ENOMEM && mi->reader.why.what != NULL)
		report(&mi->report, REPORT_ERROR,
		    "could not get modinfo from '%s': %s: it %s", m->name,
		    strerror(-err), modread_why_text(&mi->reader.why, why));
	else if (err != -TN_ENOMEM)
		report(&mi->report, REPORT_ERROR,
		    "could not get modinfo from '%s': %s", m->name,
		    strerror(-err));
	return err;
}

static int show_file(struct modinfo *mi, const char *path)
{
	struct module *m;
	int err = catalog_file(&mi->catalog, path, &m);

	if (err == -TN_EINVAL)
		report(&mi->report, REPORT_ERROR, "Module file %s not found.",
		    path);
	return err ? err : show(mi, m);
}

static int show_name(struct modinfo *mi, const char *name)
{
	struct module *m;
	int err = catalog_find_name(&mi->catalog, name, &m);

	if (err == -TN_ENOMEM)
		return err;
	if (err == 0 && m != NULL)
		return show(mi, m);
	report(&mi->report, REPORT_ERROR, "Module name %s not found.", name);
	return -TN_ENOENT;
}

static int show_alias(struct modinfo *mi, const char *alias)
{
	struct found *f;
	int err = catalog_find(&mi->catalog, alias, &f);

	if (err == -TN_ENOMEM)
		return err;
	if (err != 0 || f == NULL) {
		report(
		    &mi->report, REPORT_ERROR, "Module %s not found.", alias);
		return -TN_ENOENT;
	}
	for (; err == 0 && f != NULL; f = f->next)
		err = show(mi, f->module);
	return err;
}

static int show_argument(struct modinfo *mi, const char *text)
{
	struct stat st;

	if (mi->names_only)
		return show_name(mi, text);
	if (modname_is_file(text) && stat(text, &st) == 0 &&
	    S_ISREG(st.st_mode))
		return show_file(mi, text);
	return show_alias(mi, text);
}

static int show_all(
    struct modinfo *mi, const struct place *place, int n, char **words)
{
	const char *dir = NULL;
	int err, result = 0;

	if (place->root != NULL || place->version != NULL) {
		dir = catalog_dir(
		    &mi->catalog.arena, place->root, place->version);
		if (dir == NULL)
			return -TN_ENOMEM;
	}
	err = catalog_open(&mi->catalog, dir, NULL, &mi->report);
	if (err == 0)
		err = modread_init(&mi->reader);
	for (int i = 0; i < n && err != -TN_ENOMEM; i++) {
		err = show_argument(mi, words[i]);
		if (err < 0)
			result = err;
	}
	return err == -TN_ENOMEM ? err : result;
}

static int run(struct modinfo *mi, int argc, char **argv)
{
	struct place place = { NULL, NULL };
	int c, err;

	optind = 0;
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const int status = take_option(mi, &place, c);

		if (status != GO_ON)
			return status;
	}
	if (optind == argc) {
		report(
		    &mi->report, REPORT_ERROR, "missing module or filename.");
		return EXIT_FAILURE;
	}
	err = show_all(mi, &place, argc - optind, argv + optind);
	if (err == -TN_ENOMEM)
		report(&mi->report, REPORT_ERROR, "no memory");
	if (fflush(stdout) != 0 || ferror(stdout) != 0) {
		report(&mi->report, REPORT_ERROR, "could not write the output");
		return EXIT_FAILURE;
	}
	return err < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int modinfo_main(int argc, char **argv)
{
	static char buffer[1 << 16];
	struct modinfo mi = { .end = '\n', .reader = { .fd = -1 } };
	int status;

	(void)setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	report_open(&mi.report, "modinfo", REPORT_WARNING, false);
	status = run(&mi, argc, argv);
	modinfo_free(&mi);
	report_close(&mi.report);
	return status;
}
