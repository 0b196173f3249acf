/* SPDX-License-Identifier: MIT */
/*
 * The order of loading: depmod_rank. Modules are ranked so that each comes
 * before those that it needs: first those that nobody needs, the last one of
 * them at first, and whenever the last user of a module has its rank, the
 * module is the next. What is left then hangs on a cycle.
 */
#include "depmod.h"

#include <tenon/err.h>

#include "depmod_cycles.h"

struct ranking {
	struct depmod *d;
	uint32_t *users; /* of each module: those that have no rank yet */
	uint32_t *stack; /* modules without such users */
	uint32_t n;      /* on the stack */
	uint32_t ranked;
};

/* The rank of one module; it leaves those that it needs. */
static void rank_one(struct ranking *r, struct dep_module *m)
{
	m->rank = r->ranked++;
	for (uint32_t i = 0; i < m->nneeds; i++)
		if (--r->users[m->needs[i]] == 0)
			r->stack[r->n++] = m->needs[i];
}

static int rank_all(struct ranking *r)
{
	struct depmod *d = r->d;
	const size_t size = (d->nmodules + 1) * sizeof(uint32_t);

	r->users = arena_alloc(&d->arena, size);
	r->stack = arena_alloc(&d->arena, size);
	if (r->users == NULL || r->stack == NULL)
		return -TN_ENOMEM;
	for (uint32_t i = 0; i < d->nmodules; i++) {
		d->modules[i].rank = DEPMOD_UNRANKED;
		r->users[i] = d->modules[i].users;
		if (r->users[i] == 0)
			r->stack[r->n++] = i;
	}
	while (r->n != 0)
		rank_one(r, &d->modules[r->stack[--r->n]]);
	return 0;
}

int depmod_rank(struct depmod *d)
{
	struct ranking r = { .d = d };
	int err = rank_all(&r);

	if (!err && r.ranked != d->nmodules)
		err = depmod_tell_cycles(d);
	return err;
}
