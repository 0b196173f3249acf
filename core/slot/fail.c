/* SPDX-License-Identifier: MIT */
/*
 * What went wrong with a slot, as a struct tn_diag: the engine's own are passed
 * on; these are the manager's. The module of such a record is "slotN".
 */
#include <base/string.h>

#include "internal.h"

int slots_explain(struct tn_slots *m, uint32_t slot, struct tn_diag *diag,
    int (*step)(struct tn_slots *m, uint32_t slot, struct tn_diag *diag))
{
	struct tn_diag scratch;
	int err;

	tn_diag_init(&scratch);
	err = step(m, slot, diag != NULL ? diag : &scratch);
	tn_diag_fini(&scratch);
	return err;
}

int slot_fail(
    struct tn_diag *d, uint32_t slot, enum tn_errno err, enum tn_reason reason)
{
	tn_diag_fini(d);
	d->error = -(int)err;
	d->reason = reason;
	(void)slot_name(slot, d->module);
	return d->error;
}

int slot_fail_state(struct tn_diag *d, uint32_t slot, enum tn_errno err,
    enum tn_slot_state state)
{
	const int error = slot_fail(d, slot, err, TN_REASON_STATE);

	(void)str_copy(d->other, sizeof(d->other), tn_slot_state_name(state));
	return error;
}

/* The list is the port's memory, which a caller's pool does without. */
int slot_fail_busy(struct tn_slots *m, const struct slot *s, struct tn_diag *d)
{
	const uint32_t slot = slot_number(m, s);
	const struct tn_port *port = m->port;
	const int error = slot_fail(d, slot, TN_EBUSY, TN_REASON_IN_USE);
	size_t n;

	d->stage = TN_STAGE_UNLOAD;
	d->value = gate_target_count(&s->target);
	d->nholders = tn_slot_holders(m, slot, NULL, 0);
	if (m->is_fixed || d->nholders == 0)
		return error;
	d->memory_bytes = d->nholders * sizeof(*d->holders);
	d->holders = port->alloc(port->ctx, d->memory_bytes);
	if (d->holders == NULL)
		return error; /* how many there are is told */
	d->memory = d->holders;
	d->owner = (void *)(uintptr_t)port;
	n = tn_slot_holders(m, slot, d->holders, d->nholders);
	d->nholders = n < d->nholders ? n : d->nholders;
	return error;
}
