/* SPDX-License-Identifier: MIT */
/*
 * Bonds: who holds which interface, since when, and from where. A bond that is
 * not weak keeps the last provider of its interface from leaving. All lists are
 * under the registry lock.
 */
#include "interface.h"

#include <base/string.h>

static void unbind_locked(struct bond *b)
{
	if (!b->weak)
		b->iface->nhard--;
	list_del(&b->in_interface);
	list_del(&b->in_holder);
	port_free(b->iface->sys->port, b, sizeof(*b));
}

size_t bonds_drop(struct generation *holder)
{
	size_t n = 0;

	for (; !list_empty(&holder->bonds); n++)
		unbind_locked(
		    CONTAINER_OF(holder->bonds.next, struct bond, in_holder));
	return n;
}

void bonds_free(struct interface *iface)
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

	if (p == NULL)
		return (want->flags & TN_BIND_WEAK) != 0 ? 0 : -TN_ENODEV;
	head = p->open.ops;
	if (p->version >> 16 != want->version >> 16 ||
	    p->version < want->version || head->size < want->ops_size)
		return -TN_ERANGE;
	return 0;
}

static void bond_add(struct bond *b, struct interface *iface,
    struct generation *holder, const struct tn_interface_want *want)
{
	b->iface = iface;
	b->holder = holder;
	b->name = holder != NULL ? holder->mod->name : want->holder;
	b->site = __builtin_return_address(0);
	b->since_ns = iface->sys->port->now_ns(iface->sys->port->ctx);
	b->weak = (want->flags & TN_BIND_WEAK) != 0;
	list_init(&b->in_holder);
	list_add(&iface->bonds, &b->in_interface);
	if (holder != NULL)
		list_add(&holder->bonds, &b->in_holder);
	if (!b->weak)
		iface->nhard++;
}

static int bind_locked(struct tn_system *sys,
    const struct tn_interface_want *want, struct interface **out)
{
	struct generation *holder =
	    want->module != NULL ? want->module->gen : NULL;
	struct bond *b;
	int err =
	    interface_get(sys, want->name, want->flags & ~TN_BIND_WEAK, out);

	if (err != 0)
		return err;
	interface_settle(*out);
	err = check_want(*out, want);
	if (err != 0)
		return err;
	b = port_alloc(sys->port, sizeof(*b));
	if (b == NULL)
		return -TN_ENOMEM;
	bond_add(b, *out, holder, want);
	return 0;
}

int tn_interface_bind(struct tn_system *sys,
    const struct tn_interface_want *want, struct tn_interface **out)
{
	struct interface *iface;
	int err = -TN_EINVAL;

	if (want->size != sizeof(*want) ||
	    (want->flags & ~(INTERFACE_MODES | TN_BIND_WEAK)) != 0 ||
	    (want->module == NULL && want->holder == NULL))
		return err;
	registry_lock(sys);
	if (want->module == NULL || want->module->gen != NULL)
		err = bind_locked(sys, want, &iface);
	registry_unlock(sys);
	if (err == 0)
		*out = &iface->public;
	return err;
}

static bool is_bond_of(
    const struct bond *b, const struct generation *holder, const char *name)
{
	return b->holder == holder && (holder != NULL || str_eq(b->name, name));
}

int tn_interface_unbind(
    struct tn_interface *iface, struct tn_module *module, const char *holder)
{
	struct interface *own = CONTAINER_OF(iface, struct interface, public);
	struct tn_system *sys = own->sys;
	const struct list *pos;
	int err = -TN_ENOENT;

	registry_lock(sys);
	list_for_each (pos, &own->bonds) {
		struct bond *b = bond_at(pos);

		if (!is_bond_of(b, module != NULL ? module->gen : NULL, holder))
			continue;
		unbind_locked(b);
		err = 0;
		break;
	}
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
