/* SPDX-License-Identifier: MIT */
/*
 * Interfaces by name: who provides them, who is bound, and where their gates
 * lead.
 *
 *	struct interface ----> provision --> provision       (order of providing)
 *	   gate, primary          |             |
 *	   bonds              generation    generation
 *
 * The gate shows the primary provision's binding. Nobody is inside of another
 * provision. Bindings never change after they have been published; a provision
 * is freed after a gate_synchronize. For the life cycle of its module a
 * generation's provisions are
 *
 *	READY -- open --> OPEN -- close --> CLOSED -- suspend --> READY
 *	                   ^<---- open ------'  '---- withdraw --> gone
 *
 * close shuts the gates and waits for those inside; until it is decided by one
 * of the three that follow, callers wait, and so does whoever wants to change
 * where the gate leads: for sys->interfaces_changed. Who binds waits only when
 * all have left: before, it may be one who is inside and waited for, so the
 * bond is made, and the closer finds it when he looks again.
 */
#pragma once

#include <base/compiler.h>
#include <tenon/interfaces.h>

#include "module.h"
#include "sync.h"

/* The flags that say how an interface is called. */
#define INTERFACE_MODES (TN_INTERFACE_SLEEPS | TN_INTERFACE_GUARDED)

enum provision_state {
	PROVISION_READY, /* its module is not running */
	PROVISION_OPEN,
	PROVISION_CLOSING,
	PROVISION_CLOSED, /* nobody is inside, and it is not decided */
};

struct provision {
	struct tn_binding open, draining; /* set once */
	struct interface *iface;          /* set once */
	struct generation *owner;         /* set once; NULL: the world */
	uint32_t version;                 /* set once */
	/* registry lock: */
	enum provision_state state;
	struct list in_interface, in_owner;
};

struct bond {
	struct interface *iface;
	struct generation *holder; /* NULL: the world, as .name */
	const void *site;
	uint64_t since_ns;
	bool weak;
	/* registry lock: */
	struct list in_interface, in_holder;
	char name[]; /* of who holds it: its own copy */
};

struct interface {
	struct tn_interface public; /* first */
	struct index_key key;
	struct tn_system *sys;
	char name[TN_MODULE_NAME_MAX];
	uint32_t flags;
	/* registry lock: */
	struct list provisions, bonds;
	struct provision *primary; /* what the gate shows; or NULL */
	uint32_t nhard;            /* bonds that are not weak */
};

/*
 * May anything be provided or bound in the name of @mod (NULL: the world)? Not
 * when that has been taken back: nobody would do so again. Registry lock.
 */
static inline bool interfaces_are_for(const struct tn_module *mod)
{
	return mod == NULL || (mod->gen != NULL && !mod->gen->taken_back);
}

/* --- interface.c: records and gates; all need the registry lock */

struct interface *interface_find(struct tn_system *sys, const char *name);
/*
 * Finds the record of @name, and makes it when there is none and TN_BIND_WEAK
 * is among @flags: who is refused then decides nothing about it. -TN_EINVAL: no
 * name, or an interface of another kind; -TN_ENODEV: none; -TN_ENOMEM.
 */
int interface_get(struct tn_system *sys, const char *name, uint32_t flags,
    struct interface **out) MUST_CHECK;
/* Frees all records: no module is left. */
void interfaces_free(struct tn_system *sys);

/* The first open provision but @not, or NULL. */
struct provision *interface_first_open(
    const struct interface *iface, const struct provision * not );
/* Lets the gate lead to @p, or to nobody. */
void interface_lead(struct interface *iface, struct provision *p);
/* Waits for the next decision; drops the lock meanwhile. -TN_ETIMEDOUT. */
int interface_await(struct tn_system *sys, uint64_t deadline_ns)
    REQUIRES(registry_role);
/*
 * Waits until nobody closes the primary provision; likewise. Whoever waits may
 * be inside of what is being closed, without anybody knowing: so only those
 * whose caller has set a deadline wait for that. -TN_EDEADLK: the caller may not
 * wait for decisions (interfaces_decided_here).
 */
int interface_settle(struct interface *iface, uint64_t deadline_ns)
    MUST_CHECK REQUIRES(registry_role);
/*
 * Waits until it is decided whether a provision that all have left goes.
 * -TN_EDEADLK: the caller decides something himself, or is waited for.
 */
int interface_await_decision(struct interface *iface)
    MUST_CHECK REQUIRES(registry_role);
/* Somebody's waiting may be over. */
void interface_decided(struct tn_system *sys);

static inline struct provision *provision_at(const struct list *pos)
{
	return CONTAINER_OF(
	    (struct list *)(uintptr_t)pos, struct provision, in_interface);
}

static inline struct bond *bond_at(const struct list *pos)
{
	return CONTAINER_OF(
	    (struct list *)(uintptr_t)pos, struct bond, in_interface);
}

/* @deadline_ns, or what those who do not sleep are given in any case. */
uint64_t readers_deadline(const struct tn_port *port, uint64_t deadline_ns);
/* All sections that had begun have ended by then. */
bool readers_leave(const struct tn_port *port, uint64_t deadline_ns) MUST_CHECK;

/* --- provide.c: called by the one thread that changes the module's state */

/* Before anything is provided. */
void interfaces_init(struct generation *gen);
/*
 * The module is running, or runs on: what it provides can be called, by those
 * who have waited too.
 */
void interfaces_open(struct generation *gen);
void interfaces_open_locked(struct generation *gen) REQUIRES(registry_role);
/*
 * -TN_EBUSY: somebody is bound who has no other provider, or calls were still
 * inside at @deadline_ns; then all are open as before.
 */
int interfaces_close(struct generation *gen, uint64_t deadline_ns) MUST_CHECK;
/* Other providers take over; the module still provides, but is stopped. */
void interfaces_suspend(struct generation *gen);
/*
 * Takes back all that the generation provides, closed or never open, and ends
 * all its bonds.
 */
void interfaces_withdraw(struct generation *gen);
/* Not of weak bonds, nor of those that leave together with @p. */
bool bond_counts(const struct bond *b, const struct provision *p);
/*
 * This process is a copy without the threads that were closing gates, after the
 * activities of those are gone: what running modules provide is open again, and
 * what stopped ones do is nobody's until they are started.
 */
void interfaces_call_off_locked(struct tn_system *sys) REQUIRES(registry_role);
/* Is somebody bound to @p who has no other provider? Registry lock. */
bool provision_is_needed(const struct provision *p);

/*
 * Has the calling thread closed interfaces of which it has not decided yet: does
 * it run a stop, or a start that undoes one? Then it waits for no decision: it
 * may be its own, or that of somebody who waits for this one.
 */
bool interfaces_decided_here(struct tn_system *sys) REQUIRES(registry_role);

/* --- bond.c */

/* tn_interface_bind for code at @site. */
int interface_bind_at(struct tn_system *sys,
    const struct tn_interface_want *want, const void *site,
    struct tn_interface **out) MUST_CHECK;
/* Registry lock, for all three. */
void bonds_drop(struct generation *holder) REQUIRES(registry_role);
void bonds_free(struct interface *iface);
/* Who keeps @gen from leaving by a bond. */
struct bond_info {
	const char *interface;
	const char *holder;
	const void *site;
	uint64_t since_ns;
};
void bonds_each(const struct generation *gen,
    void (*fn)(void *arg, const struct bond_info *bond), void *arg);

/* --- call.c */

/*
 * Calls operation number @op (0: the first behind the head) of @iface as
 * int (*)(void *instance, void *cookie); *@status is what it returned, or
 * -TN_ENOSYS when the table has no such operation. Does not wait for the gate:
 * -TN_EAGAIN: its provider is about to leave, or not; -TN_ENODEV: nobody
 * provides it; -TN_ENOMEM: as tn_call_guarded. For those who may come again,
 * because what makes the provider leave may be waiting for them.
 */
int interface_fire(struct tn_interface *iface, unsigned op, void *cookie,
    int *status) MUST_CHECK;
