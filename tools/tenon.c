/* SPDX-License-Identifier: MIT */
/*
 * `tenon`: one binary, many applets. The applet is the first argument, or the
 * name under which the binary was called: a link `tenon-link`, or `depmod` for
 * those that stand for a command of that name.
 *
 * Applets print without looking back; at their end standard output is looked at
 * here, once for all.
 */
#include "applets.h"

#include <stdio.h>
#include <string.h>

#include <kmod/commands.h>
#include <kmod/standard.h>
#include <tenon/tenon.h>

#include "profile.h"

struct applet {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *help;
	bool has_profiles; /* takes @FILE, see profile.h */
};

static const struct applet applets[] = {
	// clang-format off
	{ "run", run_main, "load modules into this process, call, unload",
	    true },
	{ "host", host_main, "hold modules for others, behind a socket", true },
	{ "shell", shell_main, "a console for modules, here or in a host", false },
	{ "link", link_main, "link a module offline at given addresses", false },
	{ "new", new_main, "make a new module with a test", false },
	{ "cc", cc_main, "build a module file of sources, for any machine", false },
	{ "modpost", modpost_main, "write a module's .mod.c", false },
	{ "symvers", symvers_main, "make versions of exports from their types", false },
	{ "sign", sign_main, "append signatures to module files", false },
	{ "verify", verify_main, "say who has signed module files", false },
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
	return status;
}

static int version(void)
{
	(void)printf("tenon %s\n", tn_version());
	return EXIT_OK;
}

/* What runs: an applet of ours, or a command of kmod's. */
struct program {
	const char *name; /* NULL: `tenon` alone */
	int (*main)(int argc, char **argv);
	bool is_command, has_profiles;
};

static bool find_command(const char *name, struct program *out)
{
	const struct kmod_command *command = kmod_command_find(name);

	if (command != NULL)
		*out = (struct program){ command->name, command->main, true,
			false };
	return command != NULL;
}

static bool find(const char *name, struct program *out)
{
	for (size_t i = 0; i < NAPPLETS; i++)
		if (strcmp(applets[i].name, name) == 0) {
			*out =
			    (struct program){ applets[i].name, applets[i].main,
				    false, applets[i].has_profiles };
			return true;
		}
	return find_command(name, out);
}

/* The one that the binary was called as. */
static bool called_as(const char *argv0, struct program *out)
{
	const char *slash = strrchr(argv0, '/');
	const char *base = slash != NULL ? slash + 1 : argv0;

	return strncmp(base, "tenon-", 6) == 0 ? find(base + 6, out)
					       : find_command(base, out);
}

static bool is_one_of(const char *word, const char *const *words)
{
	while (*words != NULL && strcmp(word, *words) != 0)
		words++;
	return *words != NULL;
}

static int start(const struct program *p, int argc, char **argv)
{
	struct profile words;
	int status = EXIT_USAGE;

	if (!p->has_profiles)
		return p->main(argc, argv);
	if (profile_expand(p->name, argc, argv, &words))
		status = p->main(words.argc, words.argv);
	profile_free(&words);
	return status;
}

static int run(int argc, char **argv, struct program *p)
{
	static const char *const helps[] = { "--help", "-h", "help", NULL };
	static const char *const versions[] = { "--version", "version", NULL };
	static char title[64], help[] = "--help";

	if (called_as(argv[0], p))
		return start(p, argc, argv);
	if (argc < 2)
		return usage(stderr, EXIT_USAGE);
	if (strcmp(argv[1], "help") == 0 && argc > 2) {
		argv[1] = argv[2]; /* as APPLET --help */
		argv[2] = help;
		argc = 3;
	}
	if (is_one_of(argv[1], helps))
		return usage(stdout, EXIT_OK);
	if (is_one_of(argv[1], versions))
		return version();
	if (!find(argv[1], p)) {
		fprintf(stderr, "tenon: there is no applet '%s'\n", argv[1]);
		return usage(stderr, EXIT_USAGE);
	}
	/* what getopt puts before its messages */
	(void)snprintf(title, sizeof(title), "tenon %s", p->name);
	argv[1] = title;
	return start(p, argc - 1, argv + 1);
}

/* Was all that was printed written? An earlier line's errno is gone. */
static int close_output(const struct program *p, int status)
{
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return status;
	/* A command that fails has said why, this perhaps. */
	if (!p->is_command || status == EXIT_OK)
		fprintf(stderr,
		    "tenon%s%s: standard output cannot be written\n",
		    p->name != NULL ? " " : "", p->name != NULL ? p->name : "");
	return status == EXIT_OK ? EXIT_FAILED : status;
}

int main(int argc, char **argv)
{
	struct program p = { .name = NULL };
	int status;

	standard_open();
	status = run(argc, argv, &p);
	return close_output(&p, status);
}
