/* SPDX-License-Identifier: MIT */
/*
 * `tenon`: one binary, many applets. The applet is the first argument, or the
 * name under which the binary was called: a link `tenon-link`, or `depmod` for
 * those that stand for a command of that name.
 */
#include "applets.h"

#include <stdio.h>
#include <string.h>

#include <kmod/commands.h>
#include <kmod/standard.h>
#include <tenon/tenon.h>

struct applet {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *help;
};

static const struct applet applets[] = {
	// clang-format off
	{ "run", run_main, "load modules into this process, call, unload" },
	{ "host", host_main, "hold modules for others, behind a socket" },
	{ "shell", shell_main, "a console for modules, here or in a host" },
	{ "link", link_main, "link a module offline at given addresses" },
	{ "new", new_main, "make a new module with a test" },
	{ "cc", cc_main, "build a module file of sources, for any machine" },
	{ "modpost", modpost_main, "write a module's .mod.c" },
	{ "symvers", symvers_main, "make versions of exports from their types" },
	{ "sign", sign_main, "append signatures to module files" },
	{ "verify", verify_main, "say who has signed module files" },
	// clang-format on
};
#define NAPPLETS (sizeof(applets) / sizeof(applets[0]))

static int usage(FILE *out, int status)
{
	size_t ncommands;
	const struct kmod_command *commands = kmod_commands(&ncommands);

	fprintf(out, "usage: tenon APPLET [ARGUMENT..]\n\n");
	for (size_t i = 0; i < NAPPLETS; i++)
		fprintf(out, "  %-10s %s\n", applets[i].name, applets[i].help);
	for (size_t i = 0; i < ncommands; i++)
		fprintf(
		    out, "  %-10s %s\n", commands[i].name, commands[i].help);
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

typedef int main_fn(int argc, char **argv);

static main_fn *find_command(const char *name)
{
	const struct kmod_command *command = kmod_command_find(name);

	return command != NULL ? command->main : NULL;
}

static main_fn *find(const char *name)
{
	for (size_t i = 0; i < NAPPLETS; i++)
		if (strcmp(applets[i].name, name) == 0)
			return applets[i].main;
	return find_command(name);
}

/* The applet that the binary was called as, or NULL. */
static main_fn *called_as(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');
	const char *base = slash != NULL ? slash + 1 : argv0;

	return strncmp(base, "tenon-", 6) == 0 ? find(base + 6)
					       : find_command(base);
}

int main(int argc, char **argv)
{
	main_fn *applet = called_as(argv[0]);
	static char title[64], help[] = "--help";

	standard_open();
	if (applet != NULL)
		return applet(argc, argv);
	if (argc < 2)
		return usage(stderr, EXIT_USAGE);
	if (strcmp(argv[1], "help") == 0 && argc > 2) {
		argv[1] = argv[2]; /* as APPLET --help */
		argv[2] = help;
		argc = 3;
	}
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
	(void)snprintf(title, sizeof(title), "tenon %s", argv[1]);
	argv[1] = title;
	return applet(argc - 1, argv + 1);
}
