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

static int usage(void)
{
	size_t n;
	const struct kmod_command *c = kmod_commands(&n);

	fputs(
	    "usage: tenon-kmod COMMAND [ARGUMENT..], or a link COMMAND to it\n\n",
	    stderr);
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "  %-10s %s\n", c[i].name, c[i].help);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const struct kmod_command *c = NULL;

	standard_open();
	if (argc > 0)
		c = kmod_command_find(slash != NULL ? slash + 1 : argv[0]);
	if (c != NULL)
		return c->main(argc, argv);
	if (argc > 1)
		c = kmod_command_find(argv[1]);
	return c != NULL ? c->main(argc - 1, argv + 1) : usage();
}
