/* SPDX-License-Identifier: MIT */
/*
 * `tenon run`: loads modules with their dependencies into this process, does
 * what the options say, and unloads in the reverse order. man tenon-run.
 */
#include "run.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applets.h"
#include "interrupt.h"
#include "policy.h"
#include "run_tell.h"

#define ACTION 0x1000 /* option values from here on are actions */

static const char usage_text[] =
    "usage: tenon run [OPTION|ACTION].. MOD [PARAM=VALUE].. [MOD ..]\n"
    "  MOD               a module file, or a name to be found in -L folders\n"
    "  PARAM=VALUE       a parameter of the module before it\n"
    "  @FILE             a profile: a file with any words of this command\n"
    "actions, done in their order when all modules are loaded:\n"
    "  --call SYM,ARG..  call an int function with up to six integers\n"
    "  --set MOD.PARAM=VALUE, --get MOD.PARAM\n"
    "  --stop MOD, --start MOD, --unload MOD\n"
    "  --list            what is loaded, and who uses it\n"
    "  --ledger[=MOD]    what each module holds\n"
    "  --keep            stay until Ctrl-C, SIGTERM or SIGHUP; the last one\n"
    "options:\n"
    "  -L DIR            look for modules in the folder DIR, or by its modules.dep\n"
    "  --unmarked        also run files without .note.tenon\n"
    "  --direct          bind imports directly (pins their providers)\n"
    "  --gdb, --perf     tell gdb (JIT interface), perf (/tmp/perf-PID.map)\n"
    "  --no-crash-report no backtrace when a module crashes\n"
    "  --verify-free     fail unless nothing is left at the end\n"
    "  --verify MODE     off, warn, require: are modules signed by one of\n"
    "                    --keys DIR, or listed in --allow FILE?\n"
    "  --json            events for programs, one JSON object a line\n"
    "  -q, --quiet       print results only\n"
    "  -v, --verbose     print addresses and digests\n"
    "exit status: 0 all went well, 1 something failed, 2 usage, 130 Ctrl-C\n";

enum {
	OPT_UNMARKED = 1,
	OPT_DIRECT,
	OPT_JSON,
	OPT_KEEP,
	OPT_VERIFY_FREE,
	OPT_GDB,
	OPT_PERF,
	OPT_NO_CRASH,
};

static const struct option plain[] = {
	{ "unmarked", no_argument, NULL, OPT_UNMARKED },
	{ "direct", no_argument, NULL, OPT_DIRECT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "keep", no_argument, NULL, OPT_KEEP },
	{ "verify-free", no_argument, NULL, OPT_VERIFY_FREE },
	{ "gdb", no_argument, NULL, OPT_GDB },
	{ "perf", no_argument, NULL, OPT_PERF },
	{ "no-crash-report", no_argument, NULL, OPT_NO_CRASH },
	POLICY_OPTIONS,
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
};
#define NPLAIN (sizeof(plain) / sizeof(*plain))

/* --- the command line */

static bool add_folder(struct modpath *path, const char *folder)
{
	DIR *dir = opendir(folder);
	const char **more;

	if (dir == NULL) {
		tell_usage("-L %s: %s", folder, strerror(errno));
		return false;
	}
	(void)closedir(dir);
	more = realloc(path->folders, (path->nfolders + 1) * sizeof(*more));
	if (more == NULL) {
		tell_usage("no memory");
		return false;
	}
	path->folders = more;
	path->folders[path->nfolders++] = folder;
	return true;
}

static bool set_option(struct run *r, int c, const char *arg)
{
	struct run_options *o = &r->options;

	switch (c) {
	case 'L': return add_folder(&r->path, arg);
	case 'q': o->quiet = true; return true;
	case 'v': o->verbose = true; return true;
	case OPT_UNMARKED: o->load_flags |= TN_LOAD_UNMARKED; return true;
	case OPT_DIRECT: o->load_flags |= TN_LOAD_DIRECT; return true;
	case OPT_JSON: o->json = true; return true;
	case OPT_KEEP: o->keep = true; return true;
	case OPT_VERIFY_FREE: o->verify_free = true; return true;
	case OPT_GDB: o->host_flags |= TN_HOST_GDB_JIT; return true;
	case OPT_PERF: o->host_flags |= TN_HOST_PERF_MAP; return true;
	case OPT_NO_CRASH: o->no_crash_report = true; return true;
	case POLICY_VERIFY:
	case POLICY_KEYS:
	case POLICY_ALLOW: return policy_option(&o->verify, "run", c, arg);
	default: return c >= ACTION && action_add(r, (size_t)c - ACTION, arg);
	}
}

/* The table for getopt: the options and the actions. NULL: no memory. */
static struct option *all_options(void)
{
	const size_t n = action_count();
	struct option *all = calloc(n + NPLAIN + 1, sizeof(*all));

	if (all == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		all[i].name = action_option(i, &all[i].has_arg);
		all[i].val = ACTION + (int)i;
	}
	memcpy(all + n, plain, sizeof(plain));
	return all;
}

static bool parse(int argc, char **argv, struct run *r, int *status)
{
	struct option *longs = all_options();
	bool ok = longs != NULL;
	int c;

	*status = EXIT_USAGE;
	while (
	    ok && (c = getopt_long(argc, argv, "L:qvh", longs, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage_text, stdout);
			*status = EXIT_OK;
			ok = false;
		} else {
			ok = set_option(r, c, optarg);
		}
	}
	free(longs);
	if (!ok)
		return false;
	if (optind == argc)
		return say_usage("run", "MOD is missing");
	return words_parse(r, argv + optind, argc - optind);
}

/* --- the whole */

static bool run_all(struct run *r)
{
	bool ok = plan_make(r) && load_all(r) && actions_run(r);

	if (ok && r->options.keep && interrupt_pending() == 0) {
		tell_event(r, "ready", NULL);
		interrupt_wait();
	}
	if (interrupt_pending() != 0)
		tell_event(r, "interrupted", NULL);
	ok = unload_all(r) && ok;
	if (ok && r->options.verify_free)
		ok = verify_free(r);
	return ok;
}

/* A load in progress has a module that may hang from here on. */
static void on_event(void *arg, const struct tn_notice *n)
{
	(void)arg;
	if (n->event == TN_EVENT_LOADED)
		interrupt_changes(n->module, n->name);
}

/* Kept for the line that says what has become of the file. */
static void doubt(void *arg, const char *sentence)
{
	struct sign_why *out = arg;

	(void)snprintf(out->text, sizeof(out->text), "%s", sentence);
}

/* An exit status. */
static int open_policy(struct run *r)
{
	r->options.verify.say = doubt;
	r->options.verify.say_arg = &r->doubt;
	return policy_open(&r->options.verify, "run", &r->policy);
}

/* Names of local functions cost memory that a tool can spare. */
static bool open_engine(struct run *r)
{
	static const struct tn_listener listener = { .fn = on_event };
	const struct tn_host_config config = {
		.size = sizeof(config),
		.abi = 1,
		.flags = TN_HOST_KEEP_SYMBOLS | r->options.host_flags,
		.unpack_limit = RUN_FILE_MAX,
		.listeners = &listener,
		.nlisteners = 1,
		.verify = sign_policy_check,
		.verify_arg = r->policy,
	};

	if (tn_open(&config, &r->sys) != 0) {
		tell_failure(
		    r, "no_engine", NULL, "the engine cannot be opened");
		return false;
	}
	/* Without it a crash only says less. */
	if (!r->options.no_crash_report)
		(void)tn_crash_enable(TN_CRASH_LINES, -1);
	return true;
}

static int status_of(bool ok)
{
	if (interrupt_pending() != 0)
		return 128 + interrupt_pending();
	return ok ? EXIT_OK : EXIT_FAILED;
}

static void run_free(struct run *r)
{
	modpath_free(&r->path);
	words_free(r);
	actions_free(r);
	free(r->hint);
	free(r->plan);
	free(r->loaded);
}

int run_main(int argc, char **argv)
{
	struct run r = { 0 };
	int status;

	/* What modules print and what we print stay in order. */
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (parse(argc, argv, &r, &status))
		status = open_policy(&r);
	if (r.policy != NULL) {
		interrupt_install(r.options.json);
		status = status_of(open_engine(&r) && run_all(&r));
		tell_end(&r, status);
	}
	if (r.sys != NULL)
		(void)tn_close(r.sys); /* busy: permanent modules stay */
	sign_policy_close(r.policy);
	run_free(&r);
	return status;
}
