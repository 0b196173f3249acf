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
#include "module.h"

#include <base/sort.h>
#include <base/string.h>
#include <gate/world.h>

#include "interface.h"

/* One module of the set. */
struct leaving {
	struct activity activity;
	struct tn_module *mod;
	uint64_t number; /* of its generation */
	uint64_t inner;  /* references that others of the set hold */
	/* what is to be undone: */
	bool quiet;  /* it has agreed */
	bool shut;   /* its interfaces are closed */
	bool closed; /* and no reference can be had */
	bool stopped;
};

struct unload {
	struct tn_system *sys;
	struct leaving *items;
	struct gate_closing *closing; /* room for as many */
	uint32_t n;
	enum activity_kind kind; /* ACTIVITY_STOP or ACTIVITY_UNLOAD */
	unsigned flags;          /* TN_UNLOAD_* */
	uint64_t deadline;
	uintptr_t caller; /* return address of the public call */
	const char *name; /* of the only item, whose module is not known yet */
	struct tn_diag *diag;
};

static int fail(const struct unload *u, enum tn_errno err,
    enum tn_reason reason, const struct tn_module *mod)
{
	(void)module_fail(u->diag, err, reason, mod->name);
	u->diag->stage = TN_STAGE_UNLOAD;
	return u->diag->error;
}

static int fail_other(const struct unload *u, enum tn_errno err,
    enum tn_reason reason, const char *other)
{
	(void)module_fail(u->diag, err, reason, "");
	u->diag->stage = TN_STAGE_UNLOAD;
	(void)str_copy(u->diag->other, sizeof(u->diag->other), other);
	return u->diag->error;
}

/* --- begin */

/* Does code of the module ask: at @addr, or above in a guarded call? */
static bool is_asking(const struct generation *gen, uintptr_t addr)
{
	const struct tn_gate_thread *self = gate_world()->self(false);

	if (self != NULL && self->owner == gen)
		return true;
	for (unsigned i = 0; i < gen->image->nparts; i++)
		if (addr - gen->image->part[i].addr < gen->image->part[i].size)
			return true;
	return false;
}

static void taint(struct tn_module *mod, uint32_t bits)
{
	mod->taints |= bits;
	mod->sys->taints |= bits;
}

/* May it go at all? */
static int check_locked(const struct unload *u, struct tn_module *mod)
{
	if (mod->gen == NULL)
		return module_fail_absent(u->diag, mod->name);
	if (is_asking(mod->gen, u->caller) || ledger_runs_here(mod->gen))
		return fail(u, TN_EDEADLK, TN_REASON_OWN_CODE, mod);
	if (u->kind == ACTIVITY_STOP)
		return mod->state == TN_STATE_RUNNING
			   ? 0
			   : module_fail_state(u->diag, mod);
	if (!generation_is_permanent(mod->gen))
		return 0;
	if ((u->flags & TN_UNLOAD_FORCE) == 0)
		return fail(u, TN_EBUSY,
		    (mod->gen->flags & TN_MODULE_ESSENTIAL) != 0
			? TN_REASON_ESSENTIAL
			: TN_REASON_NO_EXIT,
		    mod);
	taint(mod, TN_TAINT_FORCED_UNLOAD);
	return 0;
}

/* The item of @mod, if that is in the set. */
static struct leaving *item_of(const struct unload *u, struct tn_module *mod)
{
	const uintptr_t at = (uintptr_t)module_activity_locked(mod);
	const uintptr_t first = (uintptr_t)u->items;

	/* The activity is the first member of an item. */
	if (at - first >= u->n * sizeof(*u->items))
		return NULL;
	return &u->items[(at - first) / sizeof(*u->items)];
}

static int begin_locked(const struct unload *u, struct leaving *item)
{
	struct tn_module *mod = item->mod;
	int err;

	if (mod == NULL)
		return module_fail_absent(u->diag, u->name);
	activity_init(&item->activity, u->sys);
	item->activity.follows = item != u->items;
	if (item_of(u, mod) != NULL)
		return fail_other(u, TN_EINVAL, TN_REASON_BAD_ARGUMENT,
		    "a module that is listed twice");
	if (module_activity_locked(mod) != NULL)
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
static bool end_locked(const struct unload *u, uint32_t n, int result)
{
	bool told = false;

	for (uint32_t i = 0; i < n; i++) {
		struct activity *act = &u->items[i].activity;

		act->mod->gen->leaving = NULL;
		if (activity_end_locked(act, result, u->diag))
			told = true;
	}
	return told;
}

static bool is_newer(const void *a, const void *b)
{
	const struct leaving *x = a, *y = b;

	return x->number > y->number;
}

static void count_inner(const struct unload *u)
{
	for (uint32_t i = 0; i < u->n; i++) {
		const struct generation *gen = u->items[i].mod->gen;

		for (uint32_t k = 0; k < gen->nproviders; k++) {
			struct leaving *p = item_of(u, gen->providers[k]);

			if (p != NULL)
				p->inner++;
		}
	}
}

/* Users first: they have been loaded later. */
static void order_locked(const struct unload *u)
{
	if (u->name != NULL)
		u->items[0].mod = module_find_locked(u->sys, u->name);
	for (uint32_t i = 0; i < u->n; i++)
		if (u->items[i].mod != NULL && u->items[i].mod->gen != NULL)
			u->items[i].number = u->items[i].mod->gen->number;
	heap_sort(u->items, u->n, sizeof(*u->items), is_newer);
}

static int begin(struct unload *u)
{
	bool told = false;
	uint32_t n = 0;
	int err = 0;

	registry_lock(u->sys);
	order_locked(u);
	for (; n < u->n && err == 0; n += err == 0)
		err = begin_locked(u, &u->items[n]);
	if (err != 0)
		told = end_locked(u, n, err);
	else
		count_inner(u);
	registry_unlock(u->sys);
	if (told)
		activity_wake(u->sys);
	return err;
}

/* --- in use */

static int refuse_busy(
    const struct unload *u, enum tn_errno err, const struct leaving *item)
{
	(void)fail(u, err, TN_REASON_IN_USE, item->mod);
	u->diag->value = gate_target_count(&item->mod->target) - item->inner;
	holders_list(item->mod, u->diag);
	return u->diag->error;
}

/* --- quiesce and close */

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

/* Closes the interfaces of all; stops at the one that is in use. */
static bool shut_interfaces(const struct unload *u, struct leaving **busy)
{
	const struct tn_port *port = u->sys->port;
	const uint64_t deadline = (u->flags & TN_UNLOAD_WAIT) != 0
				      ? u->deadline
				      : port->now_ns(port->ctx);
	const bool force = (u->flags & TN_UNLOAD_FORCE) != 0;

	for (uint32_t i = 0; i < u->n; i++) {
		struct leaving *item = &u->items[i];

		*busy = item;
		if (!item->quiet)
			continue;
		/* A look first: to close makes callers wait. */
		if (!force &&
		    gate_target_is_used(&item->mod->target, item->inner))
			return false;
		if (interfaces_close(item->mod->gen, deadline) != 0)
			return false;
		item->shut = true;
	}
	return true;
}

static void reopen_interfaces(const struct unload *u)
{
	for (uint32_t i = u->n; i-- > 0;) {
		struct leaving *item = &u->items[i];

		if (item->shut)
			interfaces_reopen(item->mod->gen);
		item->shut = false;
	}
}

/* No reference to any can be had again, if they have none now. */
static bool close_targets(
    const struct unload *u, unsigned how, struct leaving **busy)
{
	size_t n = 0, at = 0;
	int err;

	for (uint32_t i = 0; i < u->n; i++)
		if (u->items[i].shut)
			u->closing[n++] =
			    (struct gate_closing){ &u->items[i].mod->target,
				    u->items[i].inner };
	err = gate_targets_close(u->closing, n, how, &at);
	for (uint32_t i = 0; i < u->n; i++) {
		struct leaving *item = &u->items[i];

		item->closed = item->shut && err == 0;
		if (err != 0 && u->closing[at].target == &item->mod->target)
			*busy = item;
	}
	return err == 0;
}

/*
 * References of nobody in particular do not count, those of importers do, and a
 * load in progress may have one.
 */
static bool may_force(const struct unload *u, struct tn_module *mod)
{
	bool loading;

	registry_lock(u->sys);
	loading = activity_is_any_locked(u->sys, ACTIVITY_LOAD);
	registry_unlock(u->sys);
	return !loading && holders_importers(mod) == 0;
}

static bool close_by_force(const struct unload *u, struct leaving **busy)
{
	struct leaving *item = u->items; /* a set is not forced */

	if (!may_force(u, item->mod) ||
	    !close_targets(u, GATE_CLOSE_HANDLES | GATE_CLOSE_REFERENCES, busy))
		return false;
	/* Dead, it gets no new importers: the last look. */
	if (!may_force(u, item->mod)) {
		gate_target_open(&item->mod->target);
		item->closed = false;
		return false;
	}
	registry_lock(u->sys);
	taint(item->mod, TN_TAINT_FORCED_UNLOAD);
	registry_unlock(u->sys);
	return true;
}

static void reopen_targets(const struct unload *u)
{
	for (uint32_t i = 0; i < u->n; i++) {
		if (u->items[i].closed)
			gate_target_open(&u->items[i].mod->target);
		u->items[i].closed = false;
	}
}

/*
 * Nobody can begin to use the modules; whoever has used a handle that was put
 * meanwhile may still be inside, and leaves soon: such a use does not sleep.
 */
static bool try_close(const struct unload *u, struct leaving **busy)
{
	bool ok = shut_interfaces(u, busy);

	if (ok)
		ok = close_targets(u, 0, busy);
	if (!ok && (u->flags & TN_UNLOAD_FORCE) != 0 && u->items->shut)
		ok = close_by_force(u, busy);
	if (ok && !readers_leave(u->sys->port, u->deadline))
		ok = false;
	if (ok)
		return true;
	reopen_targets(u);
	reopen_interfaces(u);
	return false;
}

/* The first pause between two looks, and the longest. */
#define PAUSE_NS     UINT64_C(50000)
#define PAUSE_MAX_NS UINT64_C(10000000)

/*
 * References are given back without a word to anybody (a put is one addition),
 * so who waits for that looks now and then. False when time is up.
 */
static bool look_later(const struct unload *u, uint64_t *ns)
{
	const struct tn_port *port = u->sys->port;
	static const struct event never;
	uint64_t until;

	if (port->wait == NULL || port->now_ns(port->ctx) >= u->deadline)
		return false;
	until = deadline_in(port, *ns);
	if (until > u->deadline)
		until = u->deadline;
	(void)event_wait(port, &never, 0, until); /* times out, as it shall */
	*ns = *ns < PAUSE_MAX_NS / 2 ? *ns * 2 : PAUSE_MAX_NS;
	return true;
}

static int close_set(const struct unload *u)
{
	struct leaving *busy = u->items;
	enum tn_errno err = TN_EBUSY;
	uint64_t ns = PAUSE_NS;

	while (!try_close(u, &busy)) {
		if ((u->flags & TN_UNLOAD_WAIT) == 0 || !look_later(u, &ns))
			return refuse_busy(u, err, busy);
		err = TN_ETIMEDOUT;
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
		if (item->closed)
			gate_target_open(&item->mod->target);
		if (item->shut)
			interfaces_reopen(item->mod->gen);
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

static void leave(const struct unload *u)
{
	for (uint32_t i = 0; i < u->n; i++) {
		struct tn_module *mod = u->items[i].mod;
		bool told;

		module_set_state(mod, TN_STATE_GOING);
		generation_run_exit(mod->gen);
		module_withdraw(mod);
		registry_lock(u->sys);
		mod->state = TN_STATE_REGISTERED;
		told = activity_end_locked(&u->items[i].activity, 0, NULL);
		registry_unlock(u->sys);
		if (told)
			activity_wake(u->sys);
	}
}

static void end(const struct unload *u, int result)
{
	bool told;

	registry_lock(u->sys);
	told = end_locked(u, u->n, result);
	registry_unlock(u->sys);
	if (told)
		activity_wake(u->sys);
}

static int run(struct unload *u)
{
	int err;

	/* It would wait for itself. */
	if (gate_is_inside())
		return fail_other(u, TN_EDEADLK, TN_REASON_INSIDE, "");
	err = begin(u);
	if (err != 0)
		return err;
	err = quiesce(u);
	if (err == 0)
		err = close_set(u);
	if (err == 0)
		err = stop(u);
	if (err == 0)
		suspend(u);
	else
		undo(u);
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
		(void)fail_other(u, TN_EINVAL, TN_REASON_BAD_ARGUMENT,
		    "size or flags of struct tn_unload_args");
		return false;
	}
	u->flags = args->flags;
	u->deadline = deadline_in(u->sys->port, args->timeout_ns);
	return true;
}

/* What @wanted says, for one module. */
static int run_one(const struct unload *wanted, struct tn_module *mod,
    const struct tn_unload_args *args, struct tn_diag *diag)
{
	struct leaving item = { .mod = mod };
	struct tn_diag scratch = { 0 };
	struct gate_closing closing;
	struct unload u = *wanted;
	int err = -TN_EINVAL;

	u.items = &item;
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

	return run_one(&u, mod, NULL, diag);
}

int tn_unload_with(struct tn_system *sys, struct tn_module *mod,
    const struct tn_unload_args *args, struct tn_diag *diag)
{
	const struct unload u = {
		.sys = sys, .kind = ACTIVITY_UNLOAD, .caller = CALLER
	};

	return run_one(&u, mod, args, diag);
}

int tn_unload_name(struct tn_system *sys, const char *name,
    const struct tn_unload_args *args, struct tn_diag *diag)
{
	const struct unload u = { .sys = sys,
		.kind = ACTIVITY_UNLOAD,
		.name = name,
		.caller = CALLER };

	return run_one(&u, NULL, args, diag);
}

int tn_stop(struct tn_system *sys, struct tn_module *mod,
    const struct tn_unload_args *args, struct tn_diag *diag)
{
	const struct unload u = {
		.sys = sys, .kind = ACTIVITY_STOP, .caller = CALLER
	};

	return run_one(&u, mod, args, diag);
}

static int run_set(struct unload *u, struct tn_module *const *mods,
    const struct tn_unload_args *args)
{
	const size_t size = u->n * (sizeof(*u->items) + sizeof(*u->closing));
	const struct tn_port *port = u->sys->port;
	int err = -TN_EINVAL;

	if (!take_args(u, args))
		return err;
	u->items = port_alloc(port, size);
	if (u->items == NULL) {
		(void)fail_other(u, TN_ENOMEM, TN_REASON_NO_MEMORY, "");
		u->diag->value = size;
		return u->diag->error;
	}
	u->closing = (struct gate_closing *)(void *)(u->items + u->n);
	for (uint32_t i = 0; i < u->n; i++)
		u->items[i].mod = mods[i];
	err = run(u);
	port_free(port, u->items, size);
	return err;
}

int tn_unload_set(struct tn_system *sys, struct tn_module *const *mods,
    uint32_t n, const struct tn_unload_args *args, struct tn_diag *diag)
{
	struct tn_diag scratch = { 0 };
	struct unload u = { .sys = sys, .kind = ACTIVITY_UNLOAD, .n = n };
	int err;

	u.caller = CALLER;
	u.diag = diag != NULL ? diag : &scratch;
	err = n != 0 ? run_set(&u, mods, args) : 0;
	tn_diag_fini(&scratch);
	return err;
}
