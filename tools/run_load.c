/* SPDX-License-Identifier: MIT */
/*
 * Loading what is planned, all of it or nothing, and unloading in the reverse
 * order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "run_tell.h"

static void note_loaded(struct run *r, struct tn_module *mod)
{
	struct tn_module_info info;
	struct run_loaded *l = &r->loaded[r->nloaded++];

	tn_module_info(mod, &info);
	*l = (struct run_loaded){ .mod = mod };
	(void)snprintf(l->name, sizeof(l->name), "%s", info.name);
}

static bool load_file(struct run *r, const struct modfile *f)
{
	const struct tn_load_args args = {
		.size = sizeof(args),
		.flags = r->options.load_flags,
		.path = f->path,
		.params = f->params,
	};
	struct tn_module *mod;
	struct tn_diag diag;

	tn_diag_init(&diag);
	r->doubt.text[0] = '\0';
	const int err = tn_load(r->sys, &args, &mod, &diag);

	interrupt_changes(NULL, NULL);
	if (err != 0) {
		tell_unloadable(r, &diag, f);
	} else {
		note_loaded(r, mod);
		tell_loaded(r, f, mod, &diag);
		if (r->doubt.text[0] != '\0')
			tell_doubt(r, f->name);
	}
	tn_diag_fini(&diag);
	return err == 0;
}

bool load_all(struct run *r)
{
	bool ok = true;

	r->loaded = calloc(r->nplan + 1, sizeof(*r->loaded));
	if (r->loaded == NULL) {
		tell_failure(r, "no_memory", NULL, "no memory");
		return false;
	}
	r->nworld = tn_symbol_count(r->sys);
	for (size_t i = 0; i < r->nplan && ok && interrupt_pending() == 0;
	     i++) {
		tell_progress(r, "loading", i, r->nplan);
		ok = load_file(r, r->plan[i]);
	}
	tell_progress(r, "loading", r->nplan, r->nplan);
	return ok;
}

struct run_loaded *loaded_find(struct run *r, const char *word)
{
	char name[TN_MODULE_NAME_MAX];

	if (tn_module_name(word, name))
		for (size_t i = 0; i < r->nloaded; i++)
			if (!r->loaded[i].is_gone &&
			    strcmp(r->loaded[i].name, name) == 0)
				return &r->loaded[i];
	tell_failure(r, "not_loaded", word, "no module %s is loaded", word);
	return NULL;
}

#define PATIENCE_NS UINT64_C(1000000000)

/* Nobody holds it: a timer or thread of its own, or a call, is just at work. */
static bool is_only_busy(const struct tn_diag *diag)
{
	if (diag->reason != TN_REASON_IN_USE || diag->value != 0)
		return false;
	for (size_t i = 0; i < diag->nholders; i++)
		if (!diag->holders ||
		    diag->holders[i].kind != TN_HOLDER_RUNNING)
			return false;
	return true;
}

static int unload(
    struct run *r, const struct run_loaded *l, struct tn_diag *diag)
{
	const struct tn_unload_args wait = { .size = sizeof(wait),
		.flags = TN_UNLOAD_WAIT,
		.timeout_ns = PATIENCE_NS };

	interrupt_changes(l->mod, l->name);
	int err = tn_unload(r->sys, l->mod, diag);

	if (err != 0 && is_only_busy(diag))
		err = tn_unload_with(r->sys, l->mod, &wait, diag);
	interrupt_changes(NULL, NULL);
	return err;
}

bool unload_one(struct run *r, struct run_loaded *l)
{
	struct tn_diag diag;

	tn_diag_init(&diag);
	l->is_gone = unload(r, l, &diag) == 0;
	if (l->is_gone)
		tell_event(r, "unloaded", l->name);
	else
		tell_diag(r, &diag, l->name);
	tn_diag_fini(&diag);
	return l->is_gone;
}

/* What is permanent stays, and what that needs; neither is a failure. */
static bool is_expected(const struct run *r, const struct tn_diag *diag)
{
	bool kept = false;

	for (size_t i = 0; i < r->nloaded; i++)
		kept |= r->loaded[i].is_kept;
	return diag->reason == TN_REASON_NO_EXIT ||
	       diag->reason == TN_REASON_ESSENTIAL ||
	       (kept && diag->reason == TN_REASON_IN_USE);
}

static bool unload_last(struct run *r, struct run_loaded *l)
{
	struct tn_diag diag;
	bool ok = true;

	tn_diag_init(&diag);
	if (unload(r, l, &diag) == 0) {
		l->is_gone = true;
		tell_event(r, "unloaded", l->name);
	} else if (is_expected(r, &diag)) {
		l->is_kept = true;
		tell_kept(r, l->name, &diag);
	} else {
		tell_diag(r, &diag, l->name);
		ok = false;
	}
	tn_diag_fini(&diag);
	return ok;
}

bool unload_all(struct run *r)
{
	bool ok = true;

	for (size_t i = r->nloaded; i-- != 0;) {
		tell_progress(r, "unloading", r->nloaded - 1 - i, r->nloaded);
		if (!r->loaded[i].is_gone)
			ok = unload_last(r, &r->loaded[i]) && ok;
	}
	tell_progress(r, "unloading", r->nloaded, r->nloaded);
	return ok;
}

static int count(void *arg, struct tn_module *mod)
{
	size_t *n = arg;

	(void)mod;
	(*n)++;
	return 0;
}

bool verify_free(struct run *r)
{
	const size_t symbols = tn_symbol_count(r->sys);
	size_t modules = 0;

	(void)tn_module_each(r->sys, count, &modules);
	if (modules == 0 && symbols == r->nworld) {
		tell_event(r, "free", NULL);
		return true;
	}
	tell_failure(r, "not_free", NULL,
	    "%zu modules and %zu exports of modules are left", modules,
	    symbols - r->nworld);
	return false;
}
