/* SPDX-License-Identifier: MIT */
/*
 * Calls and handles. A one-shot call counts on the slot's target while it
 * lasts; a handle is held by the thread that takes it (<tenon/gate.h>). Neither
 * takes the mutex.
 *
 * The address of the entry symbol is kept in the slot once it has been looked
 * up; whoever changes the symbol clears it, both under the mutex.
 */
#include <base/string.h>

#include "internal.h"

typedef int64_t call_fn(int64_t a, int64_t b, int64_t c, int64_t d);

/* --- functions of a slot that is pinned */

/* Keeps @addr if @name is still the entry's. */
static void keep_entry(
    struct tn_slots *m, struct slot *s, const char *name, uint64_t addr)
{
	slots_lock(m);
	if (str_eq(s->entry_name, name))
		__atomic_store_n(&s->entry, addr, __ATOMIC_RELAXED);
	slots_unlock(m);
}

static int function_by_name(const struct slot *s, const struct tn_slots *m,
    const char *symbol, uint64_t *addr)
{
	return s->native != NULL
		   ? native_function(s->native, symbol, addr)
		   : m->config.isolation->lookup(s->worker, symbol, addr);
}

/* What an isolated slot has is no address here, so it is not kept. */
static int entry_function(struct tn_slots *m, uint32_t i, uint64_t *addr)
{
	char name[TN_SLOT_SYMBOL_MAX];
	struct slot *s = &m->slot[i];
	int err;

	*addr = __atomic_load_n(&s->entry, __ATOMIC_RELAXED);
	if (*addr != 0)
		return 0;
	(void)tn_slot_get_entry(m, i, name);
	if (name[0] == '\0')
		return -TN_ENOENT;
	err = function_by_name(s, m, name, addr);
	if (err == 0 && s->native != NULL)
		keep_entry(m, s, name, *addr);
	return err;
}

/* @symbol NULL: the entry's. */
static int function_find(
    struct tn_slots *m, uint32_t i, const char *symbol, uint64_t *addr)
{
	return symbol != NULL ? function_by_name(&m->slot[i], m, symbol, addr)
			      : entry_function(m, i, addr);
}

static int call_isolated(const struct tn_slots *m, const struct slot *s,
    struct tn_isolation_call *call, int64_t *ret)
{
	const int err = m->config.isolation->call(s->worker, call);

	if (err == 0)
		*ret = call->ret;
	return err;
}

static int call_pinned(struct tn_slots *m, uint32_t i, const char *symbol,
    const int64_t args[4], int64_t *ret)
{
	const struct slot *s = &m->slot[i];
	struct tn_isolation_call call = { .timeout_ns = m->config.timeout_ns };
	int err = function_find(m, i, symbol, &call.function);

	if (err != 0)
		return err;
	if (s->native == NULL) {
		memcpy(call.args, args, sizeof(call.args));
		return call_isolated(m, s, &call, ret);
	}
	*ret = ((call_fn *)(uintptr_t)call.function)(
	    args[0], args[1], args[2], args[3]);
	return 0;
}

/* --- one-shot calls */

static int call_once(struct tn_slots *m, uint32_t i, const char *symbol,
    const int64_t args[4], int64_t *ret)
{
	struct slot *s = slot_at(m, i);
	int err;

	if (s == NULL || args == NULL || ret == NULL)
		return -TN_EINVAL;
	if (!tn_target_get(&s->target))
		return -TN_ENOENT;
	err = call_pinned(m, i, symbol, args, ret);
	tn_target_put(&s->target);
	return err;
}

int tn_slot_call(struct tn_slots *slots, uint32_t slot, const char *symbol,
    const int64_t args[4], int64_t *ret)
{
	return symbol != NULL ? call_once(slots, slot, symbol, args, ret)
			      : -TN_EINVAL;
}

int tn_slot_call_entry(
    struct tn_slots *slots, uint32_t slot, const int64_t args[4], int64_t *ret)
{
	return call_once(slots, slot, NULL, args, ret);
}

/* --- handles */

int tn_slot_acquire(struct tn_slots *slots, uint32_t slot, const char *holder,
    struct tn_slot_handle *out)
{
	struct slot *s = slot_at(slots, slot);
	struct tn_slot_handle h = { .slots = slots, .slot = slot };
	int err;

	if (s == NULL || out == NULL)
		return -TN_EINVAL;
	h.entry = &s->entry;
	h.keeps = slots->is_kept;
	if (h.keeps)
		slots_keep(slots);
	err = tn_handle_take(
	    &s->target, holder, __builtin_return_address(0), &h.hold);
	if (err == 0)
		*out = h;
	else if (h.keeps)
		slots_drop(slots);
	return err;
}

/* Behind the put the manager may be gone, unless the handle keeps it. */
int tn_slot_release(struct tn_slot_handle *handle)
{
	const struct tn_slot_handle h = *handle;
	const int err = tn_handle_put(h.hold);

	*handle = (struct tn_slot_handle){ .slot = 0 };
	if (err == 0 && h.keeps)
		slots_drop(h.slots);
	return err;
}

static int call_handle(const struct tn_slot_handle *h, const char *symbol,
    const int64_t args[4], int64_t *ret)
{
	if (args == NULL || ret == NULL)
		return -TN_EINVAL;
	if (!tn_slot_handle_is_held(h))
		return -TN_ESTALE;
	return call_pinned(h->slots, h->slot, symbol, args, ret);
}

int tn_slot_handle_call(const struct tn_slot_handle *handle, const char *symbol,
    const int64_t args[4], int64_t *ret)
{
	return symbol != NULL ? call_handle(handle, symbol, args, ret)
			      : -TN_EINVAL;
}

int tn_slot_handle_call_entry(
    const struct tn_slot_handle *handle, const int64_t args[4], int64_t *ret)
{
	return call_handle(handle, NULL, args, ret);
}

int tn_slot_handle_function(
    const struct tn_slot_handle *handle, const char *symbol, void **function)
{
	uint64_t addr;
	int err;

	if (!tn_slot_handle_is_held(handle))
		return -TN_ESTALE;
	if (handle->slots->slot[handle->slot].native == NULL)
		return -TN_EOPNOTSUPP;
	err = function_find(handle->slots, handle->slot, symbol, &addr);
	if (err == 0)
		*function = (void *)(uintptr_t)addr;
	return err;
}
