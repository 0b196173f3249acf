/* SPDX-License-Identifier: MIT */
/*
 * Calls through interfaces, where they are more than the inline part of
 * <tenon/gate.h>: gates that are not open, operations by number, and handles.
 */
#include "interface.h"

#include <gate/close.h>
#include <gate/world.h>

#include "holder_name.h"

/* --- calling */

/* Who has none, and can get none, is in no guarded call. */
static bool has_record(void)
{
	return gate_world()->self(true) != NULL;
}

/*
 * Not by a thread that is inside of some call, which the closer waits for, nor
 * by one that is itself about to decide something. Only a draining gate is worth
 * the lock.
 */
static bool may_wait(struct tn_interface *iface)
{
	struct tn_system *sys = ((struct interface *)iface)->sys;
	bool decides;

	if (!gate_may_wait())
		return false;
	registry_lock(sys);
	decides = interfaces_decided_here(sys);
	registry_unlock(sys);
	return !decides;
}

/* 0: it is worth another try. */
static int await_gate(struct tn_interface *iface)
{
	const int err = tn_gate_wait(&iface->gate, 0);

	if (err != -TN_ETIMEDOUT)
		return err;
	return may_wait(iface) ? tn_gate_wait(&iface->gate, TN_GATE_FOREVER)
			       : -TN_EAGAIN;
}

/* The next try after a wait may meet another draining gate. */
static const struct tn_binding *wait_and_enter(
    struct tn_interface *iface, struct tn_gate_frame *frame)
{
	const struct tn_binding *b = NULL;

	if (frame != NULL && !has_record())
		return NULL;
	while (b == NULL && await_gate(iface) == 0)
		b = frame != NULL ? tn_guard_enter_call(&iface->gate, frame)
				  : tn_gate_enter_call(&iface->gate);
	return b;
}

const struct tn_binding *tn_interface_enter_slow(struct tn_interface *iface)
{
	return wait_and_enter(iface, NULL);
}

const struct tn_binding *tn_interface_guard_slow(
    struct tn_interface *iface, struct tn_gate_frame *frame)
{
	return wait_and_enter(iface, frame);
}

int tn_interface_enter_sleeping(
    struct tn_interface *iface, struct tn_gate_ticket *ticket)
{
	int err;

	do {
		if (tn_gate_enter_sleepable(&iface->gate, 0, ticket) == 0)
			return 0;
		err = await_gate(iface);
	} while (err == 0);
	return err;
}

/* Why a try has met a gate that is not open. */
static int why_shut(struct tn_interface *iface)
{
	if (tn_gate_wait(&iface->gate, 0) == -TN_ENOENT)
		return -TN_ENODEV;
	return (iface->gate.flags & TN_GATE_GUARDED) != 0 && !has_record()
		   ? -TN_ENOMEM
		   : -TN_EAGAIN;
}

/* Who may wait has done so: then it was closed. */
int tn_interface_refusal(struct tn_interface *iface)
{
	const int err = why_shut(iface);

	return err == -TN_EAGAIN && may_wait(iface) ? -TN_ENODEV : err;
}

typedef int op_fn(void *instance, void *cookie);

static int fire(const struct tn_binding *b, unsigned op, void *cookie)
{
	const struct tn_ops_head *head = b->ops;
	op_fn *const *table = (op_fn *const *)(const void *)(head + 1);

	if (op >= (head->size - sizeof(*head)) / sizeof(*table) ||
	    table[op] == NULL)
		return -TN_ENOSYS;
	return table[op](b->instance, cookie);
}

static int fire_sleeping(
    struct tn_interface *iface, unsigned op, void *cookie, int *status)
{
	struct tn_gate_ticket ticket;

	if (tn_gate_enter_sleepable(&iface->gate, 0, &ticket) != 0)
		return why_shut(iface);
	*status = fire(ticket.binding, op, cookie);
	tn_gate_exit_sleepable(&iface->gate, &ticket);
	return 0;
}

static int fire_guarded(
    struct tn_interface *iface, unsigned op, void *cookie, int *status)
{
	struct tn_gate_frame frame;
	const struct tn_binding *b = tn_guard_enter_call(&iface->gate, &frame);

	if (b == NULL)
		return why_shut(iface);
	*status = fire(b, op, cookie);
	tn_guard_exit_call(&iface->gate, &frame);
	return 0;
}

int interface_fire(
    struct tn_interface *iface, unsigned op, void *cookie, int *status)
{
	const struct tn_binding *b;

	if ((iface->gate.flags & TN_GATE_SLEEPS) != 0)
		return fire_sleeping(iface, op, cookie, status);
	if ((iface->gate.flags & TN_GATE_GUARDED) != 0)
		return fire_guarded(iface, op, cookie, status);
	b = tn_gate_enter_call(&iface->gate);
	if (b == NULL)
		return why_shut(iface);
	*status = fire(b, op, cookie);
	tn_gate_exit_call(&iface->gate);
	return 0;
}

/* --- handles */

int tn_handle_get(
    struct tn_module *mod, const char *holder, struct tn_handle *out)
{
	const char *name = holder_name(mod->sys, holder);

	if (name == NULL)
		return -TN_ENOMEM;
	return tn_handle_take(
	    &mod->target, name, __builtin_return_address(0), out);
}

/* What a handle on the provider of @b holds. */
static struct tn_gate_target *target_of(
    struct tn_interface *iface, const struct tn_binding *b)
{
	const struct generation *gen = b->owner;

	return gen != NULL ? &gen->mod->target
			   : &((struct interface *)iface)->sys->world_target;
}

int tn_interface_acquire(struct tn_interface *iface, const char *holder,
    struct tn_handle *out, const struct tn_binding **binding)
{
	const void *site = __builtin_return_address(0);
	const char *name =
	    holder_name(((struct interface *)iface)->sys, holder);
	const struct tn_binding *b;
	int err;

	if (name == NULL)
		return -TN_ENOMEM;
	b = tn_gate_enter_call(&iface->gate);
	if (b == NULL)
		b = tn_interface_enter_slow(iface);
	if (b == NULL)
		return tn_interface_refusal(iface);
	/* Inside the gate, so the provider cannot have been freed. */
	err = tn_handle_take(target_of(iface, b), name, site, out);
	tn_gate_exit_call(&iface->gate);
	if (err == -TN_ENOENT)
		return -TN_ENODEV;
	if (err == 0)
		*binding = b;
	return err;
}
