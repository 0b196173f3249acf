/* SPDX-License-Identifier: MIT */
/*
 * What a load wants of other modules, and what others want of it: its name,
 * which one load at a time may have, and references on its providers, which
 * may be on their way themselves.
 *
 * The loads of one name are one load: the first does it, the others wait for
 * it and get its result. A load that needs a module which another thread is
 * loading waits for that.
 */
#include "load.h"

#include <base/string.h>

#include "event.h"

/* Look again: what was in the way has gone. */
#define RETRY LOAD_MUST_WAIT

/* --- the name */

static int refuse_double(struct tn_load *l)
{
	return diag_fail(
	    l->diag, TN_STAGE_PUBLISH, TN_REASON_DUPLICATE_MODULE, "", l->name);
}

REQUIRES(registry_role)
static int take_locked(struct tn_load *l, struct tn_module *mod)
{
	const int err =
	    activity_begin_locked(&l->activity, ACTIVITY_LOAD, mod, l->diag);

	if (err != 0) {
		module_release_locked(mod);
		return err;
	}
	mod->was = mod->state;
	module_set_state_locked(mod, TN_STATE_COMING);
	l->mod = mod;
	return 0;
}

REQUIRES(registry_role) static int claim_locked(struct tn_load *l)
{
	struct tn_module *mod = module_record_locked(l->sys, l->name);
	const struct activity *other;
	int err;

	if (mod == NULL)
		return load_fail_memory(l, sizeof(*mod));
	other = module_activity(mod);
	if (other == NULL && mod->state <= TN_STATE_REGISTERED)
		return take_locked(l, mod);
	if (other == NULL)
		return refuse_double(l);
	const bool shares = other->kind == ACTIVITY_LOAD;

	if (shares ? (l->args->flags & TN_LOAD_EXCLUSIVE) != 0
		   : mod->state != TN_STATE_GOING)
		return refuse_double(l);
	l->activity.diag = shares ? l->diag : NULL;
	err = activity_wait_locked(&l->activity, mod, l->diag);
	l->activity.diag = NULL;
	if (err == 0 && !shares)
		return RETRY;
	if (err == 0)
		err = l->activity.result;
	if (err == 0)
		l->shared = mod;
	return err;
}

int load_claim(struct tn_load *l)
{
	int err;

	if (l->offline)
		return 0;
	l->stage = TN_STAGE_PUBLISH;
	registry_lock(l->sys);
	do
		err = claim_locked(l);
	while (err == RETRY);
	registry_unlock(l->sys);
	return err == 0 && l->shared != NULL ? LOAD_SHARED : err;
}

void load_unclaim(struct tn_load *l)
{
	if (l->mod == NULL && l->activity.nproviders == 0)
		return;
	registry_lock(l->sys);
	activity_unpin_locked(&l->activity);
	if (l->mod != NULL) {
		module_set_state_locked(l->mod, l->mod->was);
		activity_end_locked(&l->activity, l->diag->error, l->diag);
		module_release_locked(l->mod);
	}
	registry_unlock(l->sys);
	l->mod = NULL;
}

void load_succeed(struct tn_load *l, enum tn_state state)
{
	struct tn_module *mod = l->mod;

	registry_lock(l->sys);
	mod->gen->timing = l->timing;
	registry_unlock(l->sys);
	if (state == TN_STATE_RUNNING)
		module_run(mod);
	event_tell(l->sys, TN_EVENT_READY, mod);
	registry_lock(l->sys);
	activity_end_locked(&l->activity, 0, NULL);
	registry_unlock(l->sys);
	l->mod = NULL;
}

/* --- the set of providers: open addressing, each entry an index + 1 */

static uint32_t *slot_of(const struct tn_load *l, const struct tn_module *mod)
{
	struct tn_module **providers = l->activity.providers;
	const uint64_t h = ((uintptr_t)mod >> 4) * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t i = (uint32_t)(h >> 32) & (l->nslots - 1);

	while (l->slots[i] != 0 && providers[l->slots[i] - 1] != mod)
		i = (i + 1) & (l->nslots - 1);
	return &l->slots[i];
}

/* At most half of the slots are in use. */
REQUIRES(registry_role) static int make_room(struct tn_load *l)
{
	const uint32_t n = l->nslots != 0 ? l->nslots * 2 : 16;
	struct activity *act = &l->activity;
	struct tn_module **const old = act->providers, **providers;

	if (act->nproviders < l->nslots / 2)
		return 0;
	providers =
	    load_table(l, n / 2, sizeof(*providers) + 2 * sizeof(*l->slots));
	if (providers == NULL)
		return l->diag->error;
	act->providers = providers;
	l->slots = (uint32_t *)(providers + n / 2);
	l->nslots = n;
	for (uint32_t i = 0; i < act->nproviders; i++) {
		providers[i] = old[i];
		*slot_of(l, old[i]) = i + 1;
	}
	return 0;
}

bool load_has_provider(const struct tn_load *l, const struct tn_module *mod)
{
	return l->nslots != 0 && *slot_of(l, mod) != 0;
}

/*
 * Takes a reference, unless the load has one; or LOAD_MUST_WAIT. It counts and
 * is listed under one lock, so that a fork, which takes that, finds both.
 */
REQUIRES(registry_role)
static int add_provider(struct tn_load *l, struct tn_module *mod)
{
	const int err = make_room(l);
	struct activity *act = &l->activity;
	uint32_t *slot;

	if (err != 0)
		return err;
	slot = slot_of(l, mod);
	if (*slot != 0)
		return 0;
	if (!module_pin(mod))
		return LOAD_MUST_WAIT;
	act->providers[act->nproviders++] = mod;
	*slot = act->nproviders;
	return 0;
}

/* --- providers that are not there yet */

/* Waits when @mod is being loaded; RETRY when it can be had now. */
REQUIRES(registry_role)
static int await_locked(
    struct tn_load *l, struct tn_module *mod, const char *symbol)
{
	const struct activity *other = module_activity(mod);
	struct tn_diag *d = l->diag;
	int err;

	if (module_is_live(mod))
		return RETRY;
	if (other != NULL && other->kind == ACTIVITY_LOAD) {
		err = activity_wait_locked(&l->activity, mod, l->diag);
		d->stage = err != 0 ? l->stage : d->stage;
		return err != 0 ? err : RETRY;
	}
	(void)load_fail_import(l,
	    *symbol != '\0' ? TN_REASON_NOT_LIVE : TN_REASON_DEPENDS_NOT_LIVE,
	    symbol, mod->name);
	(void)str_copy(
	    d->section, sizeof(d->section), tn_state_name(mod->state));
	d->value = mod->state;
	return d->error;
}

REQUIRES(registry_role)
static int take_provider(
    struct tn_load *l, struct tn_module *mod, const char *symbol)
{
	const int err = add_provider(l, mod);

	return err == LOAD_MUST_WAIT ? await_locked(l, mod, symbol) : err;
}

int load_take_owner(struct tn_load *l, const char *name)
{
	const struct export_record *rec;
	struct tn_module *owner = NULL;
	int err = 0;

	registry_lock(l->sys);
	rec = (const struct export_record *)index_find(&l->sys->exports, name);
	if (rec != NULL)
		owner = export_block_of(rec)->owner;
	if (owner != NULL)
		err = take_provider(l, owner, name);
	registry_unlock(l->sys);
	return err == RETRY ? 0 : err;
}

int load_hold_locked(struct tn_load *l, struct tn_module *mod)
{
	return take_provider(l, mod, "");
}

REQUIRES(registry_role)
static int hold_locked(struct tn_load *l, const char *name)
{
	struct tn_module *mod = module_find_locked(l->sys, name);

	if (mod == NULL ||
	    (module_activity(mod) == NULL && mod->state <= TN_STATE_REGISTERED))
		return -TN_ENOENT;
	return load_hold_locked(l, mod);
}

int load_hold(struct tn_load *l, const char *name)
{
	int err;

	registry_lock(l->sys);
	do
		err = hold_locked(l, name);
	while (err == RETRY);
	registry_unlock(l->sys);
	return err;
}
