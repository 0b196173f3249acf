/* SPDX-License-Identifier: MIT */
/*
 * Names of holders: holder_name.h.
 */
#include "holder_name.h"

#include <base/string.h>

#include "module.h"

struct name {
	struct index_key key; /* first: .text */
	char text[TN_MODULE_NAME_MAX];
};

/* Names are asked for again and again by the same pointers. */
static const void *_Atomic *recent_of(struct tn_system *sys, const char *name)
{
	return &sys->recent_names[(uintptr_t)name / 8 % HOLDER_NAMES_RECENT];
}

static const struct name *find(struct tn_system *sys, const char *name)
{
	const void *_Atomic *recent = recent_of(sys, name);
	/* acquire: pairs with the release below: what it points to is whole */
	const struct name *n =
	    atomic_load_explicit(recent, memory_order_acquire);
	const struct tn_port *port = sys->port;

	if (n != NULL && str_eq(n->text, name))
		return n;
	port->read_enter(port->ctx);
	n = (const struct name *)index_find(&sys->holder_names, name);
	port->read_exit(port->ctx);
	if (n != NULL)
		atomic_store_explicit(recent, n, memory_order_release);
	return n; /* stays */
}

static const struct name *add_locked(struct tn_system *sys, const char *name)
{
	struct index *ix = &sys->holder_names;
	struct name *n = port_alloc(sys->port, sizeof(*n));
	const struct index_key *there;

	if (n == NULL || index_reserve(ix, 1) != 0) {
		port_free(sys->port, n, sizeof(*n));
		return NULL;
	}
	(void)str_copy(n->text, sizeof(n->text), name);
	n->key.name = n->text;
	there = index_insert(ix, &n->key);
	if (there == NULL)
		return n;
	/* somebody was faster, or it is the same when cut */
	port_free(sys->port, n, sizeof(*n));
	return (const struct name *)there;
}

const char *holder_name(struct tn_system *sys, const char *name)
{
	const struct name *n = find(sys, name);

	if (n != NULL)
		return n->text;
	registry_lock(sys);
	const bool full = sys->holder_names.count >= HOLDER_NAMES_MAX;

	if (!full)
		n = add_locked(sys, name);
	registry_unlock(sys);
	if (full)
		return "one of many holders";
	return n != NULL ? n->text : NULL;
}

static bool free_name(void *arg, struct index_key *key)
{
	const struct tn_system *sys = arg;

	port_free(sys->port, key, sizeof(struct name));
	return true;
}

void holder_names_free(struct tn_system *sys)
{
	index_each(&sys->holder_names, free_name, sys);
	index_fini(&sys->holder_names);
}
