/* SPDX-License-Identifier: MIT */
/*
 * The registry as a list that a caller walks, and calls of a module's functions
 * by name: for those who embed the engine and know names only.
 */
#include <tenon/registry.h>

#include "hold.h"
#include "module.h"

/*
 * The first from @pos on that is running, with a reference for whoever calls
 * from @site, or NULL: at the end, or without memory. What is coming or going
 * gives no reference and is passed over. Registry lock.
 */
static struct tn_module *first_from(struct tn_system *sys,
    const struct list *pos, bool backwards, const void *site)
{
	while (pos != &sys->list) {
		struct tn_module *mod = module_at(pos);
		const int err = hold_take_at(mod, site);

		if (err != -TN_ENOENT)
			return err == 0 ? mod : NULL;
		pos = backwards ? pos->prev : pos->next;
	}
	return NULL;
}

static struct tn_module *end_of(
    struct tn_system *sys, bool backwards, const void *site)
{
	struct tn_module *mod;

	registry_lock(sys);
	mod = first_from(
	    sys, backwards ? sys->list.prev : sys->list.next, backwards, site);
	registry_unlock(sys);
	return mod;
}

struct tn_module *tn_module_first(struct tn_system *sys)
{
	return end_of(sys, false, __builtin_return_address(0));
}

struct tn_module *tn_module_last(struct tn_system *sys)
{
	return end_of(sys, true, __builtin_return_address(0));
}

struct tn_module *tn_module_next(struct tn_module *mod)
{
	const void *site = __builtin_return_address(0);
	struct tn_system *sys = mod->sys;
	struct tn_module *next = NULL;

	registry_lock(sys);
	/* What has been unloaded by force has no place in the list. */
	if (mod->gen != NULL)
		next = first_from(sys, mod->link.next, false, site);
	registry_unlock(sys);
	hold_drop(mod, hold_at(sys, site));
	return next;
}

typedef uint64_t call4_fn(uint64_t a, uint64_t b, uint64_t c, uint64_t d);

int tn_module_call4(struct tn_module *mod, const char *symbol,
    const uint64_t args[4], uint64_t *ret)
{
	void *addr = NULL;
	int err;

	if (!module_pin(mod))
		return -TN_ENOENT;
	err = tn_module_symbol(mod, symbol, &addr);
	if (err == 0)
		*ret = ((call4_fn *)addr)(args[0], args[1], args[2], args[3]);
	module_unpin(mod);
	return err;
}
