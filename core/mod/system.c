/* SPDX-License-Identifier: MIT */
/*
 * Systems: creation, destruction, and looking symbols up.
 */
#include "interface.h"

#include <elf/abi.h>

#include "deprecated.h"
#include "hold.h"
#include "holder_name.h"

#define PORT_ABI   1u
#define CONFIG_ABI 1u

static int add_world(struct tn_system *sys)
{
	const struct tn_config *c = &sys->config;
	const uint32_t n = (uint32_t)c->nexports;
	struct export_block *b;

	if (c->nexports > EXPORT_MAX)
		return -TN_EINVAL;
	b = port_alloc(sys->port, export_block_size(n));
	if (b == NULL)
		return -TN_ENOMEM;
	sys->world = b;
	b->n = n;
	b->ns = n != 0 ? port_alloc(sys->port, n * sizeof(*b->ns)) : NULL;
	if ((n != 0 && b->ns == NULL) || index_reserve(&sys->exports, n) != 0)
		return -TN_ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		const struct tn_export *e = &c->exports[i];

		b->ns[i] = e->ns;
		b->records[i] = (struct export_record){
			.name = e->name,
			.value = (uintptr_t)e->addr,
			.crc = e->crc,
			.position = i & EXPORT_MAX,
			.flags = e->flags & 0xff,
		};
		if (index_insert(&sys->exports,
			(struct index_key *)&b->records[i]) != NULL)
			return -TN_EEXIST;
	}
	deprecated_world(sys);
	return 0;
}

static void destroy(struct tn_system *sys)
{
	const struct tn_port *port = sys->port;

	fires_close(sys);
	holds_free(sys);
	holder_names_free(sys);
	ledger_close(sys);
	interfaces_free(sys);
	modules_free(sys);
	symbolize_fini(sys);
	index_fini(&sys->exports);
	index_fini(&sys->modules);
	index_fini(&sys->interfaces);
	index_fini(&sys->provides);
	export_block_free(port, sys->world);
	port_free(port, sys, sizeof(*sys));
}

int tn_system_create(const struct tn_port *port, const struct tn_config *config,
    struct tn_system **out)
{
	struct tn_system *sys;
	int err;

	if (port->size != sizeof(*port) || port->abi != PORT_ABI ||
	    config->size != sizeof(*config) || config->abi != CONFIG_ABI ||
	    (config->flags & ~TN_CONFIG_KEEP_SYMBOLS) != 0)
		return -TN_EINVAL;
	sys = port_alloc(port, sizeof(*sys));
	if (sys == NULL)
		return -TN_ENOMEM;
	sys->port = port;
	sys->config = *config;
	list_init(&sys->list);
	gate_target_open(&sys->world_target);
	list_init(&sys->activities);
	list_init(&sys->waiters);
	ledger_open(sys);
	fires_open(sys);
	index_init(&sys->exports, port, config->seed);
	index_init(&sys->modules, port, config->seed);
	index_init(&sys->interfaces, port, config->seed);
	index_init(&sys->provides, port, config->seed);
	err = symbolize_init(sys);
	if (err == 0)
		err = add_world(sys);
	if (err != 0)
		destroy(sys);
	else
		*out = sys;
	return err;
}

bool tn_system_is_busy(struct tn_system *sys)
{
	bool busy;

	registry_lock(sys);
	busy = !list_empty(&sys->list) || sys->nlinked != 0 ||
	       !list_empty(&sys->activities);
	registry_unlock(sys);
	return busy;
}

int tn_system_destroy(struct tn_system *sys)
{
	if (tn_system_is_busy(sys))
		return -TN_EBUSY;
	destroy(sys);
	return 0;
}

uint32_t tn_taints(struct tn_system *sys)
{
	uint32_t taints;

	registry_lock(sys);
	taints = sys->taints;
	registry_unlock(sys);
	return taints;
}

/*
 * The parameters' lock comes last, as in an inspection under the registry lock;
 * nothing is called with it held, so nobody forks with it but a signal handler
 * that has interrupted a setting or a reading: that may not fork.
 */
LOCK_UNCHECKED void tn_system_before_fork(struct tn_system *sys)
{
	ledger_before_fork(sys);
	params_lock(sys);
}

LOCK_UNCHECKED void tn_system_after_fork(struct tn_system *sys, bool child)
{
	params_unlock(sys);
	if (child) {
		symbolize_after_fork(sys);
		activity_forget_others_locked(sys);
		interfaces_call_off_locked(sys);
	}
	ledger_after_fork(sys, child);
}

static void fill_symbol(struct tn_symbol *out, const struct export_record *rec)
{
	*out = (struct tn_symbol){
		.name = rec->name,
		.addr = rec->value,
		.owner = export_block_of(rec)->owner,
		.crc = rec->crc,
		.flags = rec->flags,
		.ns = export_ns(rec),
	};
}

/* What a module exports can be seen from LIVE on until it goes. */
static bool is_visible(const struct export_record *rec)
{
	const struct tn_module *owner = export_block_of(rec)->owner;

	return owner == NULL || module_is_live(owner);
}

int tn_symbol_find(
    struct tn_system *sys, const char *name, struct tn_symbol *out)
{
	const struct tn_port *port = sys->port;
	const struct export_record *rec;
	bool found;

	port->read_enter(port->ctx);
	rec = (const struct export_record *)index_find(&sys->exports, name);
	found = rec != NULL && is_visible(rec);
	if (found)
		fill_symbol(out, rec);
	port->read_exit(port->ctx);
	return found ? 0 : -TN_ENOENT;
}

int symbol_get(struct tn_system *sys, const char *name, struct tn_symbol *out)
{
	const struct tn_port *port = sys->port;
	const struct export_record *rec;
	bool found;

	/* Inside the section the owner cannot be freed, so it can be got. */
	port->read_enter(port->ctx);
	rec = (const struct export_record *)index_find(&sys->exports, name);
	found = rec != NULL && (export_block_of(rec)->owner == NULL ||
				   module_pin(export_block_of(rec)->owner));
	if (found)
		fill_symbol(out, rec);
	port->read_exit(port->ctx);
	return found ? 0 : -TN_ENOENT;
}

/* The same, held by the code at @site. */
REQUIRES(ledger_role)
static int get_locked(struct tn_system *sys, const char *name, const void *site,
    struct tn_symbol *out)
{
	struct generation *holder = hold_at(sys, site);
	struct tn_symbol found;
	int err = symbol_get(sys, name, &found);

	if (err == 0 && found.owner != NULL) {
		err = hold_take_locked(found.owner, holder, site);
		module_unpin(found.owner);
	}
	if (err == 0)
		*out = found;
	return err;
}

int tn_symbol_get(
    struct tn_system *sys, const char *name, struct tn_symbol *out)
{
	const void *site = __builtin_return_address(0);
	int err;

	ledger_lock(sys);
	err = get_locked(sys, name, site, out);
	ledger_unlock(sys);
	return err;
}

size_t tn_symbol_count(struct tn_system *sys)
{
	size_t n;

	registry_lock(sys);
	n = sys->exports.count;
	registry_unlock(sys);
	return n;
}

/* A relocation may have overwritten the NUL at the end of the strings. */
static bool dynamic_name_is(
    const struct dynamic *d, uint32_t at, const char *name)
{
	for (size_t i = at; i < d->strings_size; i++, name++) {
		if (d->strings[i] != *name)
			return false;
		if (*name == '\0')
			return true;
	}
	return false;
}

/* An ET_DYN image is searched in order: it has few symbols, or is asked once. */
static int find_dynamic(
    const struct generation *gen, const char *name, void **addr)
{
	const struct dynamic *d = gen->dynamic;

	for (uint32_t i = 1; i < d->nsymbols; i++) {
		const struct elf_sym *s = &d->symbols[i];

		if (s->st_shndx == SHN_UNDEF || elf_sym_bind(s) == STB_LOCAL ||
		    !dynamic_name_is(d, s->st_name, name))
			continue;
		*addr = (void *)(uintptr_t)(s->st_shndx == SHN_ABS
						? s->st_value
						: gen->base + s->st_value);
		return 0;
	}
	return -TN_ENOENT;
}

/* The caller keeps @mod from going, so whether it is running does not matter. */
int tn_module_symbol(struct tn_module *mod, const char *name, void **addr)
{
	const struct tn_port *port = mod->sys->port;
	const struct export_record *rec;
	bool found;

	if (mod->gen == NULL)
		return -TN_ENOENT;
	if (mod->gen->dynamic != NULL && mod->gen->dynamic->symbols != NULL)
		return find_dynamic(mod->gen, name, addr);
	port->read_enter(port->ctx);
	rec =
	    (const struct export_record *)index_find(&mod->sys->exports, name);
	found = rec != NULL && export_block_of(rec)->owner == mod;
	if (found)
		*addr = (void *)(uintptr_t)rec->value;
	port->read_exit(port->ctx);
	return found ? 0 : -TN_ENOENT;
}
