/* SPDX-License-Identifier: MIT */
/*
 * The registry as a list that a caller walks, and calls of a module's functions
 * by name: for those who embed the engine and know names only.
 */
#include <tenon/registry.h>

#include "module.h"

static struct tn_module *module_at(const struct list *pos)
{
	return CONTAINER_OF(
	    (struct list *)(uintptr_t)pos, struct tn_module, link);
}

/*
 * The first from @pos on that gives a reference, or NULL at the end. Only
 * running ones do, so what is coming or going is passed over.
 */
static struct tn_module *first_from(
    struct tn_system *sys, const struct list *pos, bool backwards)
{
	while (pos != &sys->list) {
		struct tn_module *mod = module_at(pos);

		if (tn_module_get(mod))
			return mod;
		pos = backwards ? pos->prev : pos->next;
	}
	return NULL;
}

struct tn_module *tn_module_first(struct tn_system *sys)
{
	struct tn_module *mod;

	registry_lock(sys);
	mod = first_from(sys, sys->list.next, false);
	registry_unlock(sys);
	return mod;
}

struct tn_module *tn_module_last(struct tn_system *sys)
{
	struct tn_module *mod;

	registry_lock(sys);
	mod = first_from(sys, sys->list.prev, true);
	registry_unlock(sys);
	return mod;
}

struct tn_module *tn_module_next(struct tn_module *mod)
{
	struct tn_system *sys = mod->sys;
	struct tn_module *next;

	registry_lock(sys);
	next = first_from(sys, mod->link.next, false);
	registry_unlock(sys);
	tn_module_put(mod);
	return next;
}

typedef uint64_t call4_fn(uint64_t a, uint64_t b, uint64_t c, uint64_t d);

int tn_module_call4(struct tn_module *mod, const char *symbol,
    const uint64_t args[4], uint64_t *ret)
{
	void *addr = NULL;
	int err;

	if (!tn_module_get(mod))
		return -TN_ENOENT;
	err = tn_module_symbol(mod, symbol, &addr);
	if (err == 0)
		*ret = ((call4_fn *)addr)(args[0], args[1], args[2], args[3]);
	tn_module_put(mod);
	return err;
}
