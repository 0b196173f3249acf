/* SPDX-License-Identifier: MIT */
/*
 * The registry: modules by name, their references, and taking them out again.
 *
 * The registry lock protects
 *   1. sys->modules, sys->list and the writers' side of sys->exports,
 *   2. the fields of a module and of its generation that module.h groups
 *      under it,
 *   3. the tickets.
 * References and handles count on the module's target (<tenon/gate.h>), so
 * that a get can never race with an unload.
 */
#include "module.h"

#include "event.h"
#include "keep.h"

#include <base/format.h>
#include <base/string.h>

#include "interface.h"
#include "metadata.h"
#include "param.h"

/* --- references */

bool tn_module_get(struct tn_module *mod)
{
	return tn_target_get(&mod->target);
}

void tn_module_put(struct tn_module *mod)
{
	tn_target_put(&mod->target);
}

static uint32_t count_of(const struct tn_module *mod)
{
	return (uint32_t)gate_target_count(&mod->target);
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

/* --- names */

const char *tn_state_name(enum tn_state state)
{
	static const char *const names[] = { "empty", "registered", "coming",
		"loaded", "initialized", "running", "stopped", "going",
		"failed", "quarantined" };

	_Static_assert(ARRAY_SIZE(names) == TN_STATES, "one name per state");
	return (unsigned)state < TN_STATES ? names[state] : "unknown";
}

static struct tn_module *record_find(struct tn_system *sys, const char *name)
{
	return (struct tn_module *)index_find(&sys->modules, name);
}

static struct tn_module *record_add(struct tn_system *sys, const char *name)
{
	struct tn_module *mod = port_alloc(sys->port, sizeof(*mod));

	if (mod == NULL || index_reserve(&sys->modules, 1) != 0) {
		port_free(sys->port, mod, sizeof(*mod));
		return NULL;
	}
	(void)str_copy(mod->name, sizeof(mod->name), name);
	mod->key.name = mod->name;
	mod->sys = sys;
	mod->state = TN_STATE_EMPTY;
	list_init(&mod->link);
	(void)index_insert(&sys->modules, &mod->key);
	return mod;
}

static void record_free(struct tn_module *mod)
{
	struct tn_system *sys = mod->sys;

	index_remove(&sys->modules, &mod->key);
	port_free(sys->port, mod, sizeof(*mod));
}

static int claim_locked(struct tn_system *sys, const char *name,
    struct tn_module **out, struct tn_diag *d)
{
	struct tn_module *mod = record_find(sys, name);

	if (mod == NULL)
		mod = record_add(sys, name);
	if (mod == NULL)
		return fail(d, TN_ENOMEM, TN_REASON_NO_MEMORY, name);
	if (mod->state > TN_STATE_REGISTERED) {
		(void)fail(d, TN_EEXIST, TN_REASON_DUPLICATE_MODULE, "");
		(void)str_copy(d->other, sizeof(d->other), name);
		return d->error;
	}
	/* EMPTY or REGISTERED: module_unclaim wants to know which. */
	mod->was = mod->state;
	mod->state = TN_STATE_COMING;
	*out = mod;
	return 0;
}

int module_claim(struct tn_system *sys, const char *name,
    struct tn_module **out, struct tn_diag *diag)
{
	int err;

	registry_lock(sys);
	err = claim_locked(sys, name, out, diag);
	registry_unlock(sys);
	return err;
}

void module_unclaim(struct tn_module *mod)
{
	struct tn_system *sys = mod->sys;

	registry_lock(sys);
	mod->state = mod->was;
	if (mod->state == TN_STATE_EMPTY)
		record_free(mod);
	registry_unlock(sys);
}

static bool free_record(void *arg, struct index_key *key)
{
	const struct tn_system *sys = arg;

	port_free(sys->port, key, sizeof(struct tn_module));
	return true;
}

void modules_free(struct tn_system *sys)
{
	index_each(&sys->modules, free_record, sys);
}

int tn_module_forget(struct tn_system *sys, struct tn_module *mod)
{
	int err = -TN_EBUSY;

	registry_lock(sys);
	if (mod->state == TN_STATE_REGISTERED) {
		record_free(mod);
		err = 0;
	}
	registry_unlock(sys);
	return err;
}

/* --- publishing */

static void unindex(struct generation *gen)
{
	struct export_block *b = gen->exports;

	if (b == NULL || b->indexed == 0)
		return;
	index_remove_all(&gen->mod->sys->exports,
	    (const struct index_key *)b->records, sizeof(b->records[0]),
	    b->indexed);
	b->indexed = 0;
}

static int index_exports(struct generation *gen, struct tn_diag *d)
{
	struct export_block *b = gen->exports;
	struct index *ix = &gen->mod->sys->exports;
	struct index_key *there = NULL;
	const struct tn_module *owner;

	if (b == NULL)
		return 0;
	if (index_reserve(ix, b->n) != 0)
		return fail(d, TN_ENOMEM, TN_REASON_NO_MEMORY, gen->mod->name);
	b->indexed =
	    (uint32_t)index_insert_all(ix, (struct index_key *)b->records,
		sizeof(b->records[0]), b->n, &there);
	if (there == NULL)
		return 0;
	owner = export_block_of((const struct export_record *)there)->owner;
	(void)fail(d, TN_EEXIST, TN_REASON_DUPLICATE_EXPORT, gen->mod->name);
	(void)str_copy(d->symbol, sizeof(d->symbol), there->name);
	(void)str_copy(d->other, sizeof(d->other),
	    owner != NULL ? owner->name : "the engine");
	unindex(gen);
	return d->error;
}

int module_publish(struct generation *gen, struct tn_diag *d)
{
	struct tn_module *mod = gen->mod;
	struct tn_system *sys = mod->sys;
	int err;

	registry_lock(sys);
	err = index_exports(gen, d);
	if (err == 0 && symbolize_add(gen) != 0) {
		unindex(gen);
		err = fail(d, TN_ENOMEM, TN_REASON_NO_MEMORY, mod->name);
	}
	if (err == 0) {
		mod->gen = gen;
		mod->state = TN_STATE_LOADED;
		list_add(&sys->list, &mod->link);
	}
	registry_unlock(sys);
	/* A reader may have met records that went in before. */
	if (err != 0)
		sys->port->synchronize(sys->port->ctx);
	return err;
}

void module_set_live(struct tn_module *mod, const struct tn_timing *timing)
{
	registry_lock(mod->sys);
	mod->state = TN_STATE_RUNNING;
	mod->gen->timing = *timing;
	registry_unlock(mod->sys);
	gate_target_open(&mod->target);
}

/* --- taking out */

void generation_free(struct tn_system *sys, struct generation *gen)
{
	const struct tn_port *port = sys->port;

	for (uint32_t i = 0; i < gen->nproviders; i++)
		tn_module_put(gen->providers[i]);
	port_free(port, gen->providers,
	    gen->max_providers * sizeof(struct tn_module *));
	if (gen->exports != NULL && gen->exports->ns != NULL)
		port_free(port, gen->exports->ns,
		    gen->exports->n * sizeof(const char *));
	if (gen->exports != NULL)
		port_free(
		    port, gen->exports, export_block_size(gen->exports->n));
	port_free(port, gen->arrays,
	    (gen->ninit_arrays + gen->nfini_arrays) *
		sizeof(struct image_range));
	params_free(port, gen);
	metadata_free(port, gen);
	keep_free(port, gen);
	if (gen->image.nparts != 0)
		port->image_free(port->ctx, &gen->image);
	port_free(port, gen, sizeof(*gen));
}

void module_withdraw(struct tn_module *mod)
{
	struct tn_system *sys = mod->sys;
	struct generation *gen = mod->gen;

	(void)interfaces_withdraw(gen);
	(void)ledger_revoke_all(gen); /* how many is in the log */
	event_tell(sys, TN_EVENT_UNLOADED, mod);
	registry_lock(sys);
	unindex(gen);
	symbolize_remove(gen);
	list_del(&mod->link);
	mod->gen = NULL;
	registry_unlock(sys);
	/* A reader may still be comparing a name in the image. */
	sys->port->synchronize(sys->port->ctx);
	generation_free(sys, gen);
}

struct user_list {
	const struct tn_module *provider;
	struct text *text;
};

static int add_user(void *arg, struct tn_module *mod)
{
	struct user_list *u = arg;

	for (uint32_t i = 0; i < mod->gen->nproviders; i++)
		if (mod->gen->providers[i] == u->provider)
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

static int refuse_absent(const struct tn_module *mod, struct tn_diag *d)
{
	(void)fail(d, TN_ENOENT, TN_REASON_NOT_LOADED, "");
	d->stage = TN_STAGE_UNLOAD;
	(void)str_copy(d->other, sizeof(d->other), mod->name);
	return d->error;
}

int tn_unload(
    struct tn_system *sys, struct tn_module *mod, struct tn_diag *diag)
{
	struct tn_diag scratch = { 0 };
	struct tn_diag *d = diag != NULL ? diag : &scratch;

	if (mod->gen == NULL)
		return refuse_absent(mod, d);
	if (generation_is_permanent(mod->gen)) {
		(void)fail(d, TN_EBUSY, TN_REASON_NO_EXIT, mod->name);
		d->stage = TN_STAGE_UNLOAD;
		return d->error;
	}
	if (gate_target_close(&mod->target, false) != 0)
		return refuse_busy(mod, d);
	if (interfaces_close(mod->gen, sys->port->now_ns(sys->port->ctx)) !=
	    0) {
		gate_target_open(&mod->target);
		return refuse_busy(mod, d);
	}
	registry_lock(sys);
	mod->state = TN_STATE_GOING;
	registry_unlock(sys);
	generation_run_exit(mod->gen);
	module_withdraw(mod);
	registry_lock(sys);
	mod->state = TN_STATE_REGISTERED;
	registry_unlock(sys);
	return 0;
}

/* --- introspection */

struct tn_module *tn_module_find(struct tn_system *sys, const char *name)
{
	struct tn_module *mod;

	registry_lock(sys);
	mod = record_find(sys, name);
	if (mod != NULL && !tn_module_get(mod))
		mod = NULL;
	registry_unlock(sys);
	return mod;
}

int tn_module_each(struct tn_system *sys,
    int (*fn)(void *arg, struct tn_module *mod), void *arg)
{
	const struct list *pos;
	int stop = 0;

	registry_lock(sys);
	list_for_each (pos, &sys->list) {
		stop = fn(arg, CONTAINER_OF((struct list *)(uintptr_t)pos,
				   struct tn_module, link));
		if (stop != 0)
			break;
	}
	registry_unlock(sys);
	return stop;
}

int tn_module_providers(struct tn_module *mod,
    int (*fn)(void *arg, struct tn_module *provider), void *arg)
{
	int stop = 0;

	for (uint32_t i = 0; i < mod->gen->nproviders && stop == 0; i++)
		stop = fn(arg, mod->gen->providers[i]);
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
	for (unsigned i = 0; mod->gen != NULL && i < mod->gen->image.nparts;
	     i++) {
		const struct tn_part *p = &mod->gen->image.part[i];

		if (p->kind != kind || p->size == 0)
			continue;
		*addr = p->addr;
		*size = p->size;
		return;
	}
}

void tn_module_info(struct tn_module *mod, struct tn_module_info *info)
{
	const struct generation *gen = mod->gen;
	size_t text;

	*info = (struct tn_module_info){
		.name = mod->name,
		.version = "",
		.license = "",
		.state = mod->state,
		.refs = count_of(mod),
	};
	if (gen == NULL)
		return;
	info->version = gen->version;
	info->license = gen->license;
	info->profile = gen->profile;
	info->direct = gen->direct;
	info->nexports = gen->exports != NULL ? gen->exports->n : 0;
	info->ncells = gen->ncells;
	info->nstubs = gen->nstubs;
	info->nrelocs = gen->nrelocs;
	info->bytes = resident_bytes(&gen->image);
	info->init_bytes = gen->init_bytes;
	info->timing = gen->timing;
	tn_module_part(mod, TN_TEXT, &info->text_addr, &text);
}
