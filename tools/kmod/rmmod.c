/* SPDX-License-Identifier: MIT */
/*
 * rmmod: unloads modules that nobody uses, by kmod 30's options, messages and
 * exit statuses; those that are used are refused, and their users named.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <kmod/applets.h>
#include <tenon/err.h>

#include "connect.h"
#include "modname.h"
#include "version.h"

static const char usage[] =
    "Usage:\n"
    "\trmmod [options] modulename ...\n"
    "Options:\n"
    "\t-f, --force       unload a module although it is used: what uses it\n"
    "\t                  crashes. A kernel must be built to allow it\n"
    "\t-w, --wait        wait until nobody uses it\n"
    "\t-s, --syslog      print to syslog, not stderr\n"
    "\t-v, --verbose     enables more messages\n"
    "\t-V, --version     show version\n"
    "\t-h, --help        show this help\n" CONNECT_USAGE;

static const struct option longs[] = {
	{ "force", no_argument, NULL, 'f' },
	{ "syslog", no_argument, NULL, 's' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, 'V' },
	{ "wait", no_argument, NULL, 'w' },
	{ "help", no_argument, NULL, 'h' },
	CONNECT_OPTIONS,
	{ NULL, 0, NULL, 0 },
};

struct rmmod {
	struct report report;
	struct connection to;
	unsigned flags; /* BACKEND_* */
	int level;
	bool syslog;
};

/* --- who uses it */

struct use {
	int64_t refs;
	char *holders; /* "a b"; NULL: no memory */
};

static bool see_use(const struct backend_module *m, void *arg)
{
	struct use *use = arg;

	use->refs = m->refs;
	use->holders = strdup(m->holders);
	for (char *p = use->holders; p != NULL && (p = strchr(p, ',')) != NULL;)
		*p = ' ';
	return true;
}

/* 0: it may be asked to go; else it was told why not. */
static int check_use(const struct rmmod *r, const char *name)
{
	const struct report *out = &r->report;
	struct use use = { .refs = 0 };
	const int state = r->to.ops->state(r->to.be, name, see_use, &use);
	int err = -TN_EBUSY;

	if (state == BACKEND_BUILTIN) {
		report(out, REPORT_ERROR, "Module %s is builtin.", name);
		err = -TN_ENOENT;
	} else if (state <= BACKEND_ABSENT) {
		report(out, REPORT_ERROR, "Module %s is not currently loaded",
		    name);
		err = -TN_ENOENT;
	} else if (use.holders != NULL && *use.holders != '\0') {
		report(out, REPORT_ERROR, "Module %s is in use by: %s", name,
		    use.holders);
	} else if (use.refs > 0) {
		report(out, REPORT_ERROR, "Module %s is in use", name);
	} else if (use.refs < 0) {
		report(out, REPORT_ERROR, "Module unloading is not supported");
		err = -TN_ENOSYS;
	} else {
		err = 0;
	}
	free(use.holders);
	return err;
}

/* --- unloading */

/* A file names the module that is in it; else '-' is '_', and '.' the end. */
static bool name_of(const char *word, char name[MODNAME_MAX])
{
	struct stat st;
	size_t n;

	if (stat(word, &st) == 0)
		return modname_of_path(word, name);
	for (n = 0; word[n] != '\0' && word[n] != '.'; n++) {
		if (n == MODNAME_MAX - 1)
			return false;
		name[n] = word[n];
		if (name[n] == '-')
			name[n] = '_';
	}
	name[n] = '\0';
	return true;
}

static int remove_one(struct rmmod *r, const char *word)
{
	char name[MODNAME_MAX];
	int err = 0;

	if (!name_of(word, name)) {
		report(&r->report, REPORT_ERROR, "could not use module %s: %s",
		    word, strerror(TN_ENOENT));
		return -TN_ENOENT;
	}
	if ((r->flags & (BACKEND_FORCE | BACKEND_WAIT)) == 0)
		err = check_use(r, name);
	if (err != 0)
		return err;
	r->to.why.text[0] = '\0';
	err = r->to.ops->remove(r->to.be, name, r->flags, &r->to.why);
	if (err != 0) {
		report(&r->report, REPORT_ERROR,
		    "could not remove module %s: %s", word, strerror(-err));
		connect_explain(&r->to, &r->report);
	} else {
		report(&r->report, REPORT_INFO, "removed module %s", name);
	}
	return err;
}

static int run(struct rmmod *r, char **words, const struct backends *backends)
{
	int failed = 0;

	report_open(&r->report, "rmmod", r->level, r->syslog);
	if (*words == NULL) {
		report(&r->report, REPORT_ERROR, "missing module name.");
		failed = 1;
	} else if (connect_open(&r->to, backends, &r->report) != 0) {
		failed = 1;
	} else {
		for (; *words != NULL; words++)
			failed |= remove_one(r, *words) != 0;
	}
	connect_close(&r->to);
	report_close(&r->report);
	return failed != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int rmmod_command(int argc, char **argv, const struct backends *backends)
{
	struct rmmod r = { .level = REPORT_ERROR };
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "fsvVwh", longs, NULL)) != -1) {
		switch (c) {
		case 'f': r.flags |= BACKEND_FORCE; break;
		case 'w': r.flags |= BACKEND_WAIT; break;
		case 's': r.syslog = true; break;
		case 'v': r.level++; break;
		case 'h': fputs(usage, stdout); return EXIT_SUCCESS;
		case 'V': fputs(KMOD_VERSION, stdout); return EXIT_SUCCESS;
		default:
			if (!connect_option(&r.to, c, optarg))
				return EXIT_FAILURE; /* getopt has told */
		}
	}
	return run(&r, argv + optind, backends);
}
