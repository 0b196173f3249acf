/* SPDX-License-Identifier: MIT */
/*
 * Operations in progress: see activity.h.
 */
#include "activity.h"

#include <base/format.h>
#include <base/string.h>

#include "fire.h"
#include "module.h"

/* How long a load waits for another: Linux's 30 s. */
#define PATIENCE_NS (30 * UINT64_C(1000000000))

static struct activity *waiter_at(const struct list *pos)
{
	return CONTAINER_OF(
	    (struct list *)(uintptr_t)pos, struct activity, waiting);
}

void activity_init(struct activity *act, struct tn_system *sys)
{
	*act = (struct activity){ .thread = this_thread(sys->port) };
	list_init(&act->link);
	list_init(&act->waiting);
}

static unsigned depth_of(const struct tn_system *sys, uintptr_t thread)
{
	const struct list *pos;
	unsigned n = 0;

	list_for_each (pos, &sys->activities)
		n += activity_at(pos)->thread == thread &&
		     !activity_at(pos)->follows;
	return n;
}

int activity_begin_locked(struct activity *act, enum activity_kind kind,
    struct tn_module *mod, struct tn_diag *d)
{
	struct tn_system *sys = mod->sys;
	const unsigned depth = act->follows ? 0 : depth_of(sys, act->thread);

	if (depth >= ACTIVITY_NEST_MAX) {
		(void)diag_fail(d, TN_STAGE_PUBLISH, TN_REASON_LIMIT, mod->name,
		    "nested loads and unloads");
		d->value = depth + 1;
		d->high = ACTIVITY_NEST_MAX;
		return d->error = -TN_ELOOP;
	}
	act->kind = kind;
	act->mod = mod;
	atomic_store_explicit(&mod->activity, act, memory_order_relaxed);
	list_add(&sys->activities, &act->link);
	return 0;
}

void activity_end_locked(
    struct activity *act, int result, const struct tn_diag *d)
{
	struct tn_module *mod = act->mod;
	struct tn_system *sys = mod->sys;
	const struct list *pos;
	bool told = false;

	atomic_store_explicit(&mod->activity, NULL, memory_order_relaxed);
	list_del(&act->link);
	act->mod = NULL;
	list_for_each (pos, &sys->waiters) {
		struct activity *waiter = waiter_at(pos);

		if (waiter->awaits != mod)
			continue;
		waiter->awaits = NULL;
		waiter->result = result;
		/* Who shares a load has its record too: see forget in set.c. */
		if (waiter->diag != NULL && result == 0)
			mod->was = TN_STATE_REGISTERED;
		if (waiter->diag != NULL && d != NULL)
			diag_copy(waiter->diag, d, sys->port);
		told = true;
	}
	if (told)
		event_raise(sys->port, &sys->ended);
}

void activity_unpin_locked(struct activity *act)
{
	while (act->nproviders != 0)
		module_unpin(act->providers[--act->nproviders]);
}

/*
 * Whoever worked on it is gone: what was running runs on, and fires. Of what
 * was coming or going init or exit may have been left in the middle, so no code
 * of it is run any more when it is unloaded, which waits for no operation of a
 * thread that is not there.
 */
REQUIRES(ledger_role) static void call_off(struct tn_module *mod)
{
	mod->running = 0;
	if (mod->gen == NULL || mod->state == TN_STATE_COMING) {
		mod->gen = NULL; /* which is in no list */
		mod->state = TN_STATE_REGISTERED;
		return;
	}
	mod->gen->leaving = NULL;
	if (mod->state == TN_STATE_LOADED || mod->state == TN_STATE_GOING)
		mod->gen->started = false;
	if (mod->state != TN_STATE_RUNNING)
		return;
	gate_target_open(&mod->target);
	mod->gen->book.paused = false;
}

void activity_forget_others_locked(struct tn_system *sys)
{
	const uintptr_t self = this_thread(sys->port);
	struct list *pos = sys->activities.next;

	while (pos != &sys->activities) {
		struct activity *act = activity_at(pos);

		pos = pos->next;
		if (act->thread == self)
			continue;
		activity_unpin_locked(act);
		call_off(act->mod);
		atomic_store_explicit(
		    &act->mod->activity, NULL, memory_order_relaxed);
		list_del(&act->link);
	}
	fires_forget_others(sys);
	for (pos = sys->waiters.next; pos != &sys->waiters;) {
		struct activity *waiter = waiter_at(pos);

		pos = pos->next;
		if (waiter->thread != self)
			list_del(&waiter->waiting);
	}
}

/* --- waits for oneself */

/* What the thread waits for, or NULL: it waits for one thing at most. */
static const struct tn_module *awaited_by(
    const struct tn_system *sys, uintptr_t thread)
{
	const struct list *pos;

	list_for_each (pos, &sys->waiters)
		if (waiter_at(pos)->thread == thread)
			return waiter_at(pos)->awaits;
	return NULL;
}

/*
 * From @mod on: who works on it, and what that thread waits for. Waits never
 * form a cycle, because each is checked before it begins, so the walk ends. It
 * returns the module of the calling thread that it arrives at, or NULL, and
 * writes the names on the way into @path.
 */
static const struct tn_module *walk(
    const struct activity *act, const struct tn_module *mod, struct text *path)
{
	while (mod != NULL && module_activity(mod) != NULL) {
		text_add(path, " -> %s", mod->name);
		if (module_activity(mod)->thread == act->thread)
			return mod;
		mod = awaited_by(mod->sys, module_activity(mod)->thread);
	}
	return NULL;
}

/* @act cannot wait for @mod, which it begins with itself or needs. */
static int refuse(const struct activity *act, const struct tn_module *mod,
    enum tn_reason reason, struct tn_diag *d)
{
	return diag_fail(d, TN_STAGE_PUBLISH, reason,
	    act->mod != NULL ? act->mod->name : mod->name, mod->name);
}

/* "outer -> inner -> outer": each waits for the next. */
static int refuse_cycle(const struct activity *act, const struct tn_module *mod,
    const struct tn_module *own, struct tn_diag *d)
{
	struct text path = { d->other, sizeof(d->other), 0 };

	(void)refuse(act, mod, TN_REASON_WAIT_CYCLE, d);
	text_add(&path, "%s", own->name);
	if (act->mod != NULL && act->mod != own)
		text_add(&path, " -> %s", act->mod->name);
	(void)walk(act, mod, &path);
	text_mark_cut(&path);
	return d->error;
}

static int refuse_patience(const struct activity *act,
    const struct tn_module *mod, uint64_t ns, struct tn_diag *d)
{
	(void)refuse(act, mod, TN_REASON_WAIT_TIME, d);
	d->value = ns / 1000000;
	return d->error;
}

/* --- waiting */

REQUIRES(registry_role)
static int sleep_locked(
    struct tn_system *sys, const struct activity *act, uint64_t deadline)
{
	const struct tn_port *port = sys->port;
	int err = 0;

	while (act->awaits != NULL && err == 0) {
		const uint32_t seen = event_read(&sys->ended);

		registry_unlock(sys);
		err = event_wait(port, &sys->ended, seen, deadline);
		registry_lock(sys);
	}
	return act->awaits != NULL ? err : 0;
}

int activity_wait_locked(
    struct activity *act, struct tn_module *mod, struct tn_diag *d)
{
	struct tn_system *sys = mod->sys;
	const uint64_t ns =
	    sys->config.wait_ns != 0 ? sys->config.wait_ns : PATIENCE_NS;
	struct text nowhere = { NULL, 0, 0 };
	const struct tn_module *own = walk(act, mod, &nowhere);
	int err;

	if (own != NULL)
		return refuse_cycle(act, mod, own, d);
	list_add(&sys->waiters, &act->waiting);
	act->awaits = mod;
	err = sleep_locked(sys, act, deadline_in(sys->port, ns));
	/* Told in the last moment is told; else @mod is still worked on. */
	if (err != 0)
		err = refuse_patience(act, mod, ns, d);
	act->awaits = NULL;
	list_del(&act->waiting);
	return err;
}

int activity_refuse_locked(
    struct activity *act, struct tn_module *mod, struct tn_diag *d)
{
	static const char *const what[] = { "loaded", "started", "stopped",
		"saved", "restored", "unloaded" };
	const struct activity *other = module_activity(mod);
	const bool own = other->thread == act->thread;

	(void)diag_fail(d, TN_STAGE_UNLOAD,
	    own ? TN_REASON_OWN_CODE : TN_REASON_IN_PROGRESS, mod->name,
	    what[other->kind]);
	if (!own && other->kind == ACTIVITY_UNLOAD)
		d->error = -TN_EALREADY;
	return d->error;
}
