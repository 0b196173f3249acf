/* SPDX-License-Identifier: MIT */
/*
 * `tenon`: one binary, many applets. The applet is the first argument, or the
 * name under which the binary was called: a link `tenon-link`, or `depmod` for
 * those that stand for a command of that name.
 */
#include "applets.h"

#include <stdio.h>
#include <string.h>

#include <kmod/applets.h>

#include <tenon/tenon.h>

struct applet {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *help;
	bool is_command; /* its bare name serves, too */
};

static const struct applet applets[] = {
	// clang-format off
	{ "run", run_main, "load modules into this process, call, unload", false },
	{ "host", host_main, "hold modules for others, behind a socket", false },
	{ "link", link_main, "link a module offline at given addresses", false },
	{ "new", new_main, "make a new module with a test", false },
	{ "cc", cc_main, "build a module file of sources, for any machine", false },
	{ "modpost", modpost_main, "write a module's .mod.c", false },
	{ "symvers", symvers_main, "make versions of exports from their types", false },
	{ "sign", sign_main, "append signatures to module files", false },
	{ "verify", verify_main, "say who has signed module files", false },
	{ "depmod", depmod_main, "write the indexes of a module tree", true },
	// clang-format on
};
#define NAPPLETS (sizeof(applets) / sizeof(applets[0]))

static int usage(FILE *out, int status)
{
	fprintf(out, "usage: tenon APPLET [ARGUMENT..]\n\n");
	for (size_t i = 0; i < NAPPLETS; i++)
		fprintf(out, "  %-10s %s\n", applets[i].name, applets[i].help);
	fprintf(out, "\n`tenon APPLET --help` says more; `tenon --version` is "
		     "the release.\n");
	return fflush(out) != 0 || ferror(out) != 0 ? EXIT_FAILED : status;
}

static int version(void)
{
	(void)printf("tenon %s\n", tn_version());
	return fflush(stdout) != 0 || ferror(stdout) != 0 ? EXIT_FAILED
							  : EXIT_OK;
}

static const struct applet *find(const char *name)
{
	for (size_t i = 0; i < NAPPLETS; i++)
		if (strcmp(applets[i].name, name) == 0)
			return &applets[i];
	return NULL;
}

/* The applet that the binary was called as, or NULL. */
static const struct applet *called_as(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');
	const char *base = slash != NULL ? slash + 1 : argv0;
	const struct applet *applet;

	if (strncmp(base, "tenon-", 6) == 0)
		return find(base + 6);
	applet = find(base);
	return applet != NULL && applet->is_command ? applet : NULL;
}

int main(int argc, char **argv)
{
	const struct applet *applet = called_as(argv[0]);
	static char title[32];

	if (applet != NULL)
		return applet->main(argc, argv);
	if (argc < 2)
		return usage(stderr, EXIT_USAGE);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0)
		return usage(stdout, EXIT_OK);
	if (strcmp(argv[1], "--version") == 0 ||
	    strcmp(argv[1], "version") == 0)
		return version();
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
