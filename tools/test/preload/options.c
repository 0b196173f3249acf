/* SPDX-License-Identifier: MIT */
/*
 * In front of the C library's getopt_long: prints what a program has given it,
 * an option a line, and ends the program.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

int getopt_long(int argc, char *const *argv, const char *letters,
    const struct option *longs, int *index)
{
	(void)argc;
	(void)argv;
	(void)index;
	for (const char *s = letters; *s != '\0'; s++)
		if (*s != ':' && *s != '+' && *s != '-')
			printf("-%c\n", *s);
	for (; longs->name != NULL; longs++)
		printf("--%s\n", longs->name);
	exit(fflush(stdout) == 0 ? 0 : 1);
}
