/* SPDX-License-Identifier: MIT */
/*
 * Threads of modules. Each is a thread of the engine that fires one operation
 * again and again, its step; between two steps it is in no code of the module.
 */
#include "fire.h"
#include "interface.h"

#define NS_PER_MS 1000000u

struct task {
	struct firing f; /* first */
	struct tn_system *sys;
	void *thread;      /* set before it is in the ledger */
	struct event bell; /* woken, or to stop */
	/* ledger.lock: */
	bool stop;
	int status; /* what the last step returned, if negative */
};

/* Gives the lock meanwhile. Ended by a bell since @seen. */
REQUIRES(ledger_role)
static void nap(struct task *t, uint32_t seen, uint64_t ns)
{
	const struct tn_port *port = t->sys->port;
	const uint64_t until = deadline_in(port, ns);

	ledger_unlock(t->sys);
	while (event_read(&t->bell) == seen &&
	       event_wait(port, &t->bell, seen, until) != -TN_ETIMEDOUT)
		;
	ledger_lock(t->sys);
}

/* A step, and the pause after it. False: it was the last one. */
REQUIRES(ledger_role) static bool task_step(struct task *t)
{
	const uint32_t seen = event_read(&t->bell);
	int status = 0;
	const int err = firing_run(t->sys, &t->f, &status);

	if (t->stop || (err == 0 && status < 0)) {
		t->status = status < 0 ? status : 0;
		return false;
	}
	if (err != 0)
		nap(t, seen, firing_pause(err));
	else if (status > 0)
		nap(t, seen, (uint64_t)status * NS_PER_MS);
	return true;
}

static void task_main(void *arg)
{
	struct task *t = arg;

	ledger_lock(t->sys);
	nap(t, 0, UINT64_MAX); /* until it is woken for the first time */
	while (!t->stop && task_step(t))
		;
	ledger_unlock(t->sys);
}

static void task_detach(struct tn_ledger_entry *entry)
{
	struct task *t = (struct task *)entry;

	t->stop = true;
	t->f.pins++;
	event_raise(t->sys->port, &t->bell);
}

static void task_revoke(struct tn_ledger_entry *entry)
{
	struct task *t = (struct task *)entry;

	t->sys->port->thread_join(t->sys->port->ctx, t->thread);
	firing_revoke(entry);
}

static void task_describe(
    const struct tn_ledger_entry *entry, char *text, size_t cap)
{
	(void)firing_name((const struct firing *)entry, text, cap);
}

static const struct tn_ledger_class task_class = {
	.size = sizeof(task_class),
	.abi = 1,
	.name = "thread",
	.order = TN_LEDGER_THREAD,
	.detach = task_detach,
	.revoke = task_revoke,
	.describe = task_describe,
};

/* It sleeps until it is woken, or ended here. */
static int enter(const struct request *r, struct task *t)
{
	const struct tn_port *port = t->sys->port;
	int err;

	err = port->thread_create(port->ctx, resource_owner(r->owner)->name,
	    task_main, t, &t->thread);
	if (err != 0)
		return err;
	ledger_lock(t->sys);
	err = firing_add_locked(r, &t->f);
	if (err != 0) {
		t->stop = true;
		event_raise(port, &t->bell);
	}
	ledger_unlock(t->sys);
	if (err != 0)
		port->thread_join(port->ctx, t->thread);
	return err;
}

/* --- see <tenon/resource.h> */

int resource_thread_setup(struct module *owner, struct kthread *thread,
    struct tn_interface *iface, unsigned op, void *cookie)
{
	const struct request r = { owner, thread, __builtin_return_address(0),
		{ iface, op, cookie } };
	struct tn_module *mod = resource_owner(owner);
	struct task *t;
	int err;

	if (mod == NULL || iface == NULL)
		return -TN_EINVAL;
	if (mod->sys->port->thread_create == NULL)
		return -TN_ENOSYS;
	t = (struct task *)firing_new(&r, &task_class, sizeof(*t));
	if (t == NULL)
		return -TN_ENOMEM;
	t->sys = mod->sys;
	err = enter(&r, t);
	if (err != 0)
		port_free(mod->sys->port, t, sizeof(*t));
	return err;
}

int resource_thread_wake(struct kthread *thread)
{
	struct firing *f;
	const int err = firing_take(thread, &task_class, &f);
	struct task *t;

	if (err != 0)
		return err;
	t = (struct task *)f;
	event_raise(t->sys->port, &t->bell);
	ledger_unlock(t->sys);
	return 0;
}

bool resource_thread_stops(const struct kthread *thread)
{
	struct firing *f;

	struct tn_interface *iface;
	bool paused;

	/* What has left the ledger is being stopped. */
	if (firing_take(thread, &task_class, &f) != 0)
		return true;
	iface = f->target.iface;
	paused = ledger_owner(&f->entry)->book.paused;
	ledger_unlock(((struct task *)f)->sys);
	/* Who pauses the module or closes the gate waits for the step. */
	return paused || tn_gate_wait(&iface->gate, 0) != 0;
}

int resource_thread_stop(struct kthread *thread)
{
	struct firing *f;
	struct tn_system *sys;
	struct task *t;
	int status = firing_take(thread, &task_class, &f);

	if (status != 0)
		return status;
	t = (struct task *)f;
	sys = t->sys;
	if (firing_is_mine(sys, f)) {
		ledger_unlock(sys);
		return -TN_EDEADLK;
	}
	f->pins++; /* for its status */
	ledger_remove_locked(sys, &f->entry);
	ledger_unlock(sys);
	task_revoke(&f->entry);
	ledger_lock(sys);
	status = t->status;
	firing_unpin(sys, f);
	ledger_unlock(sys);
	return status;
}
