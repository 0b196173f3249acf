/* SPDX-License-Identifier: MIT */
/*
 * insmod: loads one module file and nothing else, by kmod 30's options,
 * messages and exit statuses.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <kmod/applets.h>
#include <tenon/err.h>

#include "connect.h"
#include "lacks.h"
#include "modname.h"
#include "version.h"

static const char usage[] =
    "Usage:\n"
    "\tinsmod [options] filename [args]\n"
    "Options:\n"
    "\t-f, --force       ignore the version magic and symbol versions\n"
    "\t    --explain     with --kernel: which modules have what is missing\n"
    "\t-V, --version     show version\n"
    "\t-h, --help        show this help\n" CONNECT_USAGE;

enum {
	OPT_EXPLAIN = 1
};

static const struct option longs[] = {
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ "force", no_argument, NULL, 'f' },
	{ "explain", no_argument, NULL, OPT_EXPLAIN },
	CONNECT_OPTIONS,
	{ NULL, 0, NULL, 0 },
};

struct insmod {
	struct report report;
	struct connection to;
	unsigned flags;
	bool explain;
};

/* What the kernel's numbers mean here; other numbers mean what they say. */
static const char *insert_error(int err)
{
	switch (-err) {
	case ENOEXEC: return "Invalid module format";
	case ENOENT: return "Unknown symbol in module";
	case ESRCH: return "Module has wrong symbol version";
	case EINVAL: return "Invalid parameters";
	default: return strerror(-err);
	}
}

/* The words behind the file's name, parted by blanks. NULL: no memory. */
static char *join(char **words, int n)
{
	size_t size = 1;
	char *text, *to;

	for (int i = 0; i < n; i++)
		size += strlen(words[i]) + 1;
	text = to = malloc(size);
	if (text == NULL)
		return NULL;
	*to = '\0';
	for (int i = 0; i < n; i++) {
		to = stpcpy(to, words[i]);
		if (i + 1 < n)
			*to++ = ' ';
	}
	return text;
}

static int insert(struct insmod *m, const char *path, const char *params)
{
	char name[MODNAME_MAX];
	const struct backend_insert what = { name, path, params, m->flags };
	const char *wrong = NULL;
	struct stat st;
	int err;

	if (stat(path, &st) != 0)
		wrong = strerror(errno);
	else if (!modname_of_path(path, name))
		wrong = "no module has such a name";
	if (wrong != NULL) {
		report(&m->report, REPORT_ERROR, "could not load module %s: %s",
		    path, wrong);
		return -TN_ENOENT;
	}
	m->to.why.text[0] = '\0';
	err = m->to.ops->insert(m->to.be, &what, &m->to.why);
	if (err != 0) {
		report(&m->report, REPORT_ERROR,
		    "could not insert module %s: %s", path, insert_error(err));
		connect_explain(&m->to, &m->report);
		/* Of a kernel only when asked: kmod says nothing more. */
		if (err == -TN_ENOENT && (m->explain || !m->to.kernel))
			lacks_tell(path, &m->to, &m->report);
	}
	return err;
}

static int run(
    struct insmod *m, char **words, int n, const struct backends *backends)
{
	char *params;
	int err;

	if (n == 0) {
		report(&m->report, REPORT_ERROR, "missing filename.");
		return -TN_EINVAL;
	}
	if (strcmp(words[0], "-") == 0) {
		report(&m->report, REPORT_ERROR,
		    "this tool does not support loading from stdin!");
		return -TN_EINVAL;
	}
	params = join(words + 1, n - 1);
	if (params == NULL) {
		report(&m->report, REPORT_ERROR, "out of memory");
		return -TN_ENOMEM;
	}
	err = connect_open(&m->to, backends, &m->report);
	if (err == 0)
		err = insert(m, words[0], params);
	connect_close(&m->to);
	free(params);
	return err;
}

int insmod_command(int argc, char **argv, const struct backends *backends)
{
	struct insmod m = { .flags = 0 };
	int c, err;

	report_open(&m.report, "insmod", REPORT_WARNING, false);
	optind = 0;
	while ((c = getopt_long(argc, argv, "psfVh", longs, NULL)) != -1) {
		switch (c) {
		case 'p':
		case 's': break; /* of old times, without meaning */
		case 'f':
			m.flags |=
			    BACKEND_IGNORE_VERSIONS | BACKEND_IGNORE_VERMAGIC;
			break;
		case OPT_EXPLAIN: m.explain = true; break;
		case 'h': fputs(usage, stdout); return EXIT_SUCCESS;
		case 'V': fputs(KMOD_VERSION, stdout); return EXIT_SUCCESS;
		default:
			if (!connect_option(&m.to, c, optarg))
				return EXIT_FAILURE; /* getopt has told */
		}
	}
	err = run(&m, argv + optind, argc - optind, backends);
	report_close(&m.report);
	return err == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
