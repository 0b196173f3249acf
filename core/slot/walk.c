/* SPDX-License-Identifier: MIT */
/*
 * Walking over loaded slots, ending workers, and the names of results. What is
 * here a manager does without when nobody asks for it.
 */
#include <base/string.h>

#include "internal.h"

const char *tn_slot_status_name(int status)
{
	static const struct {
		int status;
		const char *name;
	} names[] = {
		{ TN_SLOT_OK, "OK" },
		{ TN_SLOT_INVALID_ARGS, "INVALID_ARGS" },
		{ TN_SLOT_TOO_BIG, "TOO_BIG" },
		{ TN_SLOT_BUSY, "BUSY" },
		{ TN_SLOT_ALREADY_EXISTS, "ALREADY_EXISTS" },
		{ TN_SLOT_NOT_FOUND, "NOT_FOUND" },
		{ TN_SLOT_BAD_STATE, "BAD_STATE" },
		{ TN_SLOT_OUT_OF_RANGE, "OUT_OF_RANGE" },
		{ TN_SLOT_NO_MEMORY, "NO_MEMORY" },
		{ -TN_ENOSPC, "NO_MEMORY" },
		{ TN_SLOT_NOT_VALID, "NOT_VALID" },
		{ TN_SLOT_NOT_SUPPORTED, "NOT_SUPPORTED" },
		{ TN_SLOT_REFUSED, "REFUSED" },
		{ TN_SLOT_STALE, "STALE" },
		{ TN_SLOT_FAULT, "FAULT" },
		{ TN_SLOT_TIMED_OUT, "TIMED_OUT" },
		{ TN_SLOT_KILLED, "KILLED" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].status == status)
			return names[i].name;
	return tn_error_name(status);
}

/* Whoever loads it looks at that. */
static bool stop_load(const struct tn_slots *m, struct slot *s)
{
	bool stops;

	slots_lock(m);
	stops = s->state == TN_SLOT_LOADING && slot_is_isolated(s);
	if (stops)
		__atomic_store_n(&s->stop, 1, __ATOMIC_RELAXED);
	slots_unlock(m);
	return stops;
}

int tn_slot_kill(struct tn_slots *slots, uint32_t slot)
{
	struct slot *s = slot_at(slots, slot);
	int err = 0;

	if (s == NULL)
		return -TN_EINVAL;
	if (stop_load(slots, s))
		return 0;
	/* Pinned as by a call: what is told of the end may ask the manager. */
	if (!tn_target_get(&s->target))
		return -TN_ENOENT;
	if (s->native != NULL)
		err = -TN_EOPNOTSUPP;
	else
		slots->config.isolation->kill(s->worker);
	tn_target_put(&s->target);
	return err;
}

/* --- walking */

/* The next loaded slot from @i on, in steps of 1 or -1. */
static int walk(
    const struct tn_slots *m, uint32_t i, uint32_t step, uint32_t *slot)
{
	for (; i < m->config.slot_count; i += step) {
		if (gate_target_is_live(&m->slot[i].target)) {
			*slot = i;
			return 0;
		}
	}
	return -TN_ENOENT;
}

int tn_slot_first(struct tn_slots *slots, uint32_t *slot)
{
	return walk(slots, 0, 1, slot);
}

int tn_slot_last(struct tn_slots *slots, uint32_t *slot)
{
	/* Below 0 it is more than there are. */
	return walk(slots, slots->config.slot_count - 1, UINT32_MAX, slot);
}

int tn_slot_next(struct tn_slots *slots, uint32_t *slot)
{
	return *slot < slots->config.slot_count
		   ? walk(slots, *slot + 1, 1, slot)
		   : -TN_ENOENT;
}

static bool is_called(
    const struct tn_slots *m, const struct slot *s, const char *name)
{
	struct tn_slot_info info = { .mod = NULL };

	slot_fill_locked(m, s, &info);
	return info.name[0] != '\0' && str_eq(info.name, name);
}

int tn_slot_find(struct tn_slots *slots, const char *name, uint32_t *slot)
{
	uint32_t i = 0;

	slots_lock(slots);
	while (i < slots->config.slot_count &&
	       !is_called(slots, &slots->slot[i], name))
		i++;
	slots_unlock(slots);
	if (i == slots->config.slot_count)
		return -TN_ENOENT;
	*slot = i;
	return 0;
}
