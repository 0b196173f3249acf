/* SPDX-License-Identifier: MIT */
/*
 * The command line of depmod.
 */
#pragma once

#include <stdbool.h>

struct report;

#define DEPMOD_CONFIGS_MAX 32u /* of -C */

struct depmod_options {
	const char *base;         /* -b, "" */
	const char *release;      /* the version of the kernel */
	const char *const *files; /* modules that are named, ended by NULL */
	bool all;                 /* the modules of the tree instead */
	bool if_newer;            /* -A */
	bool show;                /* -n */
	bool verbose;             /* -v */
	bool warn_twice;          /* -w */
	bool errsyms;             /* -e */
	const char *system_map;   /* -F */
	const char *symvers;      /* -E */
	char prefix;              /* -P, or NUL */
	const char *configs[DEPMOD_CONFIGS_MAX + 1]; /* -C, ended by NULL */
	bool json;                                   /* --json */
	unsigned jobs;                               /* -j */
	const char *cache; /* --incremental: a file; "": the tree's own */
};

/* What the command line asks for. */
enum depmod_wish {
	DEPMOD_WRITE,
	DEPMOD_DONE, /* --help, --version: it has been printed */
	DEPMOD_WRONG /* it has been said what is */
};

enum depmod_wish depmod_options_parse(
    int argc, char **argv, struct depmod_options *o, const struct report *r);
