/* SPDX-License-Identifier: MIT */
/*
 * What can be asked of a module that is loaded, besides to go: start, and its
 * state out and in. Stopping is the first part of unloading: unload.c.
 */
#include "module.h"

typedef int save_fn(struct tn_module *mod, void *buf, size_t cap, size_t *len);
typedef int restore_fn(struct tn_module *mod, const void *buf, size_t len);

#define RESTING (1u << TN_STATE_INITIALIZED | 1u << TN_STATE_STOPPED)

/* Nobody else works on @mod from here on; its state is one of @states. */
static int begin_locked(struct activity *act, enum activity_kind kind,
    struct tn_module *mod, unsigned states, struct tn_diag *d)
{
	activity_init(act, mod->sys);
	if (module_activity(mod) != NULL)
		return activity_refuse_locked(act, mod, d);
	if (mod->gen == NULL)
		return module_fail_absent(d, mod->name);
	if ((states >> mod->state & 1) == 0)
		return module_fail_state(d, mod);
	return activity_begin_locked(act, kind, mod, d);
}

static int begin(struct activity *act, enum activity_kind kind,
    struct tn_module *mod, unsigned states, struct tn_diag *d)
{
	int err;

	registry_lock(mod->sys);
	err = begin_locked(act, kind, mod, states, d);
	registry_unlock(mod->sys);
	return err;
}

/* @state: what it is, or RUNNING. */
static void end(struct activity *act, enum tn_state state)
{
	struct tn_module *mod = act->mod;
	struct tn_system *sys = mod->sys;

	if (state != mod->state)
		module_run(mod);
	registry_lock(sys);
	activity_end_locked(act, 0, NULL);
	registry_unlock(sys);
}

/* Starts, or goes back to what it was. */
static int start(struct activity *act, struct tn_diag *d)
{
	struct tn_module *mod = act->mod;
	const int err = generation_run_hook(
	    mod->gen, HOOK_START, TN_REASON_START_FAILED, d);

	end(act, err == 0 ? TN_STATE_RUNNING : mod->state);
	return err;
}

int tn_start(struct tn_system *sys, struct tn_module *mod, struct tn_diag *diag)
{
	struct tn_diag scratch = { 0 };
	struct activity act;
	int err;

	(void)sys;
	diag = diag != NULL ? diag : &scratch;
	err = begin(&act, ACTIVITY_START, mod, RESTING, diag);
	if (err == 0)
		err = start(&act, diag);
	tn_diag_fini(&scratch);
	return err;
}

int tn_start_name(struct tn_system *sys, const char *name, struct tn_diag *diag)
{
	struct tn_diag scratch = { 0 };
	struct tn_module *mod;
	struct activity act;
	int err;

	diag = diag != NULL ? diag : &scratch;
	registry_lock(sys);
	mod = module_find_locked(sys, name);
	err = mod == NULL
		  ? module_fail_absent(diag, name)
		  : begin_locked(&act, ACTIVITY_START, mod, RESTING, diag);
	registry_unlock(sys);
	if (err == 0)
		err = start(&act, diag);
	tn_diag_fini(&scratch);
	return err;
}

static int fail_hook(const struct tn_module *mod, const char *hook, int result,
    struct tn_diag *d)
{
	(void)diag_fail(
	    d, TN_STAGE_INIT, TN_REASON_STATE_FAILED, mod->name, hook);
	return diag_result(d, result);
}

static int fail_unsupported(
    const struct tn_module *mod, const char *hook, struct tn_diag *d)
{
	return diag_fail(
	    d, TN_STAGE_INIT, TN_REASON_UNSUPPORTED, mod->name, hook);
}

/* What tn_module_save is to fill. */
struct room {
	void *buf;
	size_t cap;
	size_t *len;
};

static int save(struct tn_module *mod, const struct room *r, struct tn_diag *d)
{
	const struct generation *gen = mod->gen;
	const bool running = mod->state == TN_STATE_RUNNING;
	int err = 0;

	if (gen->hook[HOOK_SAVE] == 0)
		return fail_unsupported(mod, "save_state", d);
	if (running)
		err = generation_run_hook(gen, HOOK_QUIESCE, TN_REASON_VETO, d);
	if (err != 0)
		return d->error = -TN_EPERM;
	err = ((save_fn *)(uintptr_t)gen->hook[HOOK_SAVE])(
	    mod, r->buf, r->cap, r->len);
	if (running)
		generation_run_resume(gen);
	return err == 0 ? 0 : fail_hook(mod, "save_state", err, d);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the module writes it */
int tn_module_save(struct tn_module *mod, void *buf, size_t cap, size_t *len,
    struct tn_diag *diag)
{
	const struct room room = { buf, cap, len };
	struct tn_diag scratch = { 0 };
	struct activity act;
	int err;

	diag = diag != NULL ? diag : &scratch;
	err = begin(&act, ACTIVITY_SAVE, mod,
	    1u << TN_STATE_RUNNING | 1u << TN_STATE_STOPPED, diag);
	if (err == 0) {
		err = save(mod, &room, diag);
		end(&act, mod->state);
	}
	tn_diag_fini(&scratch);
	return err;
}

static int restore(
    struct tn_module *mod, const void *buf, size_t len, struct tn_diag *d)
{
	const uint64_t hook = mod->gen->hook[HOOK_RESTORE];
	int err;

	if (hook == 0)
		return fail_unsupported(mod, "restore_state", d);
	err = ((restore_fn *)(uintptr_t)hook)(mod, buf, len);
	return err == 0 ? 0 : fail_hook(mod, "restore_state", err, d);
}

int tn_module_restore(
    struct tn_module *mod, const void *buf, size_t len, struct tn_diag *diag)
{
	struct tn_diag scratch = { 0 };
	struct activity act;
	int err;

	diag = diag != NULL ? diag : &scratch;
	err = begin(&act, ACTIVITY_RESTORE, mod, RESTING, diag);
	if (err == 0) {
		err = restore(mod, buf, len, diag);
		if (err == 0)
			err = start(&act, diag);
		else
			end(&act, mod->state);
	}
	tn_diag_fini(&scratch);
	return err;
}
