/* SPDX-License-Identifier: MIT */
/*
 * `tenon`: one binary, many applets. The applet is the first argument, or the
 * name under which the binary was called (a link `tenon-link`).
 */
#include "applets.h"

#include <stdio.h>
#include <string.h>

struct applet {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *help;
};

static const struct applet applets[] = {
	{ "run", run_main, "load modules into this process, call, unload" },
	{ "link", link_main, "link a module offline at given addresses" },
	{ "modpost", modpost_main, "write a module's .mod.c" },
};
#define NAPPLETS (sizeof(applets) / sizeof(applets[0]))

static int usage(FILE *out, int status)
{
	fprintf(out, "usage: tenon APPLET [ARGUMENT..]\n\n");
	for (size_t i = 0; i < NAPPLETS; i++)
		fprintf(out, "  %-10s %s\n", applets[i].name, applets[i].help);
	fprintf(out, "\n`tenon APPLET --help` says more.\n");
	return fflush(out) != 0 || ferror(out) != 0 ? EXIT_FAILED : status;
}

static const struct applet *find(const char *name)
{
	for (size_t i = 0; i < NAPPLETS; i++)
		if (strcmp(applets[i].name, name) == 0)
			return &applets[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const char *base = strrchr(argv[0], '/');
	const struct applet *applet;
	static char title[32];

	base = base != NULL ? base + 1 : argv[0];
	if (strncmp(base, "tenon-", 6) == 0) {
		applet = find(base + 6);
		if (applet != NULL)
			return applet->main(argc, argv);
	}
	if (argc < 2)
		return usage(stderr, EXIT_USAGE);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0)
		return usage(stdout, EXIT_OK);
	applet = find(argv[1]);
	if (applet == NULL) {
		fprintf(stderr, "tenon: there is no applet '%s'\n", argv[1]);
		return usage(stderr, EXIT_USAGE);
	}
	/* what getopt puts before its messages */
	(void)snprintf(title, sizeof(title), "tenon %s", applet->name);
	argv[1] = title;
	return applet->main(argc - 1, argv + 1);
}
