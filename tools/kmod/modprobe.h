/* SPDX-License-Identifier: MIT */
/*
 * Between the files of modprobe: one run of the command.
 *
 *     modprobe.c          options and what they ask for
 *     modprobe_plan.c     which modules in which order
 *     modprobe_insert.c   show them, load them
 *     modprobe_remove.c   show and unload
 *     modprobe_show.c     the configuration
 *     modprobe_file.c     versions and exports of a file
 *     modprobe_explain.c  why each module is loaded; who provides a symbol
 */
#pragma once

#include <kmod/backend.h>

#include "catalog.h"

/* What the options say. */
struct modprobe_options {
	bool all, remove, remove_holders, first_time, bare, blacklist;
	bool resolve, depends, dry_run, show_config, versions, exports;
	bool ignore_versions, ignore_vermagic, use_syslog;
	/* not kmod's */
	bool kernel, run_commands, explain, json;
	const char *socket;
	const char *provides;
	long wait_ms; /* 0: do not wait */
	int verbose;  /* enum report_level */
	const char *root, *version;
	const char
	    *passed_on; /* to modprobe in commands: " -v -C x"; or NULL */
	const char *configs[17]; /* ended by NULL */
	unsigned nconfigs;
};

struct modprobe {
	struct modprobe_options o;
	struct report report;
	struct catalog catalog;
	bool show;    /* print the actions */
	bool stopped; /* by something fatal: nothing more is done */
	const struct module *asked; /* what is removed for its own sake */
	const struct backends *backends;
	const struct backend_ops *ops; /* NULL: not open */
	struct backend *be;
	struct backend_why why;
};

/* Why a module is in a plan. */
enum plan_why {
	PLAN_WANTED, /* it is what was asked for */
	PLAN_NEEDED, /* modules.dep: @of needs it */
	PLAN_BEFORE, /* softdep @of pre: */
	PLAN_AFTER   /* softdep @of post: */
};

struct plan_reason {
	enum plan_why why;
	const struct module *of;            /* NULL of PLAN_WANTED */
	const struct config_entry *softdep; /* of PLAN_BEFORE and PLAN_AFTER */
};

/* A row of modules in the order of loading; some stand there repeatedly. */
struct plan_step {
	struct plan_step *next;
	struct module *module;
	struct plan_reason reason;
};

struct plan {
	struct catalog *catalog;
	struct plan_step *first, **end;
};

/*
 * Everything that is to be loaded for @m, which comes last but for its soft
 * dependencies. @bare: its own soft dependencies and command do not count.
 * 0 or -TN_ENOMEM.
 */
MUST_CHECK int probe_plan(
    struct plan *p, struct catalog *c, struct module *m, bool bare);

/* The command of @kind that stands for @m, or NULL. */
const char *module_command(
    const struct catalog *c, const struct module *m, enum config_kind kind);

/*
 * Opens the back end that the options name. For a dry run, one that is not
 * there is replaced by an empty world. 0 or a reported error.
 */
MUST_CHECK int modprobe_connect(struct modprobe *mp);

/*
 * Reports what kmod calls fatal: shown as such it ends the command, while with
 * --all it is a warning, and with -q nothing but a failure.
 */
PRINTF_LIKE(2, 3)
void modprobe_fatal(struct modprobe *mp, const char *fmt, ...);

/* What the back end and modules.builtin say of @m: enum backend_state. */
int modprobe_state(struct modprobe *mp, struct module *m, int64_t *refs);

/*
 * `install` or `remove` COMMAND for @m, "$CMDLINE_OPTS" being @options; only
 * with --run-commands. 0 or a reported error.
 */
MUST_CHECK int modprobe_run_command(struct modprobe *mp, const struct module *m,
    enum config_kind kind, const char *options);

/* The applet's actions: 0 or a negative error, which has been reported. */
int modprobe_insert(struct modprobe *mp, const char *name, const char *options);
int modprobe_remove(struct modprobe *mp, const char *name);
int modprobe_show_config(struct modprobe *mp);
int modprobe_show_versions(struct modprobe *mp, const char *path);
int modprobe_show_exports(struct modprobe *mp, const char *path);

/* What a step of the plan for @wanted does. */
struct action {
	const struct plan_step *step;
	const struct module *wanted;
	const char *command; /* of install, or NULL */
	const char *options;
};

/* -R: one of the modules that @name stands for. */
void modprobe_show_found(
    struct modprobe *mp, const char *name, const struct module *m);

/* For --explain and --json: prints one action of insert. */
void modprobe_explain(struct modprobe *mp, const struct action *a);
int modprobe_provides(struct modprobe *mp, const char *symbol);
