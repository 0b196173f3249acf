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

/* The header of a table. */
struct load_table {
	struct list link; /* l->tables */
	size_t bytes;
	size_t unused; /* what follows is aligned for any type */
};

static void *alloc_behind(
    struct tn_load *l, size_t head, uint64_t n, size_t size)
{
	uint64_t bytes;
	void *p = NULL;

	if (__builtin_mul_overflow(n, size, &bytes) ||
	    __builtin_add_overflow(bytes, head, &bytes))
		bytes = UINT64_MAX;
	else
		p = port_alloc(l->port, bytes);
	if (p == NULL)
		(void)load_fail_memory(l, bytes);
	return p;
}

void *load_alloc_array(struct tn_load *l, uint64_t n, size_t size)
{
	return alloc_behind(l, 0, n, size);
}

void *load_table(struct tn_load *l, uint64_t n, size_t size)
{
	struct load_table *t = alloc_behind(l, sizeof(*t), n, size);

	if (t == NULL)
		return NULL;
	t->bytes = sizeof(*t) + (size_t)n * size;
	list_add(&l->tables, &t->link);
	return t + 1;
}

void load_drop_table(struct tn_load *l, void *table)
{
	struct load_table *t = (struct load_table *)table - 1;

	if (table == NULL)
		return;
	list_del(&t->link);
	port_free(l->port, t, t->bytes);
}

void load_drop_tables(struct tn_load *l)
{
	while (!list_empty(&l->tables))
		load_drop_table(l,
		    CONTAINER_OF(l->tables.next, struct load_table, link) + 1);
}

int load_grow(
    struct tn_load *l, void **array, uint32_t n, uint32_t *max, size_t size)
{
	if (n < *max)
		return 0;
	const uint32_t more = *max < 16 ? 16 : *max * 2;

	if (more <= *max)
		return load_fail_memory(l, UINT64_MAX);
	void *bigger = load_table(l, more, size);

	if (bigger == NULL)
		return l->diag->error;
	if (n != 0)
		memcpy(bigger, *array, (size_t)n * size);
	load_drop_table(l, *array);
	*array = bigger;
	*max = more;
	return 0;
}
