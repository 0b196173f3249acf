/* SPDX-License-Identifier: MIT */
/*
 * lsmod: what is loaded and who uses it, by kmod 30's output and exit
 * statuses, or one JSON object a line.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kmod/applets.h>
#include <kmod/json.h>
#include <tenon/err.h>

#include "connect.h"
#include "version.h"

static const char usage[] =
    "Usage:\n"
    "\tlsmod [options]\n"
    "Options:\n"
    "\t    --json        one JSON object a line\n"
    "\t    --version     show version\n"
    "\t    --help        show this help\n" CONNECT_USAGE;

enum {
	OPT_JSON = 1,
	OPT_VERSION,
	OPT_HELP,
};

static const struct option longs[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	CONNECT_OPTIONS,
	{ NULL, 0, NULL, 0 },
};

static void put_header(bool *done)
{
	if (!*done)
		puts("Module                  Size  Used by");
	*done = true;
}

static bool show_text(const struct backend_module *m, void *arg)
{
	put_header(arg);
	/* kmod shows the error when the kernel cannot unload */
	printf("%-19s %8" PRIu64 "  %" PRId64, m->name, m->size,
	    m->refs >= 0 ? m->refs : -TN_ENOENT);
	if (*m->holders != '\0')
		printf(" %s", m->holders);
	(void)putchar('\n');
	return true;
}

static void put_list(struct json *j, const char *key, const char *list)
{
	char *copy = strdup(list), *rest = copy, *name;

	json_open(j, key, '[');
	while (copy != NULL && (name = strsep(&rest, ",")) != NULL)
		if (*name != '\0')
			json_text(j, NULL, name);
	json_close(j, ']');
	free(copy);
}

static bool show_json(const struct backend_module *m, void *arg)
{
	static const char *const states[] = {
		[BACKEND_ABSENT] = "absent",
		[BACKEND_COMING] = "coming",
		[BACKEND_LIVE] = "live",
		[BACKEND_GOING] = "going",
		[BACKEND_BUILTIN] = "builtin",
	};
	struct json j;

	(void)arg;
	json_begin(&j, stdout);
	json_text(&j, "module", m->name);
	json_unsigned(&j, "size", m->size);
	if (m->refs >= 0)
		json_number(&j, "refs", m->refs);
	else
		json_text(&j, "refs", NULL);
	put_list(&j, "used_by", m->holders);
	json_text(&j, "state", states[m->state]);
	json_end(&j);
	return true;
}

static int list(struct connection *c, bool json, const struct report *r)
{
	bool headed = json;
	int err;

	c->why.text[0] = '\0';
	err =
	    c->ops->list(c->be, json ? show_json : show_text, &headed, &c->why);
	if (err == 0) {
		put_header(&headed);
	} else {
		report(r, REPORT_ERROR, "could not get list of modules: %s",
		    strerror(-err));
		connect_explain(c, r);
	}
	if (fflush(stdout) != 0 || ferror(stdout) != 0) {
		report(r, REPORT_ERROR, "standard output cannot be written");
		err = -TN_EIO;
	}
	return err;
}

int lsmod_command(int argc, char **argv, const struct backends *backends)
{
	struct connection to = { .kernel = false };
	struct report r;
	bool json = false, bad = false;
	int c, err;

	optind = 0;
	opterr = 0; /* kmod's takes no option, and only says so */
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case OPT_JSON: json = true; break;
		case OPT_HELP: fputs(usage, stdout); return EXIT_SUCCESS;
		case OPT_VERSION:
			fputs(KMOD_VERSION, stdout);
			return EXIT_SUCCESS;
		default:
			if (!connect_option(&to, c, optarg))
				bad = true;
		}
	}
	if (bad || optind != argc) {
		fprintf(stderr, "Usage: %s\n", argv[0]);
		return EXIT_FAILURE;
	}
	report_open(&r, "lsmod", REPORT_WARNING, false);
	err = connect_open(&to, backends, &r);
	if (err == 0)
		err = list(&to, json, &r);
	connect_close(&to);
	report_close(&r);
	return err == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
