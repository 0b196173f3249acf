/* SPDX-License-Identifier: MIT */
/*
 * A slot's module in this process: an engine of its own with this one module,
 * so that slots know nothing of each other and may hold the same file. In a
 * caller's pool all of it lies behind the blob, in the memory of a tn_pool.
 *
 * The loader is the engine; this is where it is called from, and where the
 * contract of lkmod modules is kept.
 */
#include <base/overflow.h>
#include <base/string.h>

#include "internal.h"

static struct span blob_of(const struct native *n)
{
	return (struct span){ slot_bytes(n->slots, n->slot),
		n->slots->slot[n->slot].blob_size };
}

/* --- memory */

/* A pool of the whole pages that the blob leaves of its slot. */
static int make_pool(struct tn_slots *m, uint32_t i, struct tn_pool **out)
{
	const size_t page = m->port->page_size;
	const uintptr_t slot = (uintptr_t)slot_bytes(m, i);
	const uintptr_t from = align_up(slot + m->slot[i].blob_size, page);
	const uintptr_t to = (slot + m->config.slot_capacity) & ~(page - 1);

	if (from >= to)
		return -TN_ENOSPC;
	return tn_pool_create((void *)from, to - from, &m->base, m->world, out);
}

static int native_make(struct tn_slots *m, uint32_t i, struct native **out)
{
	const struct tn_port *port = m->port;
	struct tn_pool *pool = NULL;
	struct native *n;
	int err = m->is_fixed ? make_pool(m, i, &pool) : 0;

	if (err != 0)
		return err;
	if (pool != NULL)
		port = tn_pool_port(pool);
	n = port->alloc(port->ctx, sizeof(*n));
	if (n == NULL)
		return -TN_ENOMEM;
	n->slots = m;
	n->slot = i;
	n->port = port;
	*out = n;
	return 0;
}

void native_free(struct native *n)
{
	if (n->sys != NULL)
		(void)tn_system_destroy(n->sys); /* nothing is loaded */
	n->port->free(n->port->ctx, n, sizeof(*n));
}

/*
 * Passes on @err. What a record of the engine owns would go with the memory of
 * the slot.
 */
static int keep_diag(const struct native *n, struct tn_diag *d, int err)
{
	struct tn_diag whole = *d;

	if (err == 0 || !n->slots->is_fixed)
		return err;
	tn_diag_fini(d);
	whole.missing = NULL;
	whole.holders = NULL;
	whole.memory = NULL;
	*d = whole;
	return err;
}

/* --- functions by name */

/* The engine has loaded the blob at @base; it may be a compressed one. */
static void open_names(struct native *n, uint64_t base)
{
	struct elf_dynamic dyn;
	struct elf_where where;

	/* slots are aligned as files in memory have to be */
	if (!elf_open(&n->file, blob_of(n), 0, &where) ||
	    n->file.ehdr->e_type != ET_DYN ||
	    !elf_dynamic_open(&n->file, &dyn, &where))
		return;
	n->base = base;
	n->entry = n->file.ehdr->e_entry;
	elf_names_open(&n->names, &n->file, &dyn);
}

static bool is_dynamic(const struct native *n)
{
	return n->names.symtab.n != 0;
}

/* The address that the file means by @value, if it is one of code, or 0. */
static uint64_t code_at(const struct native *n, uint64_t value)
{
	for (uint32_t i = 0; i < n->file.nsegments; i++) {
		const struct elf_phdr *ph = &n->file.segments[i];

		if (ph->p_type == PT_LOAD && (ph->p_flags & PF_X) != 0 &&
		    value - ph->p_vaddr < ph->p_memsz)
			return n->base + value;
	}
	return 0;
}

/* An undefined symbol, data or a section is no function. */
static uint64_t find_dynamic(const struct native *n, const char *symbol)
{
	const struct elf_sym *s = elf_names_find(&n->names, symbol);

	return s != NULL && s->st_shndx != SHN_UNDEF &&
		       s->st_shndx < SHN_LORESERVE
		   ? code_at(n, s->st_value)
		   : 0;
}

static uint64_t find_object(const struct native *n, const char *symbol)
{
	void *found = NULL;

	return tn_module_symbol(n->mod, symbol, &found) == 0 &&
		       (uintptr_t)found - n->text < n->text_size
		   ? (uintptr_t)found
		   : 0;
}

int native_function(const struct native *n, const char *symbol, uint64_t *addr)
{
	*addr =
	    is_dynamic(n) ? find_dynamic(n, symbol) : find_object(n, symbol);
	return *addr != 0 ? 0 : -TN_ENOENT;
}

/* --- the engine */

static int make_system(struct native *n)
{
	const struct tn_slots_config *c = &n->slots->config;
	const bool imports = (c->flags & TN_SLOTS_IMPORTS) != 0;
	const struct tn_config config = {
		.size = sizeof(config),
		.abi = 1,
		.exports = imports ? c->exports : NULL,
		.nexports = imports ? c->nexports : 0,
		.seed = c->seed,
		.listeners = c->listeners,
		.nlisteners = c->nlisteners,
	};

	return tn_system_create(n->port, &config, &n->sys);
}

static int load(struct native *n, struct tn_diag *diag)
{
	const struct span blob = blob_of(n);
	char name[TN_MODULE_NAME_MAX];
	struct tn_load_args args = {
		.size = sizeof(args),
		.flags = slots_load_flags(n->slots),
		.data = blob.p,
		.data_size = blob.n,
	};
	int err = make_system(n);

	if (err != 0)
		return slot_fail(
		    diag, n->slot, (enum tn_errno) - err, TN_REASON_NO_MEMORY);
	err = tn_load(n->sys, &args, &n->mod, diag);
	if (err == 0 || diag->reason != TN_REASON_NO_NAME)
		return err;
	args.name = slot_name(n->slot, name);
	return tn_load(n->sys, &args, &n->mod, diag);
}

/* --- the contract of lkmod */

typedef int init_fn(const struct lkmod_api *api, void **handle);
typedef int exit_fn(void *handle);

static int fail_hook(const struct native *n, struct tn_diag *diag,
    enum tn_reason reason, int result)
{
	const enum tn_errno err =
	    result < 0 ? (enum tn_errno) - result : TN_EINVAL;

	(void)slot_fail(diag, n->slot, err, reason);
	diag->stage =
	    reason == TN_REASON_INIT_FAILED ? TN_STAGE_INIT : TN_STAGE_UNLOAD;
	diag->value = (uint64_t)(int64_t)result;
	return -(int)err;
}

/* The engine has initialised it, by the name that it goes by. */
static bool has_own_init(const struct native *n)
{
	void *at;

	return tn_module_symbol(n->mod, "init_module", &at) == 0 ||
	       tn_module_symbol(n->mod, "__tenon_module_ops", &at) == 0;
}

/*
 * By its name; else the entry point, which linkers leave 0 unless they are
 * told.
 */
static uint64_t find_init(const struct native *n)
{
	uint64_t addr;

	if ((n->slots->config.flags & TN_SLOTS_NO_INIT) != 0)
		return 0;
	if (native_function(n, "lkmod_init", &addr) == 0)
		return addr;
	if (n->entry == 0 || has_own_init(n))
		return 0;
	return code_at(n, n->entry);
}

static int run_init(struct native *n, uint64_t addr, struct tn_diag *diag)
{
	const struct tn_port *port = n->port;
	const uint64_t begin = port->now_ns(port->ctx);
	int ret;

	if (addr == 0)
		return 0;
	ret = ((init_fn *)(uintptr_t)addr)(api_open(n), &n->lkmod_handle);
	if (ret != 0)
		return fail_hook(n, diag, TN_REASON_INIT_FAILED, ret);
	n->lkmod_init_ns = port->now_ns(port->ctx) - begin;
	n->is_lkmod = true;
	return 0;
}

static int run_exit(struct native *n, struct tn_diag *diag)
{
	uint64_t addr;
	int ret;

	if (!n->is_lkmod || native_function(n, "lkmod_exit", &addr) != 0)
		return 0;
	ret = ((exit_fn *)(uintptr_t)addr)(n->lkmod_handle);
	return ret == 0 ? 0 : fail_hook(n, diag, TN_REASON_STOP_FAILED, ret);
}

/* --- life */

/* Loaded; its functions can be found, and its init has run. */
static int start(struct native *n, struct tn_diag *diag)
{
	struct tn_module_info info;
	size_t size;

	tn_module_info(n->mod, &info);
	tn_module_part(n->mod, TN_TEXT, &n->text, &size);
	n->text_size = size;
	open_names(n, info.base);
	return run_init(n, find_init(n), diag);
}

int native_open(
    struct tn_slots *m, uint32_t i, struct native **out, struct tn_diag *diag)
{
	struct native *n = NULL;
	int err = native_make(m, i, &n);

	if (err != 0)
		return slot_fail(diag, i, (enum tn_errno) - err,
		    err == -TN_ENOSPC ? TN_REASON_POOL_FULL
				      : TN_REASON_NO_MEMORY);
	err = load(n, diag);
	if (err == 0) {
		err = start(n, diag);
		if (err != 0) /* nobody can have got hold of it */
			(void)tn_unload(n->sys, n->mod, NULL);
	}
	if (err == 0) {
		*out = n;
		return 0;
	}
	err = keep_diag(n, diag, err);
	native_free(n);
	return err;
}

/*
 * A permanent module is refused by the engine when it is unloaded, before
 * anything; when it is stopped it is not.
 */
int native_suspend(struct native *n, struct tn_diag *diag)
{
	struct tn_module_info info;

	tn_module_info(n->mod, &info);
	return keep_diag(n, diag,
	    info.permanent ? tn_unload(n->sys, n->mod, diag)
			   : tn_stop(n->sys, n->mod, NULL, diag));
}

void native_resume(struct native *n)
{
	/* What its start returns is in its own hands; it is called as before. */
	(void)tn_start(n->sys, n->mod, NULL);
}

/*
 * It is stopped and nobody's, so the engine refuses only who has taken the
 * module from tn_slot_info and works on it behind the manager's back.
 */
int native_leave(struct native *n, struct tn_diag *diag)
{
	int err = run_exit(n, diag);

	if (err != 0)
		return err;
	n->is_lkmod = false; /* its exit has run */
	return keep_diag(n, diag, tn_unload(n->sys, n->mod, diag));
}

/* --- looking */

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

void native_info(const struct native *n, struct tn_slot_info *info)
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
