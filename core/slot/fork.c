/* SPDX-License-Identifier: MIT */
/*
 * Keeping slots whole when their process is copied: the engines of all that is
 * loaded take part. The port's lock is held, so nothing comes or goes.
 */
#include "internal.h"

typedef void system_fn(struct tn_system *sys, bool child);

static void each_system(struct tn_slots *m, system_fn *fn, bool child)
{
	for (uint32_t i = 0; i < m->config.slot_count; i++) {
		const struct slot *s = &m->slot[i];

		if (s->state == TN_SLOT_LOADED && s->native != NULL)
			fn(s->native->sys, child);
	}
}

static void before_fork(struct tn_system *sys, bool child)
{
	(void)child;
	tn_system_before_fork(sys);
}

void tn_slots_before_fork(struct tn_slots *slots)
{
	each_system(slots, before_fork, false);
}

void tn_slots_after_fork(struct tn_slots *slots, bool child)
{
	each_system(slots, tn_system_after_fork, child);
}
