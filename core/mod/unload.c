/* SPDX-License-Identifier: MIT */
/*
 * Unloading and stopping: one module, or a set of which nobody goes unless all
 * can.
 *
 *   begin -> quiesce -> close -> stop -> | exit -> withdraw
 *
 * Up to the bar everything can be undone, and is, when one module of the set
 * is in use, forbids it or fails: what was closed is opened again, what was
 * stopped is started, what was quiet is resumed. Users come before what they
 * use: that is the order of loading, backwards.
 *
 * The activities make other operations on the modules wait or fail; hooks run
 * without any lock. Between closing and the decision no code of a module runs,
 * and it takes no time, because gets wait for it.
 */
#include "unload.h"

#include <base/sort.h>

int unload_fail(
    const struct unload *u, enum tn_reason reason, const struct tn_module *mod)
{
	return diag_fail(u->diag, TN_STAGE_UNLOAD, reason, mod->name, "");
}

static int bad_argument(const struct unload *u, const char *what)
{
	return diag_fail(
	    u->diag, TN_STAGE_UNLOAD, TN_REASON_BAD_ARGUMENT, "", what);
}

/* --- begin */

/* May it go at all? Its own code does not ask for that. */
REQUIRES(registry_role)
static int check_locked(const struct unload *u, struct tn_module *mod)
{
	if (mod->gen == NULL)
		return module_fail_absent(u->diag, mod->name);
	if (image_part_at(mod->gen->image, u->caller) != NULL ||
	    ledger_runs_here(mod->gen))
		return unload_fail(u, TN_REASON_OWN_CODE, mod);
	if (u->kind == ACTIVITY_STOP)
		return mod->state == TN_STATE_RUNNING
			   ? 0
			   : module_fail_state(u->diag, mod);
	if (!generation_is_permanent(mod->gen) ||
	    (u->flags & TN_UNLOAD_FORCE) != 0)
		return 0;
	return unload_fail(u,
	    (mod->gen->flags & TN_MODULE_ESSENTIAL) != 0 ? TN_REASON_ESSENTIAL
							 : TN_REASON_NO_EXIT,
	    mod);
}

/* Without the lock any activity of others may be met, which is none of ours. */
struct leaving *unload_item(const struct unload *u, struct tn_module *mod)
{
	const uintptr_t at = (uintptr_t)module_activity(mod);
	const uintptr_t first = (uintptr_t)u->items;

	/* The activity is the first member of an item. */
	if (at - first >= u->n * sizeof(*u->items))
		return NULL;
	return &u->items[(at - first) / sizeof(*u->items)];
}

REQUIRES(registry_role)
static int begin_locked(const struct unload *u, struct leaving *item)
{
	struct tn_module *mod = item->mod;
	int err;

	if (mod == NULL)
		return module_fail_absent(u->diag, item->name);
	activity_init(&item->activity, u->sys);
	item->activity.follows = item != u->items;
	if (unload_item(u, mod) != NULL)
		return bad_argument(u, "a module that is listed twice");
	if (module_activity(mod) != NULL)
		return activity_refuse_locked(&item->activity, mod, u->diag);
	err = check_locked(u, mod);
	if (err == 0)
		err = activity_begin_locked(
		    &item->activity, u->kind, mod, u->diag);
	if (err == 0)
		mod->gen->leaving = u->items;
	return err;
}

/* Of the first @n. */
REQUIRES(registry_role)
static void end_locked(const struct unload *u, uint32_t n, int result)
{
	for (uint32_t i = 0; i < n; i++) {
		struct activity *act = &u->items[i].activity;

		act->mod->gen->leaving = NULL;
		activity_end_locked(act, result, u->diag);
	}
}

static bool is_newer(const void *a, const void *b, const void *arg)
{
	const struct leaving *x = a, *y = b;

	(void)arg;
	return x->number > y->number;
}

static void count_imports(const struct unload *u)
{
	for (uint32_t i = 0; i < u->n; i++) {
		const struct generation *gen = u->items[i].mod->gen;

		for (uint32_t k = 0; k < gen->nproviders; k++) {
			struct leaving *p = unload_item(u, gen->providers[k]);

			if (p != NULL)
				p->imports++;
		}
	}
}

/* Users first: they have been loaded later. */
REQUIRES(registry_role) static void order_locked(const struct unload *u)
{
	for (uint32_t i = 0; i < u->n; i++) {
		struct leaving *item = &u->items[i];

		if (item->name != NULL)
			item->mod = module_find_locked(u->sys, item->name);
		if (item->mod != NULL && item->mod->gen != NULL)
			item->number = item->mod->gen->number;
	}
	heap_sort(u->items, u->n, sizeof(*u->items), is_newer, NULL);
}

static int begin(struct unload *u)
{
	uint32_t n = 0;
	int err = 0;

	registry_lock(u->sys);
	order_locked(u);
	for (; n < u->n && err == 0; n += err == 0)
		err = begin_locked(u, &u->items[n]);
	if (err != 0)
		end_locked(u, n, err);
	else
		count_imports(u);
	registry_unlock(u->sys);
	return err;
}

/* --- quiesce */

static int quiesce(const struct unload *u)
{
	for (uint32_t i = 0; i < u->n; i++) {
		struct leaving *item = &u->items[i];
		int err;

		if (item->mod->state != TN_STATE_RUNNING)
			continue;
		err = generation_run_hook(
		    item->mod->gen, HOOK_QUIESCE, TN_REASON_VETO, u->diag);
		if (err != 0) {
			u->diag->stage = TN_STAGE_UNLOAD;
			return u->diag->error = -TN_EPERM;
		}
		item->quiet = true;
	}
	return 0;
}

/* --- stop, and undoing it all */

static int stop(const struct unload *u)
{
	for (uint32_t i = 0; i < u->n; i++) {
		struct leaving *item = &u->items[i];
		int err;

		if (!item->closed)
			continue;
		err = generation_run_hook(
		    item->mod->gen, HOOK_STOP, TN_REASON_STOP_FAILED, u->diag);
		if (err != 0) {
			u->diag->stage = TN_STAGE_UNLOAD;
			return err;
		}
		item->stopped = true;
		module_set_state(item->mod, TN_STATE_STOPPED);
	}
	return 0;
}

/* It has stopped and shall go on. False: it cannot, and stays STOPPED. */
static bool restart(struct tn_module *mod)
{
	struct tn_diag ignored = { 0 };

	if (generation_run_hook(
		mod->gen, HOOK_START, TN_REASON_START_FAILED, &ignored) != 0) {
		interfaces_suspend(mod->gen);
		return false;
	}
	module_set_state(mod, TN_STATE_RUNNING);
	return true;
}

/* Providers before their users. */
static void undo(const struct unload *u)
{
	for (uint32_t i = u->n; i-- > 0;) {
		struct leaving *item = &u->items[i];

		if (item->stopped && !restart(item->mod))
			continue;
		if (item->forced)
			gate_restore_handles(&item->mod->target);
		if (item->closed)
			gate_target_open(&item->mod->target);
		if (item->shut)
			interfaces_open(item->mod->gen);
		if (item->quiet && !item->stopped)
			generation_run_resume(item->mod->gen);
	}
}

/* --- the end */

/* It is decided: other providers take over. */
static void suspend(const struct unload *u)
{
	for (uint32_t i = 0; i < u->n; i++)
		if (u->items[i].shut)
			interfaces_suspend(u->items[i].mod->gen);
}

/* What force was needed for taints, once it is decided. */
static void taint(const struct unload *u)
{
	struct tn_module *mod = u->items->mod; /* a set is not forced */

	if (!u->items->forced &&
	    (u->kind == ACTIVITY_STOP || !generation_is_permanent(mod->gen)))
		return;
	registry_lock(u->sys);
	module_set_taints_locked(mod, mod->taints | TN_TAINT_FORCED_UNLOAD);
	u->sys->taints |= TN_TAINT_FORCED_UNLOAD;
	registry_unlock(u->sys);
}

static void leave(const struct unload *u)
{
	for (uint32_t i = 0; i < u->n; i++) {
		struct tn_module *mod = u->items[i].mod;

		module_set_state(mod, TN_STATE_GOING);
		/* Of those who leave later: they have been told by their stop. */
		if (u->n > 1 && gate_revoke_handles(&mod->target) != 0)
			gate_synchronize();
		generation_run_exit(mod->gen);
		module_withdraw(mod);
		registry_lock(u->sys);
		module_set_state_locked(mod, TN_STATE_REGISTERED);
		activity_end_locked(&u->items[i].activity, 0, NULL);
		registry_unlock(u->sys);
	}
}

static void end(const struct unload *u, int result)
{
	registry_lock(u->sys);
	end_locked(u, u->n, result);
	registry_unlock(u->sys);
}

static int run(struct unload *u)
{
	int err;

	/* It would wait for itself. */
	if (gate_is_inside())
		return diag_fail(
		    u->diag, TN_STAGE_UNLOAD, TN_REASON_INSIDE, "", "");
	err = begin(u);
	if (err != 0)
		return err;
	err = quiesce(u);
	if (err == 0)
		err = unload_close(u);
	if (err == 0)
		err = stop(u);
	if (err == 0) {
		taint(u);
		suspend(u);
	} else {
		undo(u);
	}
	if (err == 0 && u->kind == ACTIVITY_UNLOAD)
		leave(u);
	else
		end(u, err);
	return err;
}

/* Takes the arguments over; false when they are not ours. */
static bool take_args(struct unload *u, const struct tn_unload_args *args)
{
	const unsigned known = TN_UNLOAD_WAIT | TN_UNLOAD_FORCE;

	if (args == NULL)
		return true;
	if (args->size != sizeof(*args) || (args->flags & ~known) != 0 ||
	    ((args->flags & TN_UNLOAD_FORCE) != 0 && u->n != 1)) {
		(void)bad_argument(u, "size or flags of struct tn_unload_args");
		return false;
	}
	u->flags = args->flags;
	if (args->timeout_ns == 0)
		u->flags &= ~TN_UNLOAD_WAIT; /* for no time */
	u->deadline = deadline_in(u->sys->port, args->timeout_ns);
	return true;
}

/* What @wanted says, for @one module. */
static int run_one(const struct unload *wanted, struct leaving one,
    const struct tn_unload_args *args, struct tn_diag *diag)
{
	struct tn_diag scratch = { 0 };
	struct gate_closing closing;
	struct unload u = *wanted;
	int err = -TN_EINVAL;

	u.items = &one;
	u.closing = &closing;
	u.n = 1;
	u.diag = diag != NULL ? diag : &scratch;
	if (take_args(&u, args))
		err = run(&u);
	tn_diag_fini(&scratch);
	return err;
}

#define CALLER ((uintptr_t)__builtin_return_address(0))

int tn_unload(
    struct tn_system *sys, struct tn_module *mod, struct tn_diag *diag)
{
	const struct unload u = {
		.sys = sys, .kind = ACTIVITY_UNLOAD, .caller = CALLER
	};

	return run_one(&u, (struct leaving){ .mod = mod }, NULL, diag);
}

int tn_unload_with(struct tn_system *sys, struct tn_module *mod,
    const struct tn_unload_args *args, struct tn_diag *diag)
{
	const struct unload u = {
		.sys = sys, .kind = ACTIVITY_UNLOAD, .caller = CALLER
	};

	return run_one(&u, (struct leaving){ .mod = mod }, args, diag);
}

int tn_unload_name(struct tn_system *sys, const char *name,
    const struct tn_unload_args *args, struct tn_diag *diag)
{
	const struct unload u = {
		.sys = sys, .kind = ACTIVITY_UNLOAD, .caller = CALLER
	};

	return run_one(&u, (struct leaving){ .name = name }, args, diag);
}

int tn_stop(struct tn_system *sys, struct tn_module *mod,
    const struct tn_unload_args *args, struct tn_diag *diag)
{
	const struct unload u = {
		.sys = sys, .kind = ACTIVITY_STOP, .caller = CALLER
	};

	return run_one(&u, (struct leaving){ .mod = mod }, args, diag);
}

int tn_stop_name(struct tn_system *sys, const char *name,
    const struct tn_unload_args *args, struct tn_diag *diag)
{
	const struct unload u = {
		.sys = sys, .kind = ACTIVITY_STOP, .caller = CALLER
	};

	return run_one(&u, (struct leaving){ .name = name }, args, diag);
}

/* Of @mods, or of what is called @names; the other is NULL. */
static int run_items(struct unload *u, struct tn_module *const *mods,
    const char *const *names, const struct tn_unload_args *args)
{
	const size_t size = u->n * (sizeof(*u->items) + sizeof(*u->closing));
	const struct tn_port *port = u->sys->port;
	int err = -TN_EINVAL;

	if (!take_args(u, args))
		return err;
	u->items = port_alloc(port, size);
	if (u->items == NULL)
		return diag_fail_memory(u->diag, TN_STAGE_UNLOAD, size);
	u->closing = (struct gate_closing *)(void *)(u->items + u->n);
	for (uint32_t i = 0; i < u->n; i++) {
		if (mods != NULL)
			u->items[i].mod = mods[i];
		else
			u->items[i].name = names[i];
	}
	err = run(u);
	port_free(port, u->items, size);
	return err;
}

static int run_set(const struct unload *wanted, struct tn_module *const *mods,
    const char *const *names, const struct tn_unload_args *args,
    struct tn_diag *diag)
{
	struct tn_diag scratch = { 0 };
	struct unload u = *wanted;
	int err;

	u.diag = diag != NULL ? diag : &scratch;
	err = u.n != 0 ? run_items(&u, mods, names, args) : 0;
	tn_diag_fini(&scratch);
	return err;
}

int tn_unload_set(struct tn_system *sys, struct tn_module *const *mods,
    uint32_t n, const struct tn_unload_args *args, struct tn_diag *diag)
{
	const struct unload u = {
		.sys = sys, .kind = ACTIVITY_UNLOAD, .n = n, .caller = CALLER
	};

	return run_set(&u, mods, NULL, args, diag);
}

int tn_unload_names(struct tn_system *sys, const char *const *names, uint32_t n,
    const struct tn_unload_args *args, struct tn_diag *diag)
{
	const struct unload u = {
		.sys = sys, .kind = ACTIVITY_UNLOAD, .n = n, .caller = CALLER
	};

	return run_set(&u, NULL, names, args, diag);
}
