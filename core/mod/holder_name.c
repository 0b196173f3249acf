/* SPDX-License-Identifier: MIT */
/*
 * Names of holders: holder_name.h. Open addressing by the hash of the name.
 */
#include "holder_name.h"

#include <base/compiler.h>
#include <base/hash.h>
#include <base/string.h>

#include "module.h"

struct holder_name {
	char text[TN_MODULE_NAME_MAX];
};

static struct holder_names *table_now(struct tn_system *sys)
{
	/* acquire: pairs with the release of who has made it */
	return atomic_load_explicit(&sys->holder_names, memory_order_acquire);
}

/* Made when the first name comes. */
static struct holder_names *table_of(struct tn_system *sys)
{
	struct holder_names *t = table_now(sys);
	struct holder_names *fresh;

	if (t != NULL)
		return t;
	fresh = port_alloc(sys->port, sizeof(*fresh));
	if (fresh == NULL)
		return NULL;
	if (atomic_compare_exchange_strong_explicit(&sys->holder_names, &t,
		fresh, memory_order_release, memory_order_acquire))
		return fresh;
	port_free(sys->port, fresh, sizeof(*fresh));
	return t;
}

/* A name that fits, and where it is looked for. */
struct wanted {
	const char *name;
	size_t length;
	uint32_t hash;
};

static struct wanted want(const struct tn_system *sys, const char *name)
{
	struct wanted w = { .name = name };

	w.hash = (uint32_t)hash_name_length(name, sys->config.seed, &w.length);
	return w;
}

/* The slot that has it, or the vacant one where it would be. */
static uint32_t slot_of(const struct holder_names *t, const struct wanted *w)
{
	const struct holder_name *n;

	for (uint32_t i = w->hash;; i++) {
		i %= HOLDER_NAMES_SLOTS;
		/* acquire: pairs with the release of who has put it there */
		n = atomic_load_explicit(&t->at[i], memory_order_acquire);
		if (n == NULL || hash_name_equals(n->text, w->name, w->length))
			return i;
	}
}

/* The copy, old or new; NULL: no memory. */
static struct holder_name *add(
    struct tn_system *sys, struct holder_names *t, const struct wanted *w)
{
	struct holder_name *fresh = port_alloc(sys->port, sizeof(*fresh));
	struct holder_name *there;
	uint32_t i;

	if (fresh == NULL)
		return NULL;
	(void)str_copy(fresh->text, sizeof(fresh->text), w->name);
	do {
		there = NULL;
		i = slot_of(t, w);
	} while (!atomic_compare_exchange_strong_explicit(&t->at[i], &there,
		     fresh, memory_order_release, memory_order_acquire) &&
		 !hash_name_equals(there->text, w->name, w->length));
	if (there == NULL) {
		(void)atomic_fetch_add_explicit(
		    &t->count, 1, memory_order_relaxed);
		return fresh;
	}
	port_free(sys->port, fresh, sizeof(*fresh));
	return there;
}

static _Atomic(struct holder_name *) *hint_of(
    struct holder_names *t, const char *name)
{
	const uintptr_t at = (uintptr_t)name;

	return &t->hint[(at ^ at >> 6) % HOLDER_NAMES_HINTS];
}

/* By its hash; what was found first from an address is its hint. */
static __attribute__((noinline)) const char *find_or_add(
    struct tn_system *sys, const char *name)
{
	struct holder_names *t = table_of(sys);
	struct wanted w = want(sys, name);
	struct holder_name *n, *none = NULL;
	char cut[TN_MODULE_NAME_MAX];

	if (t == NULL)
		return NULL;
	if (w.length >= sizeof(cut)) {
		(void)str_copy(cut, sizeof(cut), name);
		w = want(sys, cut);
	}
	n = atomic_load_explicit(&t->at[slot_of(t, &w)], memory_order_acquire);
	/* Some threads at once may make it a few more; there is room. */
	if (n == NULL && atomic_load_explicit(&t->count,
			     memory_order_relaxed) >= HOLDER_NAMES_MAX)
		return "one of many holders";
	if (n == NULL)
		n = add(sys, t, &w);
	if (n == NULL)
		return NULL;
	/* release: pairs with the acquire of holder_name */
	(void)atomic_compare_exchange_strong_explicit(hint_of(t, name), &none,
	    n, memory_order_release, memory_order_relaxed);
	return n->text;
}

const char *holder_name(struct tn_system *sys, const char *name)
{
	struct holder_names *t = table_now(sys);
	const struct holder_name *n =
	    t != NULL
		? atomic_load_explicit(hint_of(t, name), memory_order_acquire)
		: NULL;

	if (LIKELY(n != NULL && hash_name_same(n->text, name)))
		return n->text;
	return find_or_add(sys, name);
}

void holder_names_free(struct tn_system *sys)
{
	struct holder_names *t =
	    atomic_load_explicit(&sys->holder_names, memory_order_relaxed);

	if (t == NULL)
		return;
	for (uint32_t i = 0; i < HOLDER_NAMES_SLOTS; i++)
		port_free(sys->port,
		    atomic_load_explicit(&t->at[i], memory_order_relaxed),
		    sizeof(struct holder_name));
	port_free(sys->port, t, sizeof(*t));
}
