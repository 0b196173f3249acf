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
#define SLICE_NS    UINT64_C(200000000)

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

typedef int leave_fn(struct tn_system *sys, const char *name,
    const struct tn_unload_args *args, struct tn_diag *diag);

/*
 * Waits in slices: a host that stops unloads all, so whoever waits for one that
 * is in use must not hold that up.
 */
static int leave(struct request *q, leave_fn *fn, const char *name,
    const struct tn_unload_args *args, struct tn_diag *diag)
{
	const uint64_t until = host_now_ns() + args->timeout_ns;
	struct tn_unload_args slice = *args;
	bool last;
	int err;

	do {
		const uint64_t now = host_now_ns();
		const uint64_t left = until > now ? until - now : 0;

		last = left <= SLICE_NS || atomic_load(&q->host->stopping);
		slice.timeout_ns = left < SLICE_NS ? left : SLICE_NS;
		tn_diag_fini(diag);
		tn_diag_init(diag);
		err = fn(q->host->sys, name, &slice, diag);
		/* A module may answer the same to its stop. */
	} while (
	    !last && err == -TN_ETIMEDOUT && diag->reason == TN_REASON_IN_USE);
	return err;
}

/* --- rmmod */

struct names {
	char words[NAMES_MAX][TN_MODULE_NAME_MAX];
	const char *list[NAMES_MAX];
	uint32_t n;
};

/* False: the request has failed. */
static bool add_name(struct request *q, struct names *names, const char *word)
{
	char *name;

	if (names->n == NAMES_MAX) {
		reply_fail(
		    q, -TN_EFBIG, "field", "more than %u names", NAMES_MAX);
		return false;
	}
	name = names->words[names->n];
	if (!tn_module_name(word, name)) {
		reply_fail(q, -TN_ENOENT, "not_loaded",
		    "%s: that is no name of a module", word);
		return false;
	}
	names->list[names->n++] = name;
	return true;
}

static bool add_names(struct request *q, struct names *names, char *words)
{
	const char *word;

	while ((word = strsep(&words, ",")) != NULL)
		if (!add_name(q, names, word))
			return false;
	return true;
}

/* One may be waited for or forced, which a set cannot. */
static void unload(struct request *q, const struct names *names,
    const struct tn_unload_args *args)
{
	struct tn_system *sys = q->host->sys;
	struct tn_diag diag;
	int err;

	if (names->n != 1 && (args->flags & TN_UNLOAD_WAIT) != 0) {
		reply_fail(q, -TN_EINVAL, "field",
		    "only one module can be waited for");
		return;
	}
	tn_diag_init(&diag);
	err = names->n == 1
		  ? leave(q, tn_unload_name, names->list[0], args, &diag)
		  : tn_unload_names(sys, names->list, names->n, args, &diag);
	answer(q, err, &diag, names->n == 1 ? names->list[0] : "the set");
}

void verb_rmmod(struct request *q)
{
	struct tn_unload_args args;
	struct names *names;
	char *list;

	if (!unload_args(q, &args) || !list_of(q, "names", &list))
		return;
	names = calloc(1, sizeof(*names));
	if (names == NULL)
		reply_no_memory(q);
	else if (add_names(q, names, list))
		unload(q, names, &args);
	free(names);
	free(list);
}

/* --- start and stop */

/* The module that the request names; it need not run. */
static bool name_of(struct request *q, char name[TN_MODULE_NAME_MAX])
{
	const char *word;

	if (!need(q, "module", &word))
		return false;
	if (tn_module_name(word, name))
		return true;
	reply_fail(q, -TN_ENOENT, "not_loaded",
	    "%s: that is no name of a module", word);
	return false;
}

void verb_start(struct request *q)
{
	char name[TN_MODULE_NAME_MAX];
	struct tn_diag diag;
	int err;

	if (!name_of(q, name))
		return;
	tn_diag_init(&diag);
	err = tn_start_name(q->host->sys, name, &diag);
	answer(q, err, &diag, name);
}

void verb_stop(struct request *q)
{
	char name[TN_MODULE_NAME_MAX];
	struct tn_unload_args args;
	struct tn_diag diag;
	int err;

	if (!unload_args(q, &args) || !name_of(q, name))
		return;
	tn_diag_init(&diag);
	err = leave(q, tn_stop_name, name, &args, &diag);
	answer(q, err, &diag, name);
}
