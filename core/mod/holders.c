/* SPDX-License-Identifier: MIT */
/*
 * Who uses a module: importers, holders of references, bonds, handles, and
 * operations of its own that run, for a refusal that names them all. The list
 * is counted first and then filled in as far as it goes: most may have come or
 * gone meanwhile.
 */
#include <base/string.h>

#include "hold.h"
#include "interface.h"
#include "load.h"
#include "module.h"

struct search {
	struct tn_module *mod;
	uint64_t now_ns;
	size_t n, room;
	struct tn_holder *out;
};

/* The next entry of the list, or NULL while it is only counted. */
static struct tn_holder *next(struct search *s, enum tn_holder_kind kind,
    const char *name, const void *site, uint64_t since_ns)
{
	struct tn_holder *h;

	if (s->n++ >= s->room)
		return NULL;
	h = &s->out[s->n - 1];
	h->kind = kind;
	h->count = 1;
	(void)str_copy(h->name, sizeof(h->name), name != NULL ? name : "");
	h->site = site;
	h->age_ns = s->now_ns > since_ns ? s->now_ns - since_ns : 0;
	return h;
}

/* Another that leaves together with the module does not count. */
static bool leaves_too(
    const struct generation *gen, const struct tn_module *mod)
{
	const void *leaving = mod->gen->leaving;

	return leaving != NULL && gen->leaving == leaving && gen != mod->gen;
}

static bool is_among(
    struct tn_module *const *list, uint32_t n, const struct tn_module *mod)
{
	for (uint32_t i = 0; i < n; i++)
		if (list[i] == mod)
			return true;
	return false;
}

/* Importers to be: what they use shows in no generation yet. */
REQUIRES(registry_role) static void meet_loads(struct search *s)
{
	const struct list *pos;

	list_for_each (pos, &s->mod->sys->activities) {
		const struct activity *act = activity_at(pos);

		if (act->kind == ACTIVITY_LOAD &&
		    is_among(act->providers, act->nproviders, s->mod))
			(void)next(s, TN_HOLDER_LOADING, act->mod->name, NULL,
			    s->now_ns);
	}
}

static void meet_importers(struct search *s)
{
	const struct list *pos;

	list_for_each (pos, &s->mod->sys->list) {
		const struct generation *gen = module_at(pos)->gen;

		if (!leaves_too(gen, s->mod) &&
		    is_among(gen->providers, gen->nproviders, s->mod))
			(void)next(s, TN_HOLDER_IMPORTER, gen->mod->name, NULL,
			    s->now_ns);
	}
}

static void meet_reference(void *arg, const struct hold_info *info)
{
	const struct generation *gen = info->holder;
	struct search *s = arg;
	struct tn_holder *h;

	if (gen != NULL && leaves_too(gen, s->mod))
		return;
	h = next(s, TN_HOLDER_REFERENCE,
	    gen != NULL ? gen->mod->name : HOLD_PROGRAM, info->site,
	    info->time_ns);
	if (h != NULL)
		h->count = info->count;
}

static void meet_running(void *arg, const struct firing *f, uint64_t since_ns)
{
	struct search *s = arg;
	struct tn_holder *h = next(
	    s, TN_HOLDER_RUNNING, f->entry.type->name, f->entry.site, since_ns);

	if (h != NULL)
		(void)firing_name(f, h->interface, sizeof(h->interface));
}

static void meet_bond(void *arg, const struct bond_info *bond)
{
	struct search *s = arg;
	struct tn_holder *h =
	    next(s, TN_HOLDER_BOND, bond->holder, bond->site, bond->since_ns);

	if (h != NULL)
		(void)str_copy(
		    h->interface, sizeof(h->interface), bond->interface);
}

/* Has one taken it that leaves too? */
static bool site_leaves(const struct tn_module *mod, const void *site)
{
	const struct list *pos;

	list_for_each (pos, &mod->sys->list) {
		const struct generation *gen = module_at(pos)->gen;

		if (leaves_too(gen, mod) &&
		    image_part_at(gen->image, (uintptr_t)site - 1) != NULL)
			return true;
	}
	return false;
}

static void meet_handle(void *arg, const struct gate_holder *handle)
{
	struct search *s = arg;

	if (!site_leaves(s->mod, handle->site))
		(void)next(s, TN_HOLDER_HANDLE, handle->holder, handle->site,
		    handle->time_ns);
}

size_t holders_find_locked(
    struct tn_module *mod, bool importers, struct tn_holder *out, size_t room)
{
	const struct tn_port *port = mod->sys->port;
	struct search s = { .mod = mod,
		.now_ns = port->now_ns(port->ctx),
		.room = room,
		.out = out };

	if (importers)
		meet_importers(&s);
	meet_loads(&s);
	holds_each(mod, meet_reference, &s);
	bonds_each(mod->gen, meet_bond, &s);
	gate_each_handle(&mod->target, meet_handle, &s);
	fires_each_running(mod->gen, meet_running, &s);
	return s.n;
}

void holders_list(struct tn_module *mod, struct tn_diag *d)
{
	const struct tn_port *port = mod->sys->port;
	size_t n;

	registry_lock(mod->sys);
	d->nholders = holders_find_locked(mod, true, NULL, 0);
	d->memory_bytes = d->nholders * sizeof(*d->holders);
	if (d->nholders != 0)
		d->holders = port_alloc(port, d->memory_bytes);
	d->memory = d->holders;
	if (d->holders != NULL) {
		d->owner = (void *)(uintptr_t)port;
		n = holders_find_locked(mod, true, d->holders, d->nholders);
		d->nholders = n < d->nholders ? n : d->nholders;
	}
	registry_unlock(mod->sys);
}
