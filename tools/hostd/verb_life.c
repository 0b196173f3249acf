/* SPDX-License-Identifier: MIT */
/*
 * Requests that end or change what is loaded: rmmod, start, stop.
 */
#include "host.h"

#include <stdlib.h>
#include <string.h>

#include <tenon/err.h>

#define WAIT_MAX_MS 86400000u /* a day */
#define NAMES_MAX   256

/* The fields force and wait. */
static bool unload_args(struct request *q, struct tn_unload_args *out)
{
	uint64_t ms = 0;
	bool force = false;

	*out = (struct tn_unload_args){ .size = sizeof(*out) };
	if (!number(q, "wait", WAIT_MAX_MS, &ms) || !flag(q, "force", &force))
		return false;
	if (wire_get(q->line, "wait") != NULL)
		out->flags |= TN_UNLOAD_WAIT;
	if (force)
		out->flags |= TN_UNLOAD_FORCE;
	out->timeout_ns = ms * 1000000u;
	return true;
}

static void answer(
    struct request *q, int err, struct tn_diag *diag, const char *name)
{
	if (err != 0)
		reply_diag(q, diag, name);
	else
		reply_ok(q);
	tn_diag_fini(diag);
}

static void rmmod_one(
    struct request *q, const char *word, const struct tn_unload_args *args)
{
	char name[TN_MODULE_NAME_MAX];
	struct tn_diag diag;

	if (!tn_module_name(word, name)) {
		reply_fail(q, -TN_ENOENT, "not_loaded",
		    "%s: that is no name of a module", word);
		return;
	}
	tn_diag_init(&diag);
	const int err = tn_unload_name(q->host->sys, name, args, &diag);

	answer(q, err, &diag, name);
}

/* --- several at once */

struct names {
	char *list[NAMES_MAX];
	struct tn_module *modules[NAMES_MAX];
	uint32_t n, found;
};

static int look(void *arg, struct tn_module *mod)
{
	struct names *names = arg;
	struct tn_module_info info;

	tn_module_info(mod, &info);
	for (uint32_t i = 0; i < names->n; i++) {
		char name[TN_MODULE_NAME_MAX];

		if (names->modules[i] == NULL &&
		    tn_module_name(names->list[i], name) &&
		    strcmp(name, info.name) == 0) {
			names->modules[i] = mod;
			names->found++;
		}
	}
	return 0;
}

static void rmmod_set(
    struct request *q, struct names *names, const struct tn_unload_args *args)
{
	struct tn_diag diag;

	if (args->flags & TN_UNLOAD_WAIT) {
		reply_fail(q, -TN_EINVAL, "field",
		    "only one module can be waited for");
		return;
	}
	(void)tn_module_each(q->host->sys, look, names);
	for (uint32_t i = 0; i < names->n; i++) {
		if (names->modules[i] != NULL)
			continue;
		reply_fail(q, -TN_ENOENT, "not_loaded", "%s is not loaded",
		    names->list[i]);
		return;
	}
	tn_diag_init(&diag);
	const int err =
	    tn_unload_set(q->host->sys, names->modules, names->n, args, &diag);

	answer(q, err, &diag, "the set");
}

void verb_rmmod(struct request *q)
{
	struct tn_unload_args args;
	struct names *names;
	const char *words;
	char *copy, *rest, *word;

	if (!need(q, "names", &words) || !unload_args(q, &args))
		return;
	copy = rest = strdup(words);
	names = calloc(1, sizeof(*names));
	if (copy == NULL || names == NULL) {
		reply_fail(q, -TN_ENOMEM, "no_memory", "no memory");
	} else {
		while (
		    names->n < NAMES_MAX && (word = strsep(&rest, ",")) != NULL)
			names->list[names->n++] = word;
		if (rest != NULL)
			reply_fail(q, -TN_EFBIG, "field", "more than %u names",
			    NAMES_MAX);
		else if (names->n == 1)
			rmmod_one(q, names->list[0], &args);
		else if (records_hold(q, true)) {
			rmmod_set(q, names, &args);
			(void)pthread_rwlock_unlock(&q->host->records);
		}
	}
	free(names);
	free(copy);
}

/* --- start and stop */

/*
 * A stopped module gives no references, so it is looked up under the registry
 * lock, and hostd.records keeps its record from being forgotten.
 */
struct lookup {
	char name[TN_MODULE_NAME_MAX];
	struct tn_module *found;
};

static int match(void *arg, struct tn_module *mod)
{
	struct lookup *l = arg;
	struct tn_module_info info;

	tn_module_info(mod, &info);
	if (strcmp(info.name, l->name) != 0)
		return 0;
	l->found = mod;
	return 1;
}

static bool loaded_of(struct request *q, struct lookup *l)
{
	const char *word;

	*l = (struct lookup){ .found = NULL };
	if (!need(q, "module", &word))
		return false;
	if (tn_module_name(word, l->name))
		(void)tn_module_each(q->host->sys, match, l);
	if (l->found != NULL)
		return true;
	reply_fail(q, -TN_ENOENT, "not_loaded", "no module %s is loaded", word);
	return false;
}

static void start(struct request *q)
{
	struct lookup l;
	struct tn_diag diag;

	if (!loaded_of(q, &l))
		return;
	tn_diag_init(&diag);
	const int err = tn_start(q->host->sys, l.found, &diag);

	answer(q, err, &diag, l.name);
}

static void stop(struct request *q)
{
	struct tn_unload_args args;
	struct lookup l;
	struct tn_diag diag;

	if (!unload_args(q, &args) || !loaded_of(q, &l))
		return;
	tn_diag_init(&diag);
	const int err = tn_stop(q->host->sys, l.found, &args, &diag);

	answer(q, err, &diag, l.name);
}

static void alone(struct request *q, verb_fn *fn)
{
	if (!records_hold(q, true))
		return;
	fn(q);
	(void)pthread_rwlock_unlock(&q->host->records);
}

void verb_start(struct request *q)
{
	alone(q, start);
}

void verb_stop(struct request *q)
{
	alone(q, stop);
}
