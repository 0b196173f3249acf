/* SPDX-License-Identifier: MIT */
/*
 * Symbols: every undefined one gets a value from the provider chain
 *   the image itself -> the system's index -> the process (hosted) -> weak 0
 * or joins the list of missing ones, which is reported whole. Defined symbols
 * get their values when the image has been placed.
 *
 * The index is searched in read sections, without the registry lock. Between
 * two of them a reference is taken on the next provider, which is waited for
 * if it is being loaded, and a deprecated export is told of, since nobody knows
 * how long the log takes. The process's own symbols are looked up outside of
 * them: dlsym takes locks.
 */
#include "load.h"

#include <base/string.h>
#include <elf/tables.h>

#include "deprecated.h"

static bool is_gpl_licence(const char *name)
{
	static const char *const licences[] = { "GPL", "GPL v2",
		"GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL",
		"Dual MPL/GPL" };

	for (size_t i = 0; i < ARRAY_SIZE(licences); i++)
		if (str_eq(name, licences[i]))
			return true;
	return false;
}

/* Of several licences each must be compatible. */
static bool is_gpl_compatible(const struct tn_load *l)
{
	static const char key[] = "license=";
	struct span rest = l->modinfo;
	const char *entry;
	bool any = false;

	while (elf_modinfo_next(&rest, &entry)) {
		if (!str_begins(entry, key))
			continue;
		if (!is_gpl_licence(entry + sizeof(key) - 1))
			return false;
		any = true;
	}
	return any;
}

static int check_permission(struct tn_load *l, const struct export_record *rec)
{
	const struct tn_module *owner = export_block_of(rec)->owner;
	const char *ns = export_ns(rec);

	if ((rec->flags & TN_EXPORT_GPL) != 0 && !l->is_gpl)
		return load_fail_import(l, TN_REASON_GPL_ONLY, rec->name,
		    owner != NULL ? owner->name : "the engine");
	if (ns != NULL && !namespaces_import(l, ns))
		return load_fail_import(l, TN_REASON_NAMESPACE, rec->name, ns);
	return 0;
}

/* Does @owner stay for this load, as one of its providers? */
static bool is_provider(struct tn_load *l, const struct tn_module *owner)
{
	if (owner != l->last_owner && load_has_provider(l, owner))
		l->last_owner = owner;
	return owner == l->last_owner;
}

/* Has the module behind @rec promised to stay, or has the load asked? */
static bool is_fixed(const struct tn_load *l, const struct export_record *rec)
{
	const struct tn_module *owner = export_block_of(rec)->owner;

	return owner == NULL || generation_is_permanent(owner->gen) ||
	       (l->args->flags & TN_LOAD_DIRECT) != 0;
}

/* Linkers share bytes where one name ends with another, so some more. */
#define NAMES_PER_BYTE 4

int load_count_name(struct tn_load *l, size_t length)
{
	const uint64_t limit = (uint64_t)l->bytes.n * NAMES_PER_BYTE;

	l->names_bytes += length;
	if (LIKELY(l->names_bytes <= limit))
		return 0;
	return load_fail_limit(
	    l, "bytes of names of symbols", l->names_bytes, (int64_t)limit);
}

static int resolve_in_index(struct tn_load *l, uint32_t i)
{
	const char *name = load_symbol_name(l, i);
	struct symbol *sym = &l->symbols[i];
	size_t length;
	const struct export_record *rec =
	    (const struct export_record *)index_find_measured(
		&l->sys->exports, name, &length);
	const struct tn_module *owner;
	int err = load_count_name(l, length);

	if (err != 0)
		return err;
	if (rec == NULL) {
		sym->flags |= SYM_DEFERRED;
		return 0;
	}
	owner = export_block_of(rec)->owner;
	if (owner != NULL && !is_provider(l, owner))
		return LOAD_MUST_WAIT;
	sym->value = rec->value;
	sym->flags |= SYM_FOREIGN | (is_fixed(l, rec) ? SYM_FIXED : 0);
	err = check_permission(l, rec);
	if (err == 0)
		err = versions_check(l, rec);
	if (err == 0 && !l->offline && (rec->flags & TN_EXPORT_DEPRECATED) != 0)
		l->deprecated = rec;
	return err;
}

/* An undefined weak symbol that nobody exports. */
static const struct symbol nobody = {
	.flags = SYM_FIXED | SYM_FOREIGN | SYM_WEAK0,
};

/* Symbols that the engine itself stands for, before any lookup. */
static bool resolve_special(struct tn_load *l, uint32_t i)
{
	const char *name = load_symbol_name(l, i);

	if (str_eq(name, "_GLOBAL_OFFSET_TABLE_")) {
		l->symbols[i].flags = SYM_FIXED;
		l->got_symbol = i; /* its value: load_place */
		return true;
	}
	if (!l->offline && str_eq(name, "__this_module")) {
		l->symbols[i].value = (uintptr_t)l->mod;
		l->symbols[i].flags = SYM_FIXED | SYM_FOREIGN;
		return true;
	}
	return false;
}

static int resolve_undefined(struct tn_load *l, uint32_t i)
{
	const struct elf_sym *s = &l->symtab.syms[i];

	if (elf_sym_bind(s) == STB_LOCAL) {
		l->symbols[i].flags = SYM_UNUSABLE;
		return 0;
	}
	if (s->st_name >= l->symtab.strings.n)
		return load_fail_elf(l, ELF_SYMBOL_NAME, i);
	if (resolve_special(l, i))
		return 0;
	if ((l->args->flags & TN_LOAD_NO_IMPORTS) == 0)
		return resolve_in_index(l, i);
	if (elf_sym_bind(s) != STB_WEAK)
		return load_fail_import(l, TN_REASON_UNSUPPORTED,
		    load_symbol_name(l, i), "an imported symbol");
	l->symbols[i] = nobody;
	return 0;
}

static int fail_symbol(struct tn_load *l, uint32_t i, const char *what)
{
	(void)load_fail_other(l, TN_REASON_UNSUPPORTED, what);
	load_symbol_label(l, i, l->diag->symbol, sizeof(l->diag->symbol));
	return l->diag->error;
}

static int take_common(struct tn_load *l, uint32_t i)
{
	const struct elf_sym *s = &l->symtab.syms[i];
	uint64_t at = l->common_size;

	/* gABI: st_value of a common symbol is its alignment. */
	if (s->st_value == 0 || (s->st_value & (s->st_value - 1)) != 0 ||
	    s->st_value > ELF_MAX_ALIGN)
		return fail_symbol(l, i, "the alignment of a common symbol");
	at = (at + s->st_value - 1) & ~(s->st_value - 1);
	if (s->st_size > UINT32_MAX || at > UINT32_MAX)
		return fail_symbol(l, i, "the size of a common symbol");
	l->symbols[i].value = at; /* becomes an address in load_place */
	l->symbols[i].flags = SYM_FIXED;
	l->common_size = at + s->st_size;
	if (s->st_value > l->common_align)
		l->common_align = s->st_value;
	return 0;
}

/* The entry points are global symbols of Linux's names. */
static void note_entry(struct tn_load *l, uint32_t i)
{
	const char *name;

	if (elf_sym_bind(&l->symtab.syms[i]) == STB_LOCAL)
		return;
	name = load_symbol_name(l, i);
	if (name[0] == 'i' && str_eq(name, "init_module"))
		l->init_symbol = i;
	else if (name[0] == 'c' && str_eq(name, "cleanup_module"))
		l->exit_symbol = i;
	else if (name[0] == '_' && str_eq(name, "__tenon_module_ops"))
		l->ops_symbol = i;
}

static int classify(struct tn_load *l, uint32_t i)
{
	const struct elf_sym *s = &l->symtab.syms[i];
	const uint32_t shndx = elf_symtab_section(&l->symtab, i);

	if (elf_sym_type(s) == STT_TLS)
		return fail_symbol(l, i, "thread-local storage");
	if (elf_sym_type(s) == STT_GNU_IFUNC)
		return fail_symbol(l, i, "an indirect function (ifunc)");
	if (shndx == SHN_UNDEF)
		return resolve_undefined(l, i);
	note_entry(l, i);
	if (!elf_symtab_is_reserved(&l->symtab, i) &&
	    (!l->is_dyn || shndx != SHN_XINDEX))
		return 0; /* the rest: place */
	l->symbols[i].flags = SYM_FIXED;
	if (shndx == SHN_COMMON && !l->is_dyn)
		return take_common(l, i);
	if (shndx != SHN_ABS)
		return fail_symbol(l, i, "a reserved section index");
	l->symbols[i].value = s->st_value;
	return 0;
}

/* Names are scattered over the string table: fetch them ahead of their turn. */
#define AHEAD 12

static void prefetch_name(const struct tn_load *l, uint32_t i)
{
	if (i < l->symtab.n && elf_sym_bind(&l->symtab.syms[i]) != STB_LOCAL)
		__builtin_prefetch(load_symbol_name(l, i));
}

/* Symbols in one read section: frees of others wait for its end. */
#define SECTION 256

/*
 * From symbol *@at on; stops there at what is no success, and behind a
 * deprecated one.
 */
static int resolve_section(struct tn_load *l, uint32_t *at)
{
	const uint32_t end =
	    l->symtab.n - *at > SECTION ? *at + SECTION : l->symtab.n;
	int err = 0;

	l->port->read_enter(l->port->ctx);
	for (; *at < end && err == 0 && l->deprecated == NULL;
	     *at += err == 0) {
		prefetch_name(l, *at + AHEAD);
		err = classify(l, *at);
	}
	l->port->read_exit(l->port->ctx);
	return err;
}

static int resolve_all(struct tn_load *l)
{
	uint32_t i = 1;
	int err = 0;

	while (i < l->symtab.n && err == 0) {
		err = resolve_section(l, &i);
		if (err == LOAD_MUST_WAIT)
			err = load_take_owner(l, load_symbol_name(l, i));
		if (l->deprecated != NULL)
			deprecated_note(l);
	}
	return err;
}

/* What the index did not have: the process, weak, or missing. */
static void resolve_deferred(struct tn_load *l, uint32_t i)
{
	struct symbol *sym = &l->symbols[i];
	const struct tn_port *port = l->port;

	if (l->profile == TN_PROFILE_HOSTED && port->host_symbol != NULL &&
	    port->host_symbol(port->ctx, load_symbol_name(l, i), &sym->value) ==
		0) {
		sym->flags = SYM_FIXED | SYM_FOREIGN;
		return;
	}
	if (elf_sym_bind(&l->symtab.syms[i]) == STB_WEAK) {
		*sym = nobody;
		return;
	}
	l->nmissing++;
}

/* Suggestions cost a walk over all exports each, so they are few. */
#define SUGGESTIONS 16

static size_t missing_size(const struct tn_load *l)
{
	size_t size = l->nmissing * sizeof(struct tn_missing);

	for (uint32_t i = 1; i < l->symtab.n; i++)
		if ((l->symbols[i].flags & SYM_DEFERRED) != 0)
			size += str_len(load_symbol_name(l, i)) + 1 + 64;
	return size;
}

static char *add_string(char **at, size_t cap, const char *s)
{
	char *start = *at;
	const size_t n = str_copy(start, cap, s);

	*at += (n < cap ? n : cap - 1) + 1;
	return start;
}

REQUIRES(registry_role)
static void list_missing(struct tn_load *l, struct tn_diag *d, char *strings)
{
	for (uint32_t i = 1; i < l->symtab.n; i++) {
		struct tn_missing *m = &d->missing[d->nmissing];

		if ((l->symbols[i].flags & SYM_DEFERRED) == 0)
			continue;
		const char *name = load_symbol_name(l, i);
		const char *nearest = d->nmissing < SUGGESTIONS
					  ? nearest_export(l->sys, name)
					  : NULL;

		m->symbol = add_string(&strings, SIZE_MAX, name);
		if (nearest != NULL)
			m->nearest = add_string(&strings, 64, nearest);
		d->nmissing++;
	}
}

int load_fail_missing(struct tn_load *l)
{
	const size_t size = missing_size(l);
	struct tn_diag *d = load_fail(l, TN_REASON_MISSING_SYMBOL);

	d->missing = port_alloc(l->port, size);
	if (d->missing == NULL) {
		d->nmissing = l->nmissing; /* the count at least */
		return d->error;
	}
	d->owner = (void *)(uintptr_t)l->port;
	d->memory = d->missing;
	d->memory_bytes = size;
	registry_lock(l->sys);
	list_missing(l, d, (char *)(d->missing + l->nmissing));
	registry_unlock(l->sys);
	return d->error;
}

int load_resolve(struct tn_load *l)
{
	int err;

	l->stage = TN_STAGE_RESOLVE;
	l->nsymbols = l->symtab.n != 0 ? l->symtab.n : 1;
	l->symbols = load_table(l, l->nsymbols, sizeof(*l->symbols));
	if (l->symbols == NULL)
		return l->diag->error;
	l->symbols[0].flags = SYM_FIXED;
	l->is_gpl = is_gpl_compatible(l);
	err = versions_open(l);
	if (err == 0)
		err = namespaces_open(l);
	if (err != 0)
		return err;
	err = resolve_all(l);
	if (err != 0)
		return err;
	for (uint32_t i = 1; i < l->symtab.n; i++)
		if ((l->symbols[i].flags & SYM_DEFERRED) != 0)
			resolve_deferred(l, i);
	return l->nmissing == 0 ? 0 : load_fail_missing(l);
}
