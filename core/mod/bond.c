/* SPDX-License-Identifier: MIT */
/*
 * Bonds: who holds which interface, since when, and from where. A bond that is
 * not weak keeps the last provider of its interface from leaving. All lists are
 * under the registry lock.
 */
#include "interface.h"

#include <base/string.h>

static size_t bond_size(const char *name)
{
	return sizeof(struct bond) + str_len(name) + 1;
}

REQUIRES(registry_role) static void unbind_locked(struct bond *b)
{
	if (!b->weak)
		b->iface->nhard--;
	list_del(&b->in_interface);
	list_del(&b->in_holder);
	port_free(b->iface->sys->port, b, bond_size(b->name));
}

void bonds_drop(struct generation *holder)
{
	while (!list_empty(&holder->bonds))
		unbind_locked(
		    CONTAINER_OF(holder->bonds.next, struct bond, in_holder));
}

/* The system ends: there is nobody to lock out. */
LOCK_UNCHECKED void bonds_free(struct interface *iface)
{
	while (!list_empty(&iface->bonds))
		unbind_locked(bond_at(iface->bonds.next));
}

/* --- binding */

static int check_want(
    const struct interface *iface, const struct tn_interface_want *want)
{
	const struct provision *p = iface->primary;
	const struct tn_ops_head *head;

	/* It may have gone while a decision was awaited. */
	if (!interfaces_are_for(want->module))
		return -TN_EINVAL;
	if (p == NULL)
		return (want->flags & TN_BIND_WEAK) != 0 ? 0 : -TN_ENODEV;
	head = p->open.ops;
	if (p->version >> 16 != want->version >> 16 ||
	    p->version < want->version || head->size < want->ops_size)
		return -TN_ERANGE;
	return 0;
}

static struct bond *bond_new(
    struct interface *iface, const struct tn_interface_want *want)
{
	const struct tn_module *mod = want->module;
	const char *name = mod != NULL ? mod->name : want->holder;
	const struct tn_port *port = iface->sys->port;
	struct bond *b = port_alloc(port, bond_size(name));

	if (b == NULL)
		return NULL;
	(void)str_copy(b->name, str_len(name) + 1, name);
	b->iface = iface;
	b->holder = mod != NULL ? mod->gen : NULL;
	b->since_ns = port->now_ns(port->ctx);
	b->weak = (want->flags & TN_BIND_WEAK) != 0;
	list_init(&b->in_holder);
	return b;
}

static void bond_add(struct bond *b)
{
	list_add(&b->iface->bonds, &b->in_interface);
	if (b->holder != NULL)
		list_add(&b->holder->bonds, &b->in_holder);
	if (!b->weak)
		b->iface->nhard++;
}

REQUIRES(registry_role)
static int bind_locked(struct tn_system *sys,
    const struct tn_interface_want *want, struct bond **out)
{
	struct interface *iface;
	int err = interface_get(sys, want->name, want->flags, &iface);

	if (err != 0)
		return err;
	if ((want->flags & TN_BIND_WEAK) == 0)
		err = interface_await_decision(iface);
	if (err == 0)
		err = check_want(iface, want);
	if (err != 0)
		return err;
	*out = bond_new(iface, want);
	if (*out == NULL)
		return -TN_ENOMEM;
	bond_add(*out);
	return 0;
}

int interface_bind_at(struct tn_system *sys,
    const struct tn_interface_want *want, const void *site,
    struct tn_interface **out)
{
	struct bond *b;
	int err = -TN_EINVAL;

	if (want->size != sizeof(*want) ||
	    (want->flags & ~(INTERFACE_MODES | TN_BIND_WEAK)) != 0 ||
	    (want->module == NULL && want->holder == NULL))
		return err;
	registry_lock(sys);
	if (interfaces_are_for(want->module))
		err = bind_locked(sys, want, &b);
	if (err == 0) {
		b->site = site;
		*out = &b->iface->public;
	}
	registry_unlock(sys);
	return err;
}

int tn_interface_bind(struct tn_system *sys,
    const struct tn_interface_want *want, struct tn_interface **out)
{
	return interface_bind_at(sys, want, __builtin_return_address(0), out);
}

static bool is_bond_of(
    const struct bond *b, const struct generation *holder, const char *name)
{
	return b->holder == holder && (holder != NULL || str_eq(b->name, name));
}

REQUIRES(registry_role)
static int unbind_first(const struct interface *iface,
    const struct generation *holder, const char *name)
{
	const struct list *pos;

	list_for_each (pos, &iface->bonds) {
		struct bond *b = bond_at(pos);

		if (!is_bond_of(b, holder, name))
			continue;
		unbind_locked(b);
		return 0;
	}
	return -TN_ENOENT;
}

int tn_interface_unbind(
    struct tn_interface *iface, struct tn_module *module, const char *holder)
{
	struct interface *own = CONTAINER_OF(iface, struct interface, public);
	struct tn_system *sys = own->sys;
	int err = -TN_ENOENT;

	if (module == NULL && holder == NULL)
		return err;
	registry_lock(sys);
	/* Those of a module that is gone went with it; NULL is the world. */
	if (module == NULL || module->gen != NULL)
		err = unbind_first(
		    own, module != NULL ? module->gen : NULL, holder);
	registry_unlock(sys);
	return err;
}

static void tell_bonds(const struct provision *p,
    void (*fn)(void *arg, const struct bond_info *bond), void *arg)
{
	const struct list *pos;

	list_for_each (pos, &p->iface->bonds) {
		const struct bond *b = bond_at(pos);
		const struct bond_info info = { p->iface->name, b->name,
			b->site, b->since_ns };

		if (bond_counts(b, p))
			fn(arg, &info);
	}
}

void bonds_each(const struct generation *gen,
    void (*fn)(void *arg, const struct bond_info *bond), void *arg)
{
	const struct list *pos;

	list_for_each (pos, &gen->provisions) {
		const struct provision *p = CONTAINER_OF(
		    (struct list *)(uintptr_t)pos, struct provision, in_owner);

		if (provision_is_needed(p))
			tell_bonds(p, fn, arg);
	}
}
