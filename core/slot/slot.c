/* SPDX-License-Identifier: MIT */
/*
 * Slots from state to state: registering, loading, unloading.
 *
 * A change that takes time makes the slot LOADING or UNLOADING under the
 * mutex, which keeps everybody else from changing it, and works without the
 * mutex. Unloading, of one slot or of all, goes
 *
 *	engine lets go -> targets close -> | exit -> free
 *
 * and up to the bar everything is taken back when one slot is in use. A get
 * that meets a target that is just closing waits for the outcome, so that an
 * attempt which comes to nothing is noticed by nobody.
 */
#include <base/string.h>

#include "internal.h"

enum step {
	STEP_REGISTER,
	STEP_OVERWRITE,
	STEP_UNREGISTER,
	STEP_LOAD,
	STEP_UNLOAD,
	STEPS
};

static const struct {
	uint8_t refused[TN_SLOT_STATES]; /* enum tn_errno, 0: allowed */
	uint8_t next;                    /* enum tn_slot_state */
} steps[STEPS] = {
	// clang-format off
	/*                     EMPTY      REGISTERED LOADING   LOADED     UNLOADING */
	[STEP_REGISTER]   = { { 0,         TN_EEXIST, TN_EBUSY, TN_EBUSY,  TN_EBUSY }, TN_SLOT_REGISTERED },
	[STEP_OVERWRITE]  = { { 0,         0,         TN_EBUSY, TN_EBUSY,  TN_EBUSY }, TN_SLOT_REGISTERED },
	[STEP_UNREGISTER] = { { TN_ENOENT, 0,         TN_EBUSY, TN_EBUSY,  TN_EBUSY }, TN_SLOT_EMPTY },
	[STEP_LOAD]       = { { TN_ENOENT, 0,         TN_EBUSY, TN_EEXIST, TN_EBUSY }, TN_SLOT_LOADING },
	[STEP_UNLOAD]     = { { TN_ENOENT, TN_ENOENT, TN_EBUSY, 0,         TN_EBUSY }, TN_SLOT_UNLOADING },
	// clang-format on
};

static enum tn_errno step_locked(
    const struct tn_slots *m, struct slot *s, enum step step)
{
	enum tn_errno err = (enum tn_errno)steps[step].refused[s->state];

	if (m->ending)
		err = TN_EALREADY;
	if (err == 0)
		s->state = steps[step].next;
	return err;
}

/* The same with the mutex, and an explanation. */
static int begin(
    struct tn_slots *m, uint32_t i, enum step step, struct tn_diag *diag)
{
	struct slot *s = slot_at(m, i);
	enum tn_slot_state state;
	enum tn_errno err;

	if (s == NULL)
		return slot_fail(diag, i, TN_EINVAL, TN_REASON_BAD_ARGUMENT);
	slots_lock(m);
	state = (enum tn_slot_state)s->state;
	err = step_locked(m, s, step);
	slots_unlock(m);
	return err == 0 ? 0 : slot_fail_state(diag, i, err, state);
}

/* --- registering */

int tn_slot_register(struct tn_slots *slots, uint32_t slot, const void *blob,
    size_t size, uint32_t flags)
{
	const enum step step =
	    (flags & TN_SLOT_OVERWRITE) != 0 ? STEP_OVERWRITE : STEP_REGISTER;
	struct slot *s = slot_at(slots, slot);
	enum tn_errno err;

	if (s == NULL || blob == NULL || size == 0 ||
	    (flags & ~(TN_SLOT_OVERWRITE | TN_SLOT_ISOLATED)) != 0)
		return -TN_EINVAL;
	if (size > slots->config.slot_capacity)
		return -TN_EFBIG;
	if ((flags & TN_SLOT_ISOLATED) != 0 && slots->config.isolation == NULL)
		return -TN_EOPNOTSUPP;
	slots_lock(slots);
	err = step_locked(slots, s, step);
	if (err == 0) {
		memmove(slot_bytes(slots, slot), blob, size);
		s->blob_size = size;
		s->flags = (uint8_t)(flags & TN_SLOT_ISOLATED);
	}
	slots_unlock(slots);
	return -(int)err;
}

int tn_slot_unregister(struct tn_slots *slots, uint32_t slot)
{
	struct slot *s = slot_at(slots, slot);
	enum tn_errno err;

	if (s == NULL)
		return -TN_EINVAL;
	slots_lock(slots);
	err = step_locked(slots, s, STEP_UNREGISTER);
	if (err == 0) {
		s->blob_size = 0;
		s->flags = 0;
		s->entry_name[0] = '\0';
	}
	slots_unlock(slots);
	return -(int)err;
}

/* --- loading */

uint32_t slots_load_flags(const struct tn_slots *m)
{
	const uint32_t flags = m->config.flags;

	return TN_LOAD_UNMARKED |
	       ((flags & TN_SLOTS_IMPORTS) != 0 ? 0 : TN_LOAD_NO_IMPORTS) |
	       ((flags & TN_SLOTS_NO_INIT) != 0 ? TN_LOAD_NO_INIT : 0);
}

/* To one of the two, or to nothing. It is LOADING, or its target is closed. */
static void lead_to(
    struct tn_slots *m, struct slot *s, struct native *native, void *worker)
{
	slots_lock(m);
	s->native = native;
	s->worker = worker;
	slots_unlock(m);
}

/* True: it is LOADED, but was to be killed before, and is pinned for that. */
static bool set_state(
    struct tn_slots *m, struct slot *s, enum tn_slot_state state)
{
	bool stops;

	slots_lock(m);
	s->state = (uint8_t)state;
	stops = s->stop != 0;
	s->stop = 0;
	if (state == TN_SLOT_LOADED)
		gate_target_open(&s->target); /* it may be: see stay */
	stops = stops && tn_target_get(&s->target);
	slots_unlock(m);
	return stops;
}

static int open_isolated(
    struct tn_slots *m, uint32_t i, void **worker, struct tn_diag *diag)
{
	const struct tn_slots_config *c = &m->config;
	const bool imports = (c->flags & TN_SLOTS_IMPORTS) != 0;
	char name[TN_MODULE_NAME_MAX];
	const struct tn_isolation_load load = {
		.size = sizeof(load),
		.slot = i,
		.blob = slot_bytes(m, i),
		.blob_size = m->slot[i].blob_size,
		.name = slot_name(i, name),
		.load_flags = slots_load_flags(m),
		.exports = imports ? c->exports : NULL,
		.nexports = imports ? c->nexports : 0,
		.timeout_ns = c->timeout_ns != 0 ? c->timeout_ns
						 : TN_SLOT_LOAD_TIMEOUT_NS,
		.stop = &m->slot[i].stop,
	};

	return c->isolation->open(c->isolation->ctx, &load, worker, diag);
}

/* The slot is LOADING: nobody can change its bytes. */
static int open_module(struct tn_slots *m, uint32_t i, struct native **native,
    void **worker, struct tn_diag *diag)
{
	const struct tn_slots_config *c = &m->config;
	const struct slot *s = &m->slot[i];

	if (c->verify != NULL &&
	    c->verify(c->verify_arg, i, slot_bytes(m, i), s->blob_size) != 0)
		return slot_fail(diag, i, TN_EACCES, TN_REASON_VERIFY);
	return slot_is_isolated(s) ? open_isolated(m, i, worker, diag)
				   : native_open(m, i, native, diag);
}

static int load(struct tn_slots *m, uint32_t i, struct tn_diag *diag)
{
	struct slot *s = slot_at(m, i);
	struct native *native = NULL;
	void *worker = NULL;
	int err = begin(m, i, STEP_LOAD, diag);

	if (err != 0)
		return err;
	err = open_module(m, i, &native, &worker, diag);
	if (err == 0)
		lead_to(m, s, native, worker);
	if (set_state(m, s, err == 0 ? TN_SLOT_LOADED : TN_SLOT_REGISTERED)) {
		m->config.isolation->kill(worker);
		tn_target_put(&s->target);
	}
	return err;
}

int tn_slot_load(struct tn_slots *slots, uint32_t slot, struct tn_diag *diag)
{
	return slots_explain(slots, slot, diag, load);
}

/* --- unloading */

static struct slot *slot_of(const struct gate_closing *c)
{
	return CONTAINER_OF(c->target, struct slot, target);
}

uint32_t slots_claim_locked(
    struct tn_slots *m, struct gate_closing *c, bool isolated)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->config.slot_count; i++) {
		struct slot *s = &m->slot[i];

		if (s->state != TN_SLOT_LOADED ||
		    (isolated && s->worker == NULL))
			continue;
		s->state = TN_SLOT_UNLOADING;
		c[n++] = (struct gate_closing){ &s->target, 0 };
	}
	return n;
}

/* Nothing may be held of a slot that goes. */
static const struct gate_close_how unheld;

/* Looks before it asks, so that a module in use is not even asked. */
static int suspend(
    struct tn_slots *m, const struct gate_closing *c, struct tn_diag *diag)
{
	struct slot *s = slot_of(c);

	if (gate_target_is_used(c, &unheld))
		return slot_fail_busy(m, s, diag);
	return s->native != NULL ? native_suspend(s->native, diag) : 0;
}

/* Who is busy is one of them; the one other failure is of all. */
static int close_targets(struct tn_slots *m, struct gate_closing *c, uint32_t n,
    struct tn_diag *diag)
{
	size_t busy = 0;
	const int err = gate_targets_close(c, n, &unheld, &busy);

	if (err == -TN_EBUSY)
		return slot_fail_busy(m, slot_of(&c[busy]), diag);
	return err == 0 ? 0
			: slot_fail(diag, slot_number(m, slot_of(c)),
			      (enum tn_errno) - err, TN_REASON_NO_BARRIER);
}

static int leave(
    struct tn_slots *m, const struct gate_closing *c, struct tn_diag *diag)
{
	struct slot *s = slot_of(c);
	struct native *const native = s->native;
	void *const worker = s->worker;
	int err = 0;

	if (native != NULL)
		err = native_leave(native, diag);
	if (err != 0)
		return err;
	__atomic_store_n(&s->entry, 0, __ATOMIC_RELAXED);
	lead_to(m, s, NULL, NULL);
	if (native != NULL)
		native_free(native);
	else
		m->config.isolation->close(worker);
	(void)set_state(m, s, TN_SLOT_REGISTERED);
	return 0;
}

/* Refused; @is_asked: what it leads to has let it go. */
static void stay(struct tn_slots *m, struct slot *s, bool is_asked)
{
	if (is_asked && s->native != NULL)
		native_resume(s->native);
	(void)set_state(m, s, TN_SLOT_LOADED);
}

/* All, or none of which one is pinned; *@asked of them have let go. */
static int close_all(struct tn_slots *m, struct gate_closing *c, uint32_t n,
    uint32_t *asked, struct tn_diag *diag)
{
	for (; *asked < n; ++*asked) {
		const int err = suspend(m, &c[*asked], diag);

		if (err != 0)
			return err;
	}
	return n != 0 ? close_targets(m, c, n, diag) : 0;
}

int slots_unload(struct tn_slots *m, struct gate_closing *c, uint32_t n,
    struct tn_diag *diag)
{
	uint32_t asked = 0, i = 0;
	int err = close_all(m, c, n, &asked, diag);

	while (err == 0 && i < n) {
		err = leave(m, &c[i], diag);
		i += err == 0;
	}
	for (; i < n; i++)
		stay(m, slot_of(&c[i]), i < asked);
	return err;
}

static int unload(struct tn_slots *m, uint32_t i, struct tn_diag *diag)
{
	struct gate_closing c;
	int err = begin(m, i, STEP_UNLOAD, diag);

	if (err != 0)
		return err;
	c = (struct gate_closing){ &m->slot[i].target, 0 };
	return slots_unload(m, &c, 1, diag);
}

int tn_slot_unload(struct tn_slots *slots, uint32_t slot, struct tn_diag *diag)
{
	return slots_explain(slots, slot, diag, unload);
}

/* --- the entry symbol */

int tn_slot_set_entry(struct tn_slots *slots, uint32_t slot, const char *symbol)
{
	struct slot *s = slot_at(slots, slot);
	int err = 0;

	if (s == NULL)
		return -TN_EINVAL;
	if (symbol == NULL)
		symbol = "";
	if (str_len(symbol) >= TN_SLOT_SYMBOL_MAX)
		return -TN_EFBIG;
	slots_lock(slots);
	if (s->state == TN_SLOT_EMPTY) {
		err = -TN_ENOENT;
	} else {
		(void)str_copy(s->entry_name, sizeof(s->entry_name), symbol);
		__atomic_store_n(&s->entry, 0, __ATOMIC_RELAXED);
	}
	slots_unlock(slots);
	return err;
}

int tn_slot_get_entry(
    struct tn_slots *slots, uint32_t slot, char symbol[TN_SLOT_SYMBOL_MAX])
{
	const struct slot *s = slot_at(slots, slot);

	if (s == NULL || symbol == NULL)
		return -TN_EINVAL;
	slots_lock(slots);
	memcpy(symbol, s->entry_name, sizeof(s->entry_name));
	slots_unlock(slots);
	return 0;
}
