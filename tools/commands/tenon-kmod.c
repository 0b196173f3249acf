/* SPDX-License-Identifier: MIT */
/*
 * `tenon-kmod`: kmod's commands alone. The command is the name by which the
 * program was called (a link `modprobe`), or else its first argument.
 */
#include <kmod/commands.h>
#include <kmod/standard.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void usage(FILE *out)
{
	size_t n;
	const struct kmod_command *c = kmod_commands(&n);

	fputs(
	    "usage: tenon-kmod COMMAND [ARGUMENT..], or a link COMMAND to it\n\n",
	    out);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "  %-10s %s\n", c[i].name, c[i].help);
}

/* The program by its own name: a command, or help. */
static int run(int argc, char **argv)
{
	const struct kmod_command *c =
	    argc > 1 ? kmod_command_find(argv[1]) : NULL;

	if (c != NULL)
		return c->main(argc - 1, argv + 1);
	if (argc == 2 &&
	    (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		usage(stdout);
		return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	if (argc > 1)
		fprintf(
		    stderr, "tenon-kmod: there is no command '%s'\n", argv[1]);
	usage(stderr);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const struct kmod_command *c = NULL;

	standard_open();
	if (argc > 0)
		c = kmod_command_find(slash != NULL ? slash + 1 : argv[0]);
	return c != NULL ? c->main(argc, argv) : run(argc, argv);
}
