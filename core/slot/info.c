/* SPDX-License-Identifier: MIT */
/*
 * Looking at one slot: its state, what it leads to, and who holds it. It does
 * not pin the slot: looking must not be in the way of an unload.
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

const char *slot_name(uint32_t slot, char name[TN_MODULE_NAME_MAX])
{
	(void)text_format(name, TN_MODULE_NAME_MAX, "slot%u", slot);
	return name;
}

/* --- one slot */

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
void slot_fill_locked(
    const struct tn_slots *m, const struct slot *s, struct tn_slot_info *info)
{
	if (s->state < TN_SLOT_LOADED)
		return; /* it may lead somewhere already */
	if (s->native != NULL)
		native_info(s->native, info);
	else if (s->worker != NULL)
		fill_isolated(m, s, info);
}

int tn_slot_info(
    struct tn_slots *slots, uint32_t slot, struct tn_slot_info *info)
{
	struct slot *s = slot_at(slots, slot);

	if (s == NULL || info == NULL)
		return -TN_EINVAL;
	*info = (struct tn_slot_info){
		.blob_capacity = slots->config.slot_capacity,
		.handles = (uint32_t)tn_slot_holders(slots, slot, NULL, 0),
		.inflight_calls = (uint32_t)gate_target_count(&s->target),
	};
	slots_lock(slots);
	info->state = (enum tn_slot_state)s->state;
	info->isolated = slot_is_isolated(s);
	info->blob_size = s->blob_size;
	memcpy(info->entry_symbol, s->entry_name, sizeof(s->entry_name));
	slot_fill_locked(slots, s, info);
	slots_unlock(slots);
	return 0;
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
    struct tn_slots *slots, uint32_t slot, struct tn_holder *out, size_t room)
{
	const struct slot *s = slot_at(slots, slot);
	struct search search = { .out = out,
		.room = room,
		.now_ns = slots->port->now_ns(slots->port->ctx) };

	if (s != NULL)
		gate_each_handle(&s->target, meet, &search);
	return search.n;
}
