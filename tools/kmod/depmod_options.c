/* SPDX-License-Identifier: MIT */
/*
 * The command line of depmod: kmod's options, and those that change nothing
 * unless they are given: --json, --jobs, --incremental.
 */
#include "depmod_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <base/compiler.h>

#include "report.h"
#include "version.h"

enum {
	OPT_JSON = 0x100,
	OPT_INCREMENTAL,
};

static const char usage_text[] =
    "Usage:\n"
    "\tdepmod -[aA] [options] [forced_version]\n"
    "\n"
    "If no arguments (except options) are given, \"depmod -a\" is assumed\n"
    "\n"
    "depmod will output a dependency list suitable for the modprobe utility.\n"
    "\n"
    "Options:\n"
    "\t-a, --all            Probe all modules\n"
    "\t-A, --quick          Only does the work if there's a new module\n"
    "\t-e, --errsyms        Report not supplied symbols\n"
    "\t-n, --show           Write the dependency file on stdout only\n"
    "\t-P, --symbol-prefix  Architecture symbol prefix\n"
    "\t-C, --config=PATH    Read configuration from PATH\n"
    "\t-v, --verbose        Enable verbose mode\n"
    "\t-w, --warn           Warn on duplicates\n"
    "\t-V, --version        show version\n"
    "\t-h, --help           show this help\n"
    "\n"
    "The following options are useful for people managing distributions:\n"
    "\t-b, --basedir=DIR    Use an image of a module tree.\n"
    "\t-F, --filesyms=FILE  Use the file instead of the\n"
    "\t                     current kernel symbols.\n"
    "\t-E, --symvers=FILE   Use Module.symvers file to check\n"
    "\t                     symbol versions.\n"
    "\n"
    "Beyond kmod:\n"
    "\t-j N, --jobs[=N]     Read modules in N threads; no N: one a processor\n"
    "\t    --incremental[=FILE]\n"
    "\t                     Read only what has changed since the last time;\n"
    "\t                     FILE instead of modules.tenon in the tree\n"
    "\t    --json           Print what is known of each module, one JSON\n"
    "\t                     object a line, and write nothing\n";

static const struct option longs[] = {
	// clang-format off
	{ "all", no_argument, NULL, 'a' },
	{ "quick", no_argument, NULL, 'A' },
	{ "basedir", required_argument, NULL, 'b' },
	{ "config", required_argument, NULL, 'C' },
	{ "symvers", required_argument, NULL, 'E' },
	{ "filesyms", required_argument, NULL, 'F' },
	{ "errsyms", no_argument, NULL, 'e' },
	{ "unresolved-error", no_argument, NULL, 'u' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "root", no_argument, NULL, 'r' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "show", no_argument, NULL, 'n' },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "symbol-prefix", required_argument, NULL, 'P' },
	{ "warn", no_argument, NULL, 'w' },
	{ "map", no_argument, NULL, 'm' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ "jobs", optional_argument, NULL, 'j' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "incremental", optional_argument, NULL, OPT_INCREMENTAL },
	{ NULL, 0, NULL, 0 },
	// clang-format on
};

/* Complains about an option that has had its day. */
static void deprecated(const struct report *r, int c, int index)
{
	if (index >= 0)
		report(r, REPORT_WARNING, "Ignored deprecated option --%s",
		    longs[index].name);
	else
		report(r, REPORT_WARNING, "Ignored deprecated option -%c", c);
}

static bool set_config(
    struct depmod_options *o, const char *path, const struct report *r)
{
	unsigned n = 0;

	while (o->configs[n] != NULL)
		n++;
	if (n == DEPMOD_CONFIGS_MAX) {
		report(r, REPORT_FATAL, "more than %u times -C", n);
		return false;
	}
	o->configs[n] = path;
	return true;
}

static bool set_prefix(
    struct depmod_options *o, const char *text, const struct report *r)
{
	if (strlen(text) != 1) {
		report(r, REPORT_FATAL, "-P only takes a single char");
		return false;
	}
	o->prefix = text[0];
	return true;
}

static bool set_jobs(
    struct depmod_options *o, const char *text, const struct report *r)
{
	char *end;
	const long online = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned long n = online > 0 ? (unsigned long)online : 1;

	if (text != NULL) {
		n = strtoul(text, &end, 10);
		if (*text < '0' || *text > '9' || *end != '\0' || n == 0 ||
		    n > 1024) {
			report(r, REPORT_FATAL,
			    "--jobs takes a number from 1 to 1024, not '%s'",
			    text);
			return false;
		}
	}
	o->jobs = (unsigned)n;
	return true;
}

/* --help and --version. */
static enum depmod_wish print(const char *text, const struct report *r)
{
	if (fputs(text, stdout) >= 0 && fflush(stdout) == 0)
		return DEPMOD_DONE;
	report(r, REPORT_FATAL, "standard output: %m");
	return DEPMOD_WRONG;
}

/* One option that asks for something; false: it has been said why not. */
static bool set_option(
    struct depmod_options *o, int c, const char *arg, const struct report *r)
{
	switch (c) {
	case 'a': o->all = true; return true;
	case 'A': o->if_newer = true; return true;
	case 'b': o->base = arg; return true;
	case 'C': return set_config(o, arg, r);
	case 'E': o->symvers = arg; return true;
	case 'F': o->system_map = arg; return true;
	case 'e': o->errsyms = true; return true;
	case 'v': o->verbose = true; return true;
	case 'n': o->show = true; return true;
	case 'P': return set_prefix(o, arg, r);
	case 'w': o->warn_twice = true; return true;
	case 'j': return set_jobs(o, arg, r);
	case OPT_JSON: o->json = true; return true;
	case OPT_INCREMENTAL: o->cache = arg != NULL ? arg : ""; return true;
	default: return false; /* getopt has said it */
	}
}

/* The version of the kernel, and the modules that are named. */
static bool set_arguments(
    struct depmod_options *o, int argc, char **argv, const struct report *r)
{
	static struct utsname name;
	unsigned a, b;

	if (argc == 0) {
		if (uname(&name) != 0) {
			report(r, REPORT_FATAL, "uname() failed: %m");
			return false;
		}
		o->release = name.release;
	} else {
		/* NOLINTNEXTLINE(cert-err34-c): the numbers do not matter */
		if (sscanf(argv[0], "%u.%u", &a, &b) != 2) {
			report(
			    r, REPORT_ERROR, "Bad version passed %s", argv[0]);
			return false;
		}
		o->release = argv[0];
	}
	o->files = (const char *const *)(argc > 1 ? argv + 1 : argv + argc);
	if (argc <= 1)
		o->all = true;
	return true;
}

enum depmod_wish depmod_options_parse(
    int argc, char **argv, struct depmod_options *o, const struct report *r)
{
	int c, index = -1;

	*o = (struct depmod_options){ .base = "", .jobs = 1 };
	optind = 1;
	while ((c = getopt_long(argc, argv, "aAb:C:E:F:euqrvnP:wmVhj:", longs,
		    &index)) != -1) {
		if (c == 'h')
			return print(usage_text, r);
		if (c == 'V')
			return print(KMOD_VERSION, r);
		if (c < OPT_JSON && strchr("uqrm", c) != NULL)
			deprecated(r, c, index);
		else if (!set_option(o, c, optarg, r))
			return DEPMOD_WRONG;
		index = -1;
	}
	if (!set_arguments(o, argc - optind, argv + optind, r))
		return DEPMOD_WRONG;
	if (o->errsyms && o->symvers == NULL && o->system_map == NULL) {
		report(r, REPORT_WARNING, "-e needs -E or -F");
		o->errsyms = false;
	}
	return DEPMOD_WRITE;
}
