/* SPDX-License-Identifier: MIT */
/*
 * What the parts of `tenon run` share.
 *
 *	run.c          options, and the whole in its order
 *	run_words.c    the command line's words: modules and parameters
 *	run_plan.c     which files are loaded, dependencies first
 *	run_load.c     loading and unloading them
 *	run_action.c   what --call, --set, ... do: a table
 *	run_call.c     calling a function with integers
 *	run_look.c     --list and --ledger
 *	run_tell.c     what is printed: text or JSON
 *	interrupt.c    Ctrl-C
 *
 * One thread does it all. Functions that return bool have said what went wrong
 * when they return false.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sign/policy.h>
#include <tenon/crash.h>
#include <tenon/param.h>
#include <tenon/tenon.h>

#include "modfile.h"

#define MAX_CALL_ARGS 6

/* The largest file, as it is or unpacked. */
#define RUN_FILE_MAX      ((size_t)1 << 30)
#define RUN_FILE_MAX_TEXT "1 GiB"

struct run_options {
	unsigned load_flags; /* TN_LOAD_* */
	unsigned host_flags; /* TN_HOST_* */
	struct sign_config verify;
	bool quiet, verbose, json, keep, verify_free, no_crash_report;
};

/* A module as the user named it. */
struct run_source {
	const char *word;
	char *params;  /* "a=1 b=2", or NULL */
	bool is_param; /* of the module before it, without a value */
};

struct run_loaded {
	struct tn_module *mod;
	char name[TN_MODULE_NAME_MAX];
	bool is_gone; /* unloaded by an action */
	bool is_kept; /* permanent */
};

/* One action of the command line, checked before anything is loaded. */
struct run_action {
	const struct run_action_kind *kind;
	char *text; /* the argument, cut into: */
	const char *name, *param, *value;
	int64_t args[MAX_CALL_ARGS];
	size_t nargs;
};

struct run {
	struct run_options options;
	struct tn_system *sys;
	struct sign_policy *policy;
	struct sign_why doubt; /* of the policy, about the last file */
	char *hint; /* an end of the next sentence of the engine, or NULL */
	struct modpath path;
	struct run_source *sources;
	size_t nsources;
	struct run_action *actions;
	size_t nactions;
	struct modfile **plan; /* in the order of loading */
	size_t nplan;
	struct run_loaded *loaded; /* in the order of loading */
	size_t nloaded;
	size_t nworld; /* exports before the first load */
};

/* --- run_words.c; status 2 is due when one returns false */

bool words_parse(struct run *r, char **words, int n);
void words_free(struct run *r);

/* --- run_plan.c */

bool plan_make(struct run *r);

/* --- run_load.c */

bool load_all(struct run *r);
bool unload_all(struct run *r);
/* Is nothing left? Says so. */
bool verify_free(struct run *r);
/* The loaded module that the user calls @word. */
struct run_loaded *loaded_find(struct run *r, const char *word);
bool unload_one(struct run *r, struct run_loaded *l);

/* --- run_action.c */

/* Adds an action; @kind is below action_count(). Status 2 if false. */
bool action_add(struct run *r, size_t kind, const char *text);
bool actions_run(struct run *r);
void actions_free(struct run *r);

/* What getopt_long needs to know about actions. */
size_t action_count(void);
const char *action_option(size_t kind, int *has_arg);

/* --- run_call.c */

/* Cuts "SYM,1,0x2"; false: it is something else. Prints nothing. */
bool call_parse(struct run_action *a);
bool call_run(struct run *r, const struct run_action *a);

/* --- run_look.c */

bool look_list(struct run *r);
bool look_ledger(struct run *r, const struct run_loaded *l);
