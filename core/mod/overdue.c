/* SPDX-License-Identifier: MIT */
/*
 * Guarded calls that take longer than they may. Threads record the generation
 * whose code they run; only those that are in the registry are believed to be
 * there, since a record says nothing of what has gone.
 */
#include <tenon/interfaces.h>

#include <gate/close.h>

#include <base/string.h>

#include "module.h"

struct looking {
	struct tn_system *sys;
	uint64_t now_ns;
	int (*fn)(void *arg, const struct tn_overdue *call);
	void *arg;
};

REQUIRES(registry_role)
static struct tn_module *owner_of(const struct tn_system *sys, const void *gen)
{
	const struct list *pos;

	list_for_each (pos, &sys->list) {
		struct tn_module *mod = module_at(pos);

		if (gen != NULL && mod->gen == gen)
			return mod;
	}
	return NULL;
}

REQUIRES(registry_role)
static int tell(void *arg, const struct gate_overdue *o)
{
	const struct looking *l = arg;
	struct tn_overdue call = {
		.module = owner_of(l->sys, o->owner),
		.thread = o->who,
		.late_ns = l->now_ns - o->deadline_ns,
	};

	if (call.module == NULL)
		return 0;
	memcpy(call.module_name, call.module->name, sizeof(call.module_name));
	return l->fn(l->arg, &call);
}

int tn_overdue_each(struct tn_system *sys,
    int (*fn)(void *arg, const struct tn_overdue *call), void *arg)
{
	struct looking l = { sys, tn_gate_coarse_ns(), fn, arg };
	int stop;

	registry_lock_to_read(sys);
	stop = gate_each_overdue(l.now_ns, tell, &l);
	registry_unlock_read(sys);
	return stop;
}
