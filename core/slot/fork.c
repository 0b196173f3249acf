/* SPDX-License-Identifier: MIT */
/*
 * Keeping slots whole when their process is copied: the engines of all that is
 * loaded take part. The port's lock is held, so nothing comes or goes.
 */
#include "internal.h"

/* The engine of slot @i; NULL: there is none. */
static struct tn_system *system_at(const struct tn_slots *m, uint32_t i)
{
	const struct slot *s = &m->slot[i];

	return s->state == TN_SLOT_LOADED && s->native != NULL ? s->native->sys
							       : NULL;
}

void tn_slots_before_fork(struct tn_slots *slots)
{
	for (uint32_t i = 0; i < slots->config.slot_count; i++) {
		struct tn_system *sys = system_at(slots, i);

		if (sys != NULL)
			tn_system_before_fork(sys);
	}
}

void tn_slots_after_fork(struct tn_slots *slots, bool child)
{
	for (uint32_t i = 0; i < slots->config.slot_count; i++) {
		struct tn_system *sys = system_at(slots, i);

		if (sys != NULL)
			tn_system_after_fork(sys, child);
	}
}
