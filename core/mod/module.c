/* SPDX-License-Identifier: MIT */
/*
 * The registry: modules by name, their references, and taking them out again.
 *
 * The registry lock protects
 *   1. sys->modules, sys->list and the writers' side of sys->exports,
 *   2. the fields of a module and of its generation that module.h groups
 *      under it,
 *   3. the activities: activity.h.
 * References and handles count on the module's target (<tenon/gate.h>), so
 * that a get can never race with an unload.
 */
#include "module.h"

#include "event.h"
#include "foreign.h"
#include "keep.h"

#include <base/format.h>
#include <base/string.h>

#include "fire.h"
#include "hold.h"
#include "interface.h"
#include "metadata.h"
#include "param.h"
#include "provides.h"

/* --- states */

void module_set_state(struct tn_module *mod, enum tn_state state)
{
	registry_lock(mod->sys);
	module_set_state_locked(mod, state);
	mod->sys->changes++;
	registry_unlock(mod->sys);
}

/* In one step: whoever finds it running can bind to what it provides. */
void module_run(struct tn_module *mod)
{
	registry_lock(mod->sys);
	module_set_state_locked(mod, TN_STATE_RUNNING);
	mod->sys->changes++;
	interfaces_open_locked(mod->gen);
	gate_target_open(&mod->target);
	registry_unlock(mod->sys);
	fires_resume(mod->gen);
}

static uint32_t count_of(const struct tn_module *mod)
{
	return (uint32_t)gate_target_count(&mod->target);
}

int module_fail_absent(struct tn_diag *d, const char *name)
{
	return diag_fail(d, TN_STAGE_UNLOAD, TN_REASON_NOT_LOADED, "", name);
}

int module_fail_state(struct tn_diag *d, const struct tn_module *mod)
{
	return diag_fail(d, TN_STAGE_UNLOAD, TN_REASON_STATE, mod->name,
	    tn_state_name(mod->state));
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

struct tn_module *module_find_locked(struct tn_system *sys, const char *name)
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
	mod->id = ++sys->last_id;
	mod->state = TN_STATE_EMPTY;
	list_init(&mod->link);
	list_init(&mod->holds);
	(void)index_insert(&sys->modules, &mod->key);
	return mod;
}

struct tn_module *module_record_locked(struct tn_system *sys, const char *name)
{
	struct tn_module *mod = module_find_locked(sys, name);

	return mod != NULL ? mod : record_add(sys, name);
}

static void record_free(struct tn_module *mod)
{
	struct tn_system *sys = mod->sys;

	index_remove(&sys->modules, &mod->key);
	port_free(sys->port, mod, sizeof(*mod));
}

void module_release_locked(struct tn_module *mod)
{
	if (mod->state == TN_STATE_EMPTY)
		record_free(mod);
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

int module_forget_locked(struct tn_module *mod)
{
	if (mod->state != TN_STATE_REGISTERED || module_activity(mod) != NULL ||
	    gate_target_count(&mod->target) != 0)
		return -TN_EBUSY;
	record_free(mod);
	return 0;
}

int tn_module_forget(struct tn_system *sys, struct tn_module *mod)
{
	int err;

	registry_lock(sys);
	err = module_forget_locked(mod);
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

/* Fails with some of them listed; short of memory without a diagnosis. */
static int index_exports(struct generation *gen, struct tn_diag *d)
{
	struct export_block *b = gen->exports;
	struct index *ix = &gen->mod->sys->exports;
	struct index_key *there = NULL;
	const struct tn_module *owner;

	if (b == NULL)
		return 0;
	if (index_reserve(ix, b->n) != 0)
		return -TN_ENOMEM;
	b->indexed =
	    (uint32_t)index_insert_all(ix, (struct index_key *)b->records,
		sizeof(b->records[0]), b->n, &there);
	if (there == NULL)
		return 0;
	owner = export_block_of((const struct export_record *)there)->owner;
	(void)diag_fail(d, TN_STAGE_PUBLISH, TN_REASON_DUPLICATE_EXPORT,
	    gen->mod->name, owner != NULL ? owner->name : "the engine");
	(void)str_copy(d->symbol, sizeof(d->symbol), there->name);
	return d->error;
}

/* What it provides, and where its code is; or -TN_ENOMEM. */
static int list_words_and_code(struct generation *gen)
{
	struct index *words = &gen->mod->sys->provides;
	int err = provides_add(words, gen->provides);

	if (err == 0) {
		err = symbolize_add(gen);
		if (err != 0)
			provides_remove(words, gen->provides);
	}
	return err;
}

/*
 * First or last of what is changed under one hold of the registry lock: while
 * it waits for the ledger's, a fork may find the registry as it is.
 */
REQUIRES(registry_role)
static void set_generation(struct tn_module *mod, struct generation *gen)
{
	ledger_lock(mod->sys);
	/* release: pairs with the acquire of look_begin */
	__atomic_store_n(&mod->gen, gen, __ATOMIC_RELEASE);
	ledger_unlock(mod->sys);
}

int module_publish(struct generation *gen, struct tn_diag *d)
{
	struct tn_module *mod = gen->mod;
	struct tn_system *sys = mod->sys;
	int err;

	registry_lock(sys);
	set_generation(mod, gen);
	err = index_exports(gen, d);
	if (err == 0)
		err = list_words_and_code(gen);
	if (err != 0) {
		unindex(gen);
		if (err == -TN_ENOMEM)
			(void)diag_fail(d, TN_STAGE_PUBLISH,
			    TN_REASON_NO_MEMORY, mod->name, "the registry");
		set_generation(mod, NULL);
		registry_unlock(sys);
		/* A reader may have met records that went in before. */
		sys->port->synchronize(sys->port->ctx);
		return err;
	}
	gen->number = ++sys->generations;
	module_activity(mod)->nproviders = 0;
	module_set_taints_locked(mod, gen->taints);
	sys->taints |= gen->taints;
	module_set_state_locked(mod, TN_STATE_LOADED);
	sys->changes++;
	list_add(&sys->list, &mod->link);
	registry_unlock(sys);
	return 0;
}

/* --- taking out */

void generation_free(
    struct tn_system *sys, struct generation *gen, struct activity *act)
{
	const struct tn_port *port = sys->port;

	/* While its providers are still there. */
	if (gen->foreign != NULL)
		gen->foreign->gone(gen->foreign->ctx);
	registry_lock(sys);
	activity_unpin_locked(act);
	registry_unlock(sys);
	port_free(
	    port, gen->providers, gen->nproviders * sizeof(struct tn_module *));
	export_block_free(port, gen->exports);
	port_free(port, gen->dynamic, sizeof(struct dynamic));
	port_free(port, gen->arrays,
	    (gen->ninit_arrays + gen->nfini_arrays) *
		sizeof(struct image_range));
	params_free(port, gen);
	metadata_free(port, gen);
	keep_free(port, gen);
	if (gen->is_mapped && gen->image != NULL)
		gen->image->is_held = false; /* there is nothing to free */
	image_forget(port, gen->image);
	port_free(port, gen, sizeof(*gen));
}

void module_withdraw(struct tn_module *mod)
{
	struct activity *act = module_activity(mod);
	struct tn_system *sys = mod->sys;
	struct generation *gen = mod->gen;

	interfaces_withdraw(gen);
	(void)ledger_revoke_all(gen); /* how many is in the log */
	event_tell(sys, TN_EVENT_UNLOADED, mod);
	registry_lock(sys);
	set_generation(mod, NULL);
	unindex(gen);
	provides_remove(&sys->provides, gen->provides);
	symbolize_remove(gen);
	list_del(&mod->link);
	sys->changes++;
	act->providers = gen->providers;
	act->nproviders = gen->nproviders;
	registry_unlock(sys);
	/* A reader may still be comparing a name in the image, or be at @gen. */
	sys->port->synchronize(sys->port->ctx);
	generation_free(sys, gen, act);
}

/* --- introspection */

struct tn_module *module_find_live(struct tn_system *sys, const char *name)
{
	struct tn_module *mod;

	registry_lock(sys);
	mod = module_find_locked(sys, name);
	if (mod != NULL && !module_pin(mod))
		mod = NULL;
	registry_unlock(sys);
	return mod;
}

struct tn_module *tn_module_find(struct tn_system *sys, const char *name)
{
	const void *site = __builtin_return_address(0);
	struct tn_module *mod;

	registry_lock(sys);
	mod = module_find_locked(sys, name);
	if (mod != NULL && hold_take_at(mod, site) != 0)
		mod = NULL;
	registry_unlock(sys);
	return mod;
}

int tn_module_each(struct tn_system *sys,
    int (*fn)(void *arg, struct tn_module *mod), void *arg)
{
	const struct list *pos;
	int stop = 0;

	registry_lock_to_read(sys);
	list_for_each (pos, &sys->list) {
		stop = fn(arg, module_at(pos));
		if (stop != 0)
			break;
	}
	registry_unlock_read(sys);
	return stop;
}

int tn_module_providers(struct tn_module *mod,
    int (*fn)(void *arg, struct tn_module *provider), void *arg)
{
	const struct generation *gen;
	int stop = 0;

	registry_lock_to_read(mod->sys);
	gen = mod->gen;
	for (uint32_t i = 0; gen != NULL && i < gen->nproviders && stop == 0;
	     i++)
		stop = fn(arg, gen->providers[i]);
	registry_unlock_read(mod->sys);
	return stop;
}

static size_t resident_bytes(const struct kept_image *img)
{
	size_t n = 0;

	for (unsigned i = 0; i < img->nparts; i++)
		n += img->part[i].size;
	return n;
}

/* relaxed: nobody is told more than was true at some time of the call */
#define LOOK(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)

/*
 * Around each look at the generation of a module which may be unloaded by force
 * meanwhile; NULL: there is none.
 */
static const struct generation *look_begin(const struct tn_module *mod)
{
	const struct tn_port *port = mod->sys->port;

	port->read_enter(port->ctx);
	return __atomic_load_n(&mod->gen, __ATOMIC_ACQUIRE);
}

static void look_end(const struct tn_module *mod)
{
	const struct tn_port *port = mod->sys->port;

	port->read_exit(port->ctx);
}

static void find_part(const struct generation *gen, enum tn_part_kind kind,
    uint64_t *addr, size_t *size)
{
	*addr = 0;
	*size = 0;
	for (unsigned i = 0; gen != NULL && i < gen->image->nparts; i++) {
		const struct kept_part *p = &gen->image->part[i];

		if (p->kind != kind || p->size == 0)
			continue;
		*addr = p->addr;
		*size = p->size;
		return;
	}
}

void tn_module_part(
    struct tn_module *mod, enum tn_part_kind kind, uint64_t *addr, size_t *size)
{
	find_part(look_begin(mod), kind, addr, size);
	look_end(mod);
}

static void tell_generation(
    const struct generation *gen, struct tn_module_info *info)
{
	size_t text;

	info->version = metadata_text(gen, "version");
	info->license = metadata_text(gen, "license");
	info->profile = gen->profile;
	info->direct = gen->direct;
	info->nexports = gen->exports != NULL ? gen->exports->n : 0;
	info->ncells = gen->ncells;
	info->nstubs = gen->nstubs;
	info->nrelocs = gen->nrelocs;
	info->bytes = resident_bytes(gen->image);
	info->init_bytes = gen->init_bytes;
	info->timing = gen->timing;
	info->base = gen->base;
	info->permanent = generation_is_permanent(gen);
	find_part(gen, TN_TEXT, &info->text_addr, &text);
}

void tn_module_info(struct tn_module *mod, struct tn_module_info *info)
{
	const struct generation *gen = look_begin(mod);

	*info = (struct tn_module_info){
		.name = mod->name,
		.version = "",
		.license = "",
		.state = LOOK(mod->state),
		.refs = count_of(mod),
		.taints = LOOK(mod->taints),
		.busy = module_activity(mod) != NULL,
	};
	if (gen != NULL)
		tell_generation(gen, info);
	look_end(mod);
}
