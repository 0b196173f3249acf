/* SPDX-License-Identifier: MIT */
/*
 * Providing interfaces, and the way of a module's provisions through its life:
 * interface.h has the picture. The registry lock is dropped only while the
 * closer of a gate waits for those inside; its provision is CLOSING then, which
 * keeps everybody else from touching it.
 */
#include "interface.h"

#include <gate/close.h>

#include "sync.h"

static struct provision *owned_at(const struct list *pos)
{
	return CONTAINER_OF(
	    (struct list *)(uintptr_t)pos, struct provision, in_owner);
}

void interfaces_init(struct generation *gen)
{
	list_init(&gen->provisions);
	list_init(&gen->bonds);
}

/* --- providing */

static struct provision *provision_find(
    const struct interface *iface, const struct generation *owner)
{
	const struct list *pos;

	list_for_each (pos, &iface->provisions)
		if (provision_at(pos)->owner == owner)
			return provision_at(pos);
	return NULL;
}

static void provision_init(struct provision *p, struct interface *iface,
    const struct tn_interface_desc *desc, struct generation *owner)
{
	p->iface = iface;
	p->owner = owner;
	p->version = desc->version;
	p->open = (struct tn_binding){
		.ops = desc->ops,
		.instance = desc->instance,
		.owner = owner,
		.generation = ++iface->sys->bindings,
		.state = TN_BINDING_OPEN,
	};
	p->draining = p->open;
	p->draining.state = TN_BINDING_DRAINING;
	list_init(&p->in_owner);
	list_add(&iface->provisions, &p->in_interface);
}

/* It may be called, and who has waited meanwhile enters. Lock held. */
static void provision_open(struct provision *p)
{
	p->state = PROVISION_OPEN;
	/* Who closes another one leads to this. */
	if (p->iface->primary == NULL || p->iface->primary == p)
		interface_lead(p->iface, p);
	interface_decided(p->iface->sys);
}

static bool is_running(const struct generation *gen)
{
	return gen == NULL || gen->mod->state == TN_STATE_RUNNING;
}

REQUIRES(registry_role)
static int provide_locked(struct tn_system *sys, struct generation *owner,
    const struct tn_interface_desc *desc)
{
	struct interface *iface;
	struct provision *p;
	int err =
	    interface_get(sys, desc->name, desc->flags | TN_BIND_WEAK, &iface);

	if (err != 0)
		return err;
	if (provision_find(iface, owner) != NULL)
		return -TN_EEXIST;
	/* A start that undoes a stop provides what is opened with the rest. */
	if (owner != NULL && owner->leaving != NULL &&
	    owner->mod->state != TN_STATE_STOPPED)
		return -TN_EBUSY; /* nobody would close it */
	p = port_alloc(sys->port, sizeof(*p));
	if (p == NULL)
		return -TN_ENOMEM;
	if (list_empty(&iface->provisions))
		iface->public.gate.budget_ns = desc->budget_ns;
	provision_init(p, iface, desc, owner);
	if (owner != NULL)
		list_add(&owner->provisions, &p->in_owner);
	if (is_running(owner))
		provision_open(p);
	return 0;
}

static bool desc_is_sound(const struct tn_interface_desc *desc)
{
	const struct tn_ops_head *head = desc->ops;

	return desc->size == sizeof(*desc) && head != NULL &&
	       head->size >= sizeof(*head) &&
	       (desc->flags & ~INTERFACE_MODES) == 0;
}

int tn_interface_provide(struct tn_system *sys, struct tn_module *owner,
    const struct tn_interface_desc *desc)
{
	int err = -TN_ENOENT;

	if (!desc_is_sound(desc))
		return -TN_EINVAL;
	registry_lock(sys);
	if (interfaces_are_for(owner))
		err = provide_locked(
		    sys, owner != NULL ? owner->gen : NULL, desc);
	registry_unlock(sys);
	return err;
}

/* --- closing */

bool bond_counts(const struct bond *b, const struct provision *p)
{
	return !b->weak &&
	       (b->holder == NULL || b->holder->leaving == NULL ||
		   p->owner == NULL || b->holder->leaving != p->owner->leaving);
}

bool provision_is_needed(const struct provision *p)
{
	const struct list *pos;

	if (p->iface->primary != p || p->iface->nhard == 0 ||
	    interface_first_open(p->iface, p) != NULL)
		return false;
	list_for_each (pos, &p->iface->bonds)
		if (bond_counts(bond_at(pos), p))
			return true;
	return false;
}

/*
 * How long counted calls and uses of handles, which do not sleep, are waited
 * for by those who wait for nothing else: one that takes longer is in the way.
 */
#define READERS_NS UINT64_C(1000000000)

uint64_t readers_deadline(const struct tn_port *port, uint64_t deadline_ns)
{
	const uint64_t least = deadline_in(port, READERS_NS);

	return deadline_ns > least ? deadline_ns : least;
}

bool readers_leave(const struct tn_port *port, uint64_t deadline_ns)
{
	return gate_wait_readers(readers_deadline(port, deadline_ns));
}

/*
 * Counted calls do not sleep, so they are waited for even by who waits for
 * nothing else: otherwise any call of anybody, which this cannot tell from one
 * of this gate, would be in the way. Calls that sleep have until @deadline_ns.
 */
static int everybody_leaves(
    const struct tn_port *port, struct tn_gate *gate, uint64_t deadline_ns)
{
	if (!readers_leave(port, deadline_ns))
		return -TN_ETIMEDOUT;
	return gate_is_drained(gate) ? 0 : gate_drain(gate, deadline_ns);
}

/*
 * Shuts the gate of @p and waits for those inside. Lock held; dropped while it
 * waits.
 */
REQUIRES(registry_role)
static int provision_shut(struct provision *p, uint64_t deadline_ns)
{
	struct tn_system *sys = p->iface->sys;
	struct tn_gate *gate = &p->iface->public.gate;
	int err;

	p->state = PROVISION_CLOSING;
	if (p->iface->primary != p) {
		p->state = PROVISION_CLOSED;
		return 0;
	}
	registry_unlock(sys);
	err = gate_close(gate, &p->draining);
	if (err == 0)
		err = everybody_leaves(sys->port, gate, deadline_ns);
	registry_lock(sys);
	p->state = PROVISION_CLOSED;
	if (err == 0)
		return 0;
	provision_open(p);
	return err == -TN_EOPNOTSUPP ? err : -TN_EBUSY;
}

REQUIRES(registry_role)
static int provision_close(struct provision *p, uint64_t deadline_ns)
{
	int err = -TN_EBUSY;

	if (provision_is_needed(p))
		return err;
	err = provision_shut(p, deadline_ns);
	if (err != 0 || !provision_is_needed(p))
		return err;
	/* Somebody has bound meanwhile. */
	provision_open(p);
	return -TN_EBUSY;
}

/* The gate leads elsewhere from now on. Lock held. */
static void provision_leave(struct provision *p, enum provision_state state)
{
	p->state = state;
	if (p->iface->primary == p)
		interface_lead(p->iface, interface_first_open(p->iface, p));
	interface_decided(p->iface->sys);
}

static struct provision *provision_in(
    const struct generation *gen, enum provision_state state)
{
	const struct list *pos;

	list_for_each (pos, &gen->provisions) {
		struct provision *p = owned_at(pos);

		if (p->state == state)
			return p;
	}
	return NULL;
}

static bool activity_is_here(const struct activity *act)
{
	return act->thread == this_thread(act->mod->sys->port);
}

bool interfaces_decided_here(struct tn_system *sys)
{
	const struct list *pos;

	list_for_each (pos, &sys->activities) {
		const struct activity *act = activity_at(pos);

		if (activity_is_here(act) && act->mod->gen != NULL &&
		    provision_in(act->mod->gen, PROVISION_CLOSED) != NULL)
			return true;
	}
	return false;
}

void interfaces_open_locked(struct generation *gen)
{
	struct provision *p;

	while ((p = provision_in(gen, PROVISION_READY)) != NULL ||
	       (p = provision_in(gen, PROVISION_CLOSED)) != NULL)
		provision_open(p);
}

void interfaces_open(struct generation *gen)
{
	struct tn_system *sys = gen->mod->sys;

	registry_lock(sys);
	interfaces_open_locked(gen);
	registry_unlock(sys);
	fires_resume(gen);
}

int interfaces_close(struct generation *gen, uint64_t deadline_ns)
{
	struct tn_system *sys = gen->mod->sys;
	struct provision *p;
	int err = 0;

	if (fires_pause(gen, deadline_ns) != 0)
		return -TN_EBUSY;
	registry_lock(sys);
	/* Somebody else may be at one of them: withdraw, or prefer. */
	while (err == 0 && provision_in(gen, PROVISION_CLOSING) != NULL)
		err = interface_await(sys, deadline_ns);
	while (err == 0 && (p = provision_in(gen, PROVISION_OPEN)) != NULL)
		err = provision_close(p, deadline_ns);
	registry_unlock(sys);
	if (err != 0)
		interfaces_open(gen);
	return err;
}

/*
 * What all have left is decided by an unload or a stop: it goes on if its thread
 * is the one that is there.
 */
static bool is_decided_by_nobody(const struct provision *p)
{
	return p->state == PROVISION_CLOSING ||
	       (p->state == PROVISION_CLOSED &&
		   module_activity(p->owner->mod) == NULL);
}

static bool call_off(void *arg, struct index_key *key)
{
	struct interface *iface = CONTAINER_OF(key, struct interface, key);
	struct provision *first;
	const struct list *pos;

	(void)arg;
	list_for_each (pos, &iface->provisions) {
		struct provision *p = provision_at(pos);

		if (is_decided_by_nobody(p))
			p->state = is_running(p->owner) ? PROVISION_OPEN
							: PROVISION_READY;
	}
	first = iface->primary;
	if (first != NULL && first->state == PROVISION_READY)
		first = interface_first_open(iface, NULL);
	if (first == NULL || first->state == PROVISION_OPEN)
		interface_lead(iface, first);
	return true;
}

void interfaces_call_off_locked(struct tn_system *sys)
{
	index_each(&sys->interfaces, call_off, NULL);
}

void interfaces_suspend(struct generation *gen)
{
	struct tn_system *sys = gen->mod->sys;
	struct provision *p;

	registry_lock(sys);
	while ((p = provision_in(gen, PROVISION_CLOSED)) != NULL)
		provision_leave(p, PROVISION_READY);
	registry_unlock(sys);
}

/* --- withdrawing */

/* Takes @p off the lists; the caller frees it when nobody can see it. */
static void provision_unlink(struct provision *p)
{
	provision_leave(p, PROVISION_READY);
	list_del(&p->in_interface);
	list_del(&p->in_owner);
}

void interfaces_withdraw(struct generation *gen)
{
	struct tn_system *sys = gen->mod->sys;
	struct list gone;

	list_init(&gone);
	registry_lock(sys);
	gen->taken_back = true;
	bonds_drop(gen);
	while (!list_empty(&gen->provisions)) {
		struct provision *p = owned_at(gen->provisions.next);

		provision_unlink(p);
		list_add(&gone, &p->in_owner);
	}
	registry_unlock(sys);
	if (!list_empty(&gone))
		gate_synchronize();
	while (!list_empty(&gone)) {
		struct provision *p = owned_at(gone.next);

		list_del(&p->in_owner);
		port_free(sys->port, p, sizeof(*p));
	}
}

static struct provision *provision_of(
    const struct interface *iface, const struct tn_module *owner)
{
	return interfaces_are_for(owner)
		   ? provision_find(iface, owner != NULL ? owner->gen : NULL)
		   : NULL;
}

/* Its owner's stop, which the calling thread runs, asks for it. */
static bool is_closed_here(const struct provision *p)
{
	return p->state == PROVISION_CLOSED && p->owner != NULL &&
	       activity_is_here(module_activity(p->owner->mod));
}

/*
 * Finds what nobody else is closing. -TN_ENOENT; -TN_EBUSY: somebody was still
 * closing what the gate leads to at @deadline_ns; -TN_EDEADLK: the caller may
 * not wait for him.
 */
REQUIRES(registry_role)
static int provision_named(struct tn_system *sys, const struct tn_module *owner,
    const char *name, uint64_t deadline_ns, struct provision **out)
{
	struct interface *iface = interface_find(sys, name);
	int err;

	if (iface == NULL)
		return -TN_ENOENT;
	*out = provision_of(iface, owner);
	if (*out != NULL && is_closed_here(*out))
		return 0;
	err = interface_settle(iface, deadline_ns);
	if (err != 0)
		return err == -TN_EDEADLK ? err : -TN_EBUSY;
	*out = provision_of(iface, owner);
	return *out != NULL && (*out)->state <= PROVISION_OPEN ? 0 : -TN_ENOENT;
}

static void note_handle(void *arg, const struct gate_holder *h)
{
	(void)h;
	*(bool *)arg = true;
}

/* A handle's binding stays as long as the handle. */
static bool has_handles(struct tn_system *sys, const struct tn_module *owner)
{
	bool any = false;

	gate_each_handle(owner != NULL ? &owner->target : &sys->world_target,
	    note_handle, &any);
	return any;
}

/*
 * The first look at the handles is only that: to shut the gate makes callers
 * wait. They are taken inside of the gate, so when it is shut and left by all
 * there are no more to come.
 */
REQUIRES(registry_role)
static int withdraw_locked(
    struct provision *p, const struct tn_module *owner, uint64_t deadline_ns)
{
	struct tn_system *sys = p->iface->sys;
	int err;

	if (has_handles(sys, owner))
		return -TN_EBUSY;
	if (p->state != PROVISION_OPEN)
		return 0;
	err = provision_close(p, deadline_ns);
	if (err != 0 || !has_handles(sys, owner))
		return err;
	provision_open(p);
	return -TN_EBUSY;
}

int tn_interface_withdraw(struct tn_system *sys, struct tn_module *owner,
    const char *name, uint64_t timeout_ns)
{
	const uint64_t deadline_ns = deadline_in(sys->port, timeout_ns);
	struct provision *p;
	int err;

	if (gate_is_inside())
		return -TN_EDEADLK;
	registry_lock(sys);
	err = provision_named(sys, owner, name, deadline_ns, &p);
	if (err == 0)
		err = withdraw_locked(p, owner, deadline_ns);
	if (err == 0)
		provision_unlink(p);
	registry_unlock(sys);
	if (err != 0)
		return err;
	gate_synchronize();
	port_free(sys->port, p, sizeof(*p));
	return 0;
}

/* The one before is left by everybody first, as nobody may be inside of it. */
REQUIRES(registry_role)
static int prefer_locked(struct provision *p, uint64_t deadline_ns)
{
	struct provision *old = p->iface->primary;
	int err;

	if (old == p)
		return 0;
	if (p->state != PROVISION_OPEN)
		return -TN_ENOENT;
	/* So that neither goes while the lock is dropped. */
	p->state = PROVISION_CLOSING;
	err = provision_shut(old, deadline_ns);
	p->state = PROVISION_OPEN;
	if (err == 0) {
		old->state = PROVISION_OPEN;
		interface_lead(p->iface, p);
	}
	interface_decided(p->iface->sys);
	return err;
}

int tn_interface_prefer(struct tn_system *sys, struct tn_module *provider,
    const char *name, uint64_t timeout_ns)
{
	const uint64_t deadline_ns = deadline_in(sys->port, timeout_ns);
	struct provision *p;
	int err;

	if (gate_is_inside())
		return -TN_EDEADLK;
	registry_lock(sys);
	err = provision_named(sys, provider, name, deadline_ns, &p);
	if (err == 0)
		err = prefer_locked(p, deadline_ns);
	registry_unlock(sys);
	return err;
}
