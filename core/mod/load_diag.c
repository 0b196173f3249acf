/* SPDX-License-Identifier: MIT */
/*
 * How the stages of a load report: each helper fills the fields of one kind
 * of failure and returns the error, so that a stage can end with
 * `return load_fail_...`. And the memory of a load, which fails like this.
 */
#include "load.h"

#include <base/format.h>
#include <base/string.h>

int load_fail_other(struct tn_load *l, enum tn_reason reason, const char *other)
{
	return diag_fail(l->diag, l->stage, reason, l->name, other);
}

struct tn_diag *load_fail(struct tn_load *l, enum tn_reason reason)
{
	(void)load_fail_other(l, reason, "");
	return l->diag;
}

int load_fail_memory(struct tn_load *l, uint64_t size)
{
	struct tn_diag *d = load_fail(l, TN_REASON_NO_MEMORY);

	d->value = size;
	return d->error;
}

int load_fail_limit(
    struct tn_load *l, const char *what, uint64_t value, int64_t limit)
{
	(void)load_fail_other(l, TN_REASON_LIMIT, what);
	l->diag->value = value;
	l->diag->high = limit;
	return l->diag->error;
}

int load_fail_import(struct tn_load *l, enum tn_reason reason,
    const char *symbol, const char *other)
{
	(void)load_fail_other(l, reason, other);
	(void)str_copy(l->diag->symbol, sizeof(l->diag->symbol), symbol);
	return l->diag->error;
}

int load_fail_elf(struct tn_load *l, enum elf_fault fault, uint64_t value)
{
	(void)load_fail_other(l, TN_REASON_ELF, elf_fault_text(fault));
	l->diag->value = value;
	return l->diag->error;
}

int load_fail_section(
    struct tn_load *l, enum tn_reason reason, uint32_t section)
{
	struct tn_diag *d = load_fail(l, reason);

	(void)str_copy(
	    d->section, sizeof(d->section), elf_section_name(&l->elf, section));
	return d->error;
}

void load_symbol_label(
    const struct tn_load *l, uint32_t i, char *buf, size_t cap)
{
	const char *name = load_symbol_name(l, i);

	if (*name != '\0')
		(void)str_copy(buf, cap, name);
	else
		(void)text_format(buf, cap, "section:%u+%llx",
		    (unsigned)elf_symtab_section(&l->symtab, i),
		    (unsigned long long)l->symtab.syms[i].st_value);
}

int load_fail_reloc(struct tn_load *l, enum tn_reason reason, uint32_t section,
    const struct elf_rela *r)
{
	struct tn_diag *d = load_fail(l, reason);

	(void)str_copy(d->section, sizeof(d->section),
	    section != 0 ? elf_section_name(&l->elf, section) : "image");
	d->offset = r->r_offset;
	d->reloc = reloc_name(l->machine, elf_rela_type(r));
	if (elf_rela_sym(r) != 0 && elf_rela_sym(r) < l->symtab.n)
		load_symbol_label(
		    l, elf_rela_sym(r), d->symbol, sizeof(d->symbol));
	return d->error;
}

/* --- memory */

void *load_memory(struct tn_load *l, size_t size)
{
	void *p = port_alloc(l->port, size);

	if (p == NULL)
		(void)load_fail_memory(l, size);
	return p;
}

void *load_table(struct tn_load *l, uint64_t n, size_t size)
{
	void *p = tables_add(&l->tables, n, size);

	if (p == NULL)
		(void)load_fail_memory(l, n * size);
	return p;
}

int load_grow(
    struct tn_load *l, void **array, uint32_t n, uint32_t *max, size_t size)
{
	const int err = tables_grow(&l->tables, array, n, max, size);

	return err == 0 ? 0 : load_fail_memory(l, (n + UINT64_C(1)) * size);
}
