/* SPDX-License-Identifier: MIT */
/*
 * What is done with the modules once they are loaded, in the order of the
 * command line: a table of options, each with a function that checks its
 * argument before anything is loaded and one that does it.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "run_tell.h"

struct run_action_kind {
	const char *option;
	const char *argument; /* what it must look like, or NULL: none */
	bool is_optional;
	bool (*parse)(struct run_action *a);
	bool (*run)(struct run *r, const struct run_action *a);
};

/* --- arguments */

static bool parse_name(struct run_action *a)
{
	a->name = a->text;
	return *a->name != '\0';
}

static bool parse_nothing(struct run_action *a)
{
	a->name = a->text; /* NULL: every module */
	return a->name == NULL || *a->name != '\0';
}

/* "MOD.PARAM" */
static bool parse_get(struct run_action *a)
{
	char *dot = strrchr(a->text, '.');

	if (dot == NULL || dot == a->text || dot[1] == '\0')
		return false;
	*dot = '\0';
	a->name = a->text;
	a->param = dot + 1;
	return true;
}

/* "MOD.PARAM=VALUE" */
static bool parse_set(struct run_action *a)
{
	char *equal = strchr(a->text, '=');

	if (equal == NULL)
		return false;
	*equal = '\0';
	a->value = equal + 1;
	return parse_get(a);
}

/* --- actions */

static bool run_get(struct run *r, const struct run_action *a)
{
	const struct run_loaded *l = loaded_find(r, a->name);
	size_t length = 0;
	char *text;

	if (l == NULL)
		return false;
	const int err = tn_param_get(l->mod, a->param, NULL, 0, &length);

	if (err == -TN_EOPNOTSUPP)
		tell_failure(r, "no_value", l->name,
		    "%s: the value of parameter '%s' cannot be read: it is not "
		    "in memory of the module's",
		    l->name, a->param);
	else if (err != 0)
		tell_failure(r, "no_parameter", l->name,
		    "%s: it shows no parameter '%s'", l->name, a->param);
	if (err != 0)
		return false;
	text = calloc(1, length + 1);
	if (text != NULL)
		(void)tn_param_get(l->mod, a->param, text, length + 1, &length);
	tell_param(r, "get", a, text != NULL ? text : "");
	free(text);
	return true;
}

static bool run_set(struct run *r, const struct run_action *a)
{
	const struct run_loaded *l = loaded_find(r, a->name);
	struct tn_diag diag;
	bool ok;

	if (l == NULL)
		return false;
	tn_diag_init(&diag);
	ok = tn_param_set(l->mod, a->param, a->value, &diag) == 0;
	if (ok)
		tell_param(r, "set", a, a->value);
	else
		tell_diag(r, &diag, l->name);
	tn_diag_fini(&diag);
	return ok;
}

static bool run_unload(struct run *r, const struct run_action *a)
{
	struct run_loaded *l = loaded_find(r, a->name);

	return l != NULL && unload_one(r, l);
}

static bool finish_change(
    struct run *r, const struct run_loaded *l, int err, struct tn_diag *diag)
{
	struct tn_module_info info;

	interrupt_changes(NULL, NULL);
	tn_module_info(l->mod, &info);
	if (err == 0)
		tell_event(r,
		    info.state == TN_STATE_RUNNING ? "started" : "stopped",
		    l->name);
	else
		tell_diag(r, diag, l->name);
	tn_diag_fini(diag);
	return err == 0;
}

static bool run_start(struct run *r, const struct run_action *a)
{
	const struct run_loaded *l = loaded_find(r, a->name);
	struct tn_diag diag;

	if (l == NULL)
		return false;
	tn_diag_init(&diag);
	interrupt_changes(l->mod, l->name);
	return finish_change(r, l, tn_start(r->sys, l->mod, &diag), &diag);
}

static bool run_stop(struct run *r, const struct run_action *a)
{
	const struct run_loaded *l = loaded_find(r, a->name);
	struct tn_diag diag;

	if (l == NULL)
		return false;
	tn_diag_init(&diag);
	interrupt_changes(l->mod, l->name);
	return finish_change(r, l, tn_stop(r->sys, l->mod, NULL, &diag), &diag);
}

static bool run_list(struct run *r, const struct run_action *a)
{
	(void)a;
	return look_list(r);
}

static bool run_ledger(struct run *r, const struct run_action *a)
{
	bool ok = true;

	if (a->name != NULL) {
		const struct run_loaded *l = loaded_find(r, a->name);

		return l != NULL && look_ledger(r, l);
	}
	for (size_t i = 0; i < r->nloaded && ok; i++)
		ok = r->loaded[i].is_gone || look_ledger(r, &r->loaded[i]);
	return ok;
}

static const struct run_action_kind kinds[] = {
	// clang-format off
	{ "call", "SYM[,INTEGER..], at most six", false, call_parse, call_run },
	{ "set", "MOD.PARAM=VALUE", false, parse_set, run_set },
	{ "get", "MOD.PARAM", false, parse_get, run_get },
	{ "unload", "MOD", false, parse_name, run_unload },
	{ "start", "MOD", false, parse_name, run_start },
	{ "stop", "MOD", false, parse_name, run_stop },
	{ "list", NULL, false, parse_nothing, run_list },
	{ "ledger", "MOD, or nothing", true, parse_nothing, run_ledger },
	// clang-format on
};

size_t action_count(void)
{
	return sizeof(kinds) / sizeof(*kinds);
}

const char *action_option(size_t kind, int *has_arg)
{
	*has_arg = kinds[kind].argument == NULL ? no_argument
		   : kinds[kind].is_optional    ? optional_argument
						: required_argument;
	return kinds[kind].option;
}

bool action_add(struct run *r, size_t kind, const char *text)
{
	struct run_action *more =
	    realloc(r->actions, (r->nactions + 1) * sizeof(*more));

	if (more == NULL) {
		tell_usage("no memory");
		return false;
	}
	r->actions = more;
	struct run_action *a = &more[r->nactions++];

	*a = (struct run_action){ .kind = &kinds[kind] };
	if (text != NULL) {
		a->text = strdup(text);
		if (a->text == NULL) {
			tell_usage("no memory");
			return false;
		}
	}
	if (kinds[kind].parse(a))
		return true;
	tell_usage(
	    "--%s %s: not %s", kinds[kind].option, text, kinds[kind].argument);
	return false;
}

bool actions_run(struct run *r)
{
	bool ok = true;

	for (size_t i = 0; i < r->nactions && ok && interrupt_pending() == 0;
	     i++)
		ok = r->actions[i].kind->run(r, &r->actions[i]);
	return ok;
}

void actions_free(struct run *r)
{
	for (size_t i = 0; i < r->nactions; i++)
		free(r->actions[i].text);
	free(r->actions);
}
