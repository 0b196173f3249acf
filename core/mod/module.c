/* SPDX-License-Identifier: MIT */
/*
 * The registry: modules by name, their references, and taking them out again.
 *
 * The registry lock protects
 *   1. sys->modules, sys->list and the writers' side of sys->exports,
 *   2. the fields of a module that module.h groups under it,
 *   3. the tickets.
 * A module's word, its reference count and LIVE bit, is atomic: a get is one
 * compare-and-swap that fails unless LIVE is set, and unloading clears LIVE
 * only together with a count of 0. So a get can never race with an unload.
 */
#include "module.h"

#include <base/format.h>
#include <base/string.h>

static void lock(struct tn_system *sys)
{
	sys->port->lock(sys->port->ctx);
}

static void unlock(struct tn_system *sys)
{
	sys->port->unlock(sys->port->ctx);
}

/* --- references */

bool tn_module_get(struct tn_module *mod)
{
	uint64_t w = atomic_load_explicit(&mod->word, memory_order_relaxed);

	do {
		if ((w & MODULE_LIVE) == 0)
			return false;
		/* acquire: what was written before LIVE was set */
	} while (!atomic_compare_exchange_weak_explicit(
	    &mod->word, &w, w + 1, memory_order_acquire, memory_order_relaxed));
	return true;
}

void tn_module_put(struct tn_module *mod)
{
	/* release: pairs with the acquire of the unload that sees 0 */
	(void)atomic_fetch_sub_explicit(&mod->word, 1, memory_order_release);
}

static uint32_t count_of(const struct tn_module *mod)
{
	return (
	    uint32_t)(atomic_load_explicit(&mod->word, memory_order_relaxed) &
		      MODULE_COUNT);
}

/* --- publishing */

static void unindex(struct tn_module *mod)
{
	struct export_block *b = mod->exports;

	if (b == NULL || b->indexed == 0)
		return;
	index_remove_all(&mod->sys->exports,
	    (const struct index_key *)b->records, sizeof(b->records[0]),
	    b->indexed);
	b->indexed = 0;
}

static int fail(struct tn_diag *d, enum tn_errno err, enum tn_reason reason,
    const char *module)
{
	tn_diag_fini(d);
	d->error = -(int)err;
	d->stage = TN_STAGE_PUBLISH;
	d->reason = reason;
	(void)str_copy(d->module, sizeof(d->module), module);
	return d->error;
}

static int index_exports(struct tn_module *mod, struct tn_diag *d)
{
	struct export_block *b = mod->exports;
	struct index_key *there = NULL;
	const struct tn_module *owner;

	if (b == NULL)
		return 0;
	if (index_reserve(&mod->sys->exports, b->n) != 0)
		return fail(d, TN_ENOMEM, TN_REASON_NO_MEMORY, mod->name);
	b->indexed = (uint32_t)index_insert_all(&mod->sys->exports,
	    (struct index_key *)b->records, sizeof(b->records[0]), b->n,
	    &there);
	if (there == NULL)
		return 0;
	owner = export_block_of((const struct export_record *)there)->owner;
	(void)fail(d, TN_EEXIST, TN_REASON_DUPLICATE_EXPORT, mod->name);
	(void)str_copy(d->symbol, sizeof(d->symbol), there->name);
	(void)str_copy(d->other, sizeof(d->other),
	    owner != NULL ? owner->name : "the engine");
	unindex(mod);
	return d->error;
}

static int publish_locked(struct tn_module *mod, struct tn_diag *d)
{
	struct tn_system *sys = mod->sys;
	int err;

	if (index_find(&sys->modules, mod->name) != NULL) {
		(void)fail(d, TN_EEXIST, TN_REASON_DUPLICATE_MODULE, "");
		(void)str_copy(d->other, sizeof(d->other), mod->name);
		return d->error;
	}
	if (index_reserve(&sys->modules, 1) != 0)
		return fail(d, TN_ENOMEM, TN_REASON_NO_MEMORY, mod->name);
	err = index_exports(mod, d);
	if (err != 0)
		return err;
	(void)index_insert(&sys->modules, &mod->key);
	mod->state = TN_STATE_COMING;
	list_add(&sys->list, &mod->link);
	return 0;
}

int module_publish(struct tn_module *mod, struct tn_diag *d)
{
	int err;

	lock(mod->sys);
	err = publish_locked(mod, d);
	unlock(mod->sys);
	/* A reader may have met records that went in before a double. */
	if (err == -TN_EEXIST)
		mod->sys->port->synchronize(mod->sys->port->ctx);
	return err;
}

void module_set_live(struct tn_module *mod, const struct tn_timing *timing)
{
	lock(mod->sys);
	mod->state = TN_STATE_LIVE;
	mod->timing = *timing;
	unlock(mod->sys);
	/* release: pairs with the acquire of tn_module_get */
	(void)atomic_fetch_or_explicit(
	    &mod->word, MODULE_LIVE, memory_order_release);
}

/* --- taking out */

void module_free(struct tn_module *mod)
{
	const struct tn_port *port = mod->sys->port;

	for (uint32_t i = 0; i < mod->nproviders; i++)
		tn_module_put(mod->providers[i]);
	port_free(port, mod->providers,
	    mod->max_providers * sizeof(struct tn_module *));
	if (mod->exports != NULL && mod->exports->ns != NULL)
		port_free(port, mod->exports->ns,
		    mod->exports->n * sizeof(const char *));
	if (mod->exports != NULL)
		port_free(
		    port, mod->exports, export_block_size(mod->exports->n));
	port_free(port, mod->arrays,
	    (mod->ninit_arrays + mod->nfini_arrays) *
		sizeof(struct image_range));
	port_free(port, mod->strings, mod->strings_size);
	if (mod->image.nparts != 0)
		port->image_free(port->ctx, &mod->image);
	port_free(port, mod, sizeof(*mod));
}

void module_withdraw(struct tn_module *mod)
{
	struct tn_system *sys = mod->sys;

	lock(sys);
	unindex(mod);
	index_remove(&sys->modules, &mod->key);
	list_del(&mod->link);
	unlock(sys);
	/* A reader may still be comparing a name in the image. */
	sys->port->synchronize(sys->port->ctx);
	module_free(mod);
}

struct user_list {
	const struct tn_module *provider;
	struct text *text;
};

static int add_user(void *arg, struct tn_module *mod)
{
	struct user_list *u = arg;

	for (uint32_t i = 0; i < mod->nproviders; i++)
		if (mod->providers[i] == u->provider)
			text_add(u->text, "%s%s", u->text->len != 0 ? ", " : "",
			    mod->name);
	return 0;
}

static int refuse_busy(struct tn_module *mod, struct tn_diag *d)
{
	struct text text = { d->other, sizeof(d->other), 0 };
	struct user_list users = { mod, &text };

	(void)fail(d, TN_EBUSY, TN_REASON_IN_USE, mod->name);
	d->stage = TN_STAGE_UNLOAD;
	d->value = count_of(mod);
	(void)tn_module_each(mod->sys, add_user, &users);
	return d->error;
}

int tn_unload(
    struct tn_system *sys, struct tn_module *mod, struct tn_diag *diag)
{
	struct tn_diag scratch = { 0 };
	struct tn_diag *d = diag != NULL ? diag : &scratch;
	uint64_t idle = MODULE_LIVE;

	if (module_is_permanent(mod)) {
		(void)fail(d, TN_EBUSY, TN_REASON_NO_EXIT, mod->name);
		d->stage = TN_STAGE_UNLOAD;
		return d->error;
	}
	/* acquire: everything that holders did before their put */
	if (!atomic_compare_exchange_strong_explicit(&mod->word, &idle, 0,
		memory_order_acquire, memory_order_relaxed))
		return refuse_busy(mod, d);
	lock(sys);
	mod->state = TN_STATE_GOING;
	unlock(sys);
	module_run_exit(mod);
	module_withdraw(mod);
	return 0;
}

/* --- introspection */

struct tn_module *tn_module_find(struct tn_system *sys, const char *name)
{
	struct tn_module *mod;

	lock(sys);
	mod = (struct tn_module *)index_find(&sys->modules, name);
	if (mod != NULL && !tn_module_get(mod))
		mod = NULL;
	unlock(sys);
	return mod;
}

int tn_module_each(struct tn_system *sys,
    int (*fn)(void *arg, struct tn_module *mod), void *arg)
{
	const struct list *pos;
	int stop = 0;

	lock(sys);
	list_for_each (pos, &sys->list) {
		stop = fn(arg, CONTAINER_OF((struct list *)(uintptr_t)pos,
				   struct tn_module, link));
		if (stop != 0)
			break;
	}
	unlock(sys);
	return stop;
}

int tn_module_providers(struct tn_module *mod,
    int (*fn)(void *arg, struct tn_module *provider), void *arg)
{
	int stop = 0;

	for (uint32_t i = 0; i < mod->nproviders && stop == 0; i++)
		stop = fn(arg, mod->providers[i]);
	return stop;
}

static size_t resident_bytes(const struct tn_image *img)
{
	size_t n = 0;

	for (unsigned i = 0; i < img->nparts; i++)
		n += img->part[i].size;
	return n;
}

void tn_module_part(
    struct tn_module *mod, enum tn_part_kind kind, uint64_t *addr, size_t *size)
{
	*addr = 0;
	*size = 0;
	for (unsigned i = 0; i < mod->image.nparts; i++) {
		const struct tn_part *p = &mod->image.part[i];

		if (p->kind != kind || p->size == 0)
			continue;
		*addr = p->addr;
		*size = p->size;
		return;
	}
}

void tn_module_info(struct tn_module *mod, struct tn_module_info *info)
{
	size_t text;

	*info = (struct tn_module_info){
		.name = mod->name,
		.version = mod->version,
		.license = mod->license,
		.state = mod->state,
		.profile = mod->profile,
		.direct = mod->direct,
		.refs = count_of(mod),
		.nexports = mod->exports != NULL ? mod->exports->n : 0,
		.ncells = mod->ncells,
		.nstubs = mod->nstubs,
		.nrelocs = mod->nrelocs,
		.bytes = resident_bytes(&mod->image),
		.init_bytes = mod->init_bytes,
		.timing = mod->timing,
	};
	tn_module_part(mod, TN_TEXT, &info->text_addr, &text);
}
