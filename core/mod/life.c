/* SPDX-License-Identifier: MIT */
/*
 * What can be asked of a module that is loaded, besides to go: start, and its
 * state out and in. Stopping is the first part of unloading: unload.c.
 */
#include "module.h"

typedef int save_fn(struct tn_module *mod, void *buf, size_t cap, size_t *len);
typedef int restore_fn(struct tn_module *mod, const void *buf, size_t len);

/* What is done to a module that nobody else works on meanwhile. */
struct operation {
	enum activity_kind kind;
	unsigned states; /* bits: those in which it is possible */
	bool starts;     /* it is RUNNING afterwards, else what it was */
	int (*run)(struct tn_module *mod, const void *arg, struct tn_diag *d);
};

#define RESTING (1u << TN_STATE_INITIALIZED | 1u << TN_STATE_STOPPED)

/* Nobody else works on @mod from here on. */
REQUIRES(registry_role)
static int begin_locked(struct activity *act, const struct operation *op,
    struct tn_module *mod, struct tn_diag *d)
{
	/* Hooks may sleep; and an unload would wait for this one. */
	if (gate_is_inside())
		return diag_fail(d, TN_STAGE_UNLOAD, TN_REASON_INSIDE, "", "");
	activity_init(act, mod->sys);
	if (module_activity(mod) != NULL)
		return activity_refuse_locked(act, mod, d);
	if (mod->gen == NULL)
		return module_fail_absent(d, mod->name);
	if ((op->states >> mod->state & 1) == 0)
		return module_fail_state(d, mod);
	return activity_begin_locked(act, op->kind, mod, d);
}

/* Does what has begun, and ends it. */
static int carry_out(const struct operation *op, struct activity *act,
    struct tn_module *mod, const void *arg, struct tn_diag *d)
{
	const int err = op->run(mod, arg, d);

	if (err == 0 && op->starts)
		module_run(mod);
	registry_lock(mod->sys);
	activity_end_locked(act, 0, NULL);
	registry_unlock(mod->sys);
	return err;
}

static int operate(const struct operation *op, struct tn_module *mod,
    const void *arg, struct tn_diag *diag)
{
	struct tn_diag scratch = { 0 };
	struct activity act;
	int err;

	diag = diag != NULL ? diag : &scratch;
	registry_lock(mod->sys);
	err = begin_locked(&act, op, mod, diag);
	registry_unlock(mod->sys);
	if (err == 0)
		err = carry_out(op, &act, mod, arg, diag);
	tn_diag_fini(&scratch);
	return err;
}

static int start(struct tn_module *mod, const void *arg, struct tn_diag *d)
{
	(void)arg;
	return generation_run_hook(
	    mod->gen, HOOK_START, TN_REASON_START_FAILED, d);
}

static const struct operation starting = { ACTIVITY_START, RESTING, true,
	start };

int tn_start(struct tn_system *sys, struct tn_module *mod, struct tn_diag *diag)
{
	(void)sys;
	return operate(&starting, mod, NULL, diag);
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
	err =
	    mod != NULL ? begin_locked(&act, &starting, mod, diag) : -TN_ENOENT;
	registry_unlock(sys);
	if (mod == NULL)
		(void)module_fail_absent(diag, name);
	if (err == 0)
		err = carry_out(&starting, &act, mod, NULL, diag);
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

static int save(struct tn_module *mod, const void *arg, struct tn_diag *d)
{
	const struct room *r = arg;
	const struct generation *gen = mod->gen;
	const bool running = mod->state == TN_STATE_RUNNING;
	int err = 0;

	if (gen->hook[HOOK_SAVE] == 0 || !gen->started)
		return fail_unsupported(mod, "save_state", d);
	if (running)
		err = generation_run_hook(gen, HOOK_QUIESCE, TN_REASON_VETO, d);
	if (err != 0)
		return d->error = -TN_EPERM;
	*r->len = 0;
	generation_enter(gen, HOOK_SAVE);
	err = ((save_fn *)(uintptr_t)gen->hook[HOOK_SAVE])(
	    mod, r->buf, r->cap, r->len);
	generation_leave(gen);
	if (running)
		generation_run_resume(gen);
	/* It may have said what it takes, and no more. */
	if (err == 0 && *r->len > r->cap)
		err = -TN_ENOSPC;
	return err == 0 ? 0 : fail_hook(mod, "save_state", err, d);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the module writes it */
int tn_module_save(struct tn_module *mod, void *buf, size_t cap, size_t *len,
    struct tn_diag *diag)
{
	static const struct operation op = { ACTIVITY_SAVE,
		1u << TN_STATE_RUNNING | 1u << TN_STATE_STOPPED, false, save };
	const struct room room = { buf, cap, len };

	return operate(&op, mod, &room, diag);
}

/* A state that has been saved. */
struct state {
	const void *buf;
	size_t len;
};

static int restore(struct tn_module *mod, const void *arg, struct tn_diag *d)
{
	const struct state *s = arg;
	const uint64_t hook = mod->gen->hook[HOOK_RESTORE];
	int err;

	if (hook == 0 || !mod->gen->started)
		return fail_unsupported(mod, "restore_state", d);
	generation_enter(mod->gen, HOOK_RESTORE);
	err = ((restore_fn *)(uintptr_t)hook)(mod, s->buf, s->len);
	generation_leave(mod->gen);
	return err == 0 ? start(mod, NULL, d)
			: fail_hook(mod, "restore_state", err, d);
}

int tn_module_restore(
    struct tn_module *mod, const void *buf, size_t len, struct tn_diag *diag)
{
	static const struct operation op = { ACTIVITY_RESTORE, RESTING, true,
		restore };
	const struct state state = { buf, len };

	return operate(&op, mod, &state, diag);
}
