/* SPDX-License-Identifier: MIT */
/*
 * Looking at slots. Nothing here pins one: looking must not be in the way of an
 * unload.
 */
#include <base/format.h>
#include <base/string.h>

#include "internal.h"

const char *tn_slot_state_name(enum tn_slot_state state)
{
	static const char *const names[TN_SLOT_STATES] = { "empty",
		"registered", "loading", "loaded", "unloading" };

	return (unsigned)state < TN_SLOT_STATES ? names[state] : "unknown";
}

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

const char *slot_name(uint32_t slot, char name[TN_MODULE_NAME_MAX])
{
	(void)text_format(name, TN_MODULE_NAME_MAX, "slot%u", slot);
	return name;
}

/* --- one slot */

static uint64_t lowest_part(struct tn_module *mod)
{
	uint64_t lowest = UINT64_MAX, addr;
	size_t size;

	for (unsigned k = 0; k < TN_PART_KINDS; k++) {
		tn_module_part(mod, (enum tn_part_kind)k, &addr, &size);
		if (size != 0 && addr < lowest)
			lowest = addr;
	}
	return lowest;
}

static void fill_native(const struct native *n, struct tn_slot_info *info)
{
	struct tn_module_info mod;

	tn_module_info(n->mod, &mod);
	(void)str_copy(info->name, sizeof(info->name), mod.name);
	info->mod = n->mod;
	info->mod_base = lowest_part(n->mod);
	info->mod_size = mod.bytes;
	info->timing = mod.timing;
	info->timing.init += n->lkmod_init_ns;
}

static void fill_isolated(
    const struct tn_slots *m, const struct slot *s, struct tn_slot_info *info)
{
	struct tn_isolation_info worker = { .status = 0 };

	m->config.isolation->info(s->worker, &worker);
	memcpy(info->name, worker.name, sizeof(info->name));
	info->mod_base = worker.base;
	info->mod_size = worker.bytes;
	info->timing = worker.timing;
	info->worker_status = worker.status;
	info->worker_id = worker.id;
}

/* What a slot leads to is not taken away meanwhile. */
static void fill_loaded_locked(
    const struct tn_slots *m, const struct slot *s, struct tn_slot_info *info)
{
	if (s->native != NULL)
		fill_native(s->native, info);
	else if (s->worker != NULL)
		fill_isolated(m, s, info);
}

int tn_slot_info(struct tn_slots *m, uint32_t i, struct tn_slot_info *info)
{
	struct slot *s = slot_at(m, i);

	if (s == NULL || info == NULL)
		return -TN_EINVAL;
	*info = (struct tn_slot_info){
		.blob_capacity = m->config.slot_capacity,
		.handles = (uint32_t)tn_slot_holders(m, i, NULL, 0),
		.inflight_calls = (uint32_t)gate_target_count(&s->target),
	};
	slots_lock(m);
	info->state = (enum tn_slot_state)s->state;
	info->isolated = slot_is_isolated(s);
	info->blob_size = s->blob_size;
	memcpy(info->entry_symbol, s->entry_name, sizeof(s->entry_name));
	fill_loaded_locked(m, s, info);
	slots_unlock(m);
	return 0;
}

int tn_slot_kill(struct tn_slots *m, uint32_t i)
{
	const struct slot *s = slot_at(m, i);
	int err = 0;

	if (s == NULL)
		return -TN_EINVAL;
	slots_lock(m);
	if (s->native != NULL)
		err = -TN_EOPNOTSUPP;
	else if (s->worker == NULL)
		err = -TN_ENOENT;
	else
		m->config.isolation->kill(s->worker);
	slots_unlock(m);
	return err;
}

/* --- holders */

struct search {
	struct tn_holder *out;
	size_t n, room;
	uint64_t now_ns;
};

static void meet(void *arg, const struct gate_holder *h)
{
	struct search *s = arg;
	struct tn_holder *out;

	if (s->n++ >= s->room)
		return;
	out = &s->out[s->n - 1];
	*out = (struct tn_holder){
		.kind = TN_HOLDER_HANDLE,
		.site = h->site,
		.age_ns = s->now_ns > h->time_ns ? s->now_ns - h->time_ns : 0,
	};
	if (h->holder != NULL)
		(void)str_copy(out->name, sizeof(out->name), h->holder);
}

size_t tn_slot_holders(
    struct tn_slots *m, uint32_t i, struct tn_holder *out, size_t room)
{
	const struct slot *s = slot_at(m, i);
	struct search search = { .out = out,
		.room = room,
		.now_ns = m->port->now_ns(m->port->ctx) };

	if (s != NULL)
		gate_each_handle(&s->target, meet, &search);
	return search.n;
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

int tn_slot_first(struct tn_slots *m, uint32_t *slot)
{
	return walk(m, 0, 1, slot);
}

int tn_slot_last(struct tn_slots *m, uint32_t *slot)
{
	/* Below 0 it is more than there are. */
	return walk(m, m->config.slot_count - 1, UINT32_MAX, slot);
}

int tn_slot_next(struct tn_slots *m, uint32_t *slot)
{
	return *slot < m->config.slot_count ? walk(m, *slot + 1, 1, slot)
					    : -TN_ENOENT;
}

static bool is_called(
    const struct tn_slots *m, const struct slot *s, const char *name)
{
	struct tn_slot_info info = { .mod = NULL };

	fill_loaded_locked(m, s, &info);
	return info.name[0] != '\0' && str_eq(info.name, name);
}

int tn_slot_find(struct tn_slots *m, const char *name, uint32_t *slot)
{
	uint32_t i = 0;

	slots_lock(m);
	while (i < m->config.slot_count && !is_called(m, &m->slot[i], name))
		i++;
	slots_unlock(m);
	if (i == m->config.slot_count)
		return -TN_ENOENT;
	*slot = i;
	return 0;
}
