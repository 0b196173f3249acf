/* SPDX-License-Identifier: MIT */
/*
 * Interfaces: their records by name, and where their gates lead. A record is
 * never freed before its system, so that whoever is bound keeps a pointer.
 * Everything here needs the registry lock.
 */
#include "interface.h"

#include <base/string.h>
#include <gate/close.h>

#include "sync.h"

#define SHARDS 8u

struct interface *interface_find(struct tn_system *sys, const char *name)
{
	struct index_key *key = index_find(&sys->interfaces, name);

	return key != NULL ? CONTAINER_OF(key, struct interface, key) : NULL;
}

static size_t shards_size(uint32_t flags)
{
	return (flags & TN_INTERFACE_SLEEPS) != 0
		   ? (SHARDS + 1) * sizeof(struct tn_gate_shard)
		   : 0;
}

/* The shards lie behind the record, on cache lines of their own. */
static struct tn_gate_shard *shards_of(struct interface *iface)
{
	const uintptr_t line = sizeof(struct tn_gate_shard);

	return (struct tn_gate_shard *)(((uintptr_t)(iface + 1) + line - 1) &
					~(line - 1));
}

static struct interface *interface_add(
    struct tn_system *sys, const char *name, uint32_t flags)
{
	const size_t size = sizeof(struct interface) + shards_size(flags);
	const bool sleeps = (flags & TN_INTERFACE_SLEEPS) != 0;
	struct interface *iface = port_alloc(sys->port, size);

	if (iface == NULL || index_reserve(&sys->interfaces, 1) != 0) {
		port_free(sys->port, iface, size);
		return NULL;
	}
	gate_init(&iface->public.gate, sleeps ? shards_of(iface) : NULL,
	    sleeps ? SHARDS : 0);
	if ((flags & TN_INTERFACE_GUARDED) != 0)
		iface->public.gate.flags |= TN_GATE_GUARDED;
	(void)str_copy(iface->name, sizeof(iface->name), name);
	iface->key.name = iface->name;
	iface->sys = sys;
	iface->flags = flags;
	list_init(&iface->provisions);
	list_init(&iface->bonds);
	(void)index_insert(&sys->interfaces, &iface->key);
	return iface;
}

/* All who name it must mean the same kind. */
int interface_get(struct tn_system *sys, const char *name, uint32_t flags,
    struct interface **out)
{
	const uint32_t modes = flags & INTERFACE_MODES;
	struct interface *iface;

	if (name == NULL || name[0] == '\0' ||
	    str_len(name) >= TN_MODULE_NAME_MAX || modes == INTERFACE_MODES)
		return -TN_EINVAL;
	iface = interface_find(sys, name);
	if (iface == NULL && (flags & TN_BIND_WEAK) == 0)
		return -TN_ENODEV;
	if (iface == NULL)
		iface = interface_add(sys, name, modes);
	if (iface == NULL)
		return -TN_ENOMEM;
	*out = iface;
	return iface->flags == modes ? 0 : -TN_EINVAL;
}

static bool interface_free(void *arg, struct index_key *key)
{
	struct interface *iface = CONTAINER_OF(key, struct interface, key);
	const struct tn_port *port = iface->sys->port;

	(void)arg;
	bonds_free(iface);
	while (!list_empty(&iface->provisions)) {
		struct provision *p = provision_at(iface->provisions.next);

		list_del(&p->in_interface);
		port_free(port, p, sizeof(*p));
	}
	port_free(port, iface, sizeof(*iface) + shards_size(iface->flags));
	return true;
}

void interfaces_free(struct tn_system *sys)
{
	index_each(&sys->interfaces, interface_free, NULL);
}

/* --- where the gate leads */

static bool is_being_closed(const struct interface *iface)
{
	return iface->primary != NULL &&
	       iface->primary->state >= PROVISION_CLOSING;
}

/* The first open provision but @not, or NULL. */
struct provision *interface_first_open(
    const struct interface *iface, const struct provision * not )
{
	const struct list *pos;

	list_for_each (pos, &iface->provisions) {
		struct provision *p = provision_at(pos);

		if (p != not &&p->state == PROVISION_OPEN)
			return p;
	}
	return NULL;
}

void interface_lead(struct interface *iface, struct provision *p)
{
	iface->primary = p;
	gate_publish(
	    &iface->public.gate, p != NULL ? &p->open : &tn_binding_closed);
}

int interface_await(struct tn_system *sys, uint64_t deadline_ns)
{
	const uint32_t seen = event_read(&sys->interfaces_changed);
	int err;

	registry_unlock(sys);
	err =
	    event_wait(sys->port, &sys->interfaces_changed, seen, deadline_ns);
	registry_lock(sys);
	return err;
}

int interface_settle(struct interface *iface, uint64_t deadline_ns)
{
	int err = 0;

	if (is_being_closed(iface) && interfaces_decided_here(iface->sys))
		return -TN_EDEADLK;
	while (err == 0 && is_being_closed(iface))
		err = interface_await(iface->sys, deadline_ns);
	return is_being_closed(iface) ? err : 0;
}

int interface_await_decision(struct interface *iface)
{
	int err = 0;

	while (err == 0 && iface->primary != NULL &&
	       iface->primary->state == PROVISION_CLOSED) {
		if (!gate_may_wait() || interfaces_decided_here(iface->sys))
			return -TN_EDEADLK;
		err = interface_await(iface->sys, UINT64_MAX);
	}
	return err;
}

void interface_decided(struct tn_system *sys)
{
	event_raise(sys->port, &sys->interfaces_changed);
}
