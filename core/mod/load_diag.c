/* SPDX-License-Identifier: MIT */
/*
 * How the stages of a load report: each helper fills the fields of one kind
 * of failure and returns the error, so that a stage can end with
 * `return load_fail_...`.
 */
#include "load.h"

#include <base/format.h>
#include <base/string.h>

struct tn_diag *load_fail(
    struct tn_load *l, enum tn_errno err, enum tn_reason reason)
{
	struct tn_diag *d = l->diag;

	tn_diag_fini(d);
	d->error = -(int)err;
	d->stage = l->stage;
	d->reason = reason;
	(void)str_copy(d->module, sizeof(d->module), l->name);
	return d;
}

int load_fail_memory(struct tn_load *l, uint64_t size)
{
	struct tn_diag *d = load_fail(l, TN_ENOMEM, TN_REASON_NO_MEMORY);

	d->value = size;
	return d->error;
}

int load_fail_other(struct tn_load *l, enum tn_errno err, enum tn_reason reason,
    const char *other)
{
	struct tn_diag *d = load_fail(l, err, reason);

	(void)str_copy(d->other, sizeof(d->other), other);
	return d->error;
}

int load_fail_section(struct tn_load *l, enum tn_errno err,
    enum tn_reason reason, uint32_t section)
{
	struct tn_diag *d = load_fail(l, err, reason);

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

int load_fail_reloc(struct tn_load *l, enum tn_errno err, enum tn_reason reason,
    uint32_t section, const struct elf_rela *r)
{
	struct tn_diag *d = load_fail(l, err, reason);

	(void)str_copy(d->section, sizeof(d->section),
	    section != 0 ? elf_section_name(&l->elf, section) : "image");
	d->offset = r->r_offset;
	d->reloc = reloc_name(l->machine, elf_rela_type(r));
	if (elf_rela_sym(r) != 0 && elf_rela_sym(r) < l->symtab.n)
		load_symbol_label(
		    l, elf_rela_sym(r), d->symbol, sizeof(d->symbol));
	return d->error;
}

void *load_alloc_array(struct tn_load *l, uint64_t n, size_t size)
{
	uint64_t bytes;
	void *p = NULL;

	if (__builtin_mul_overflow(n != 0 ? n : 1, size, &bytes) ||
	    bytes > SIZE_MAX) {
		(void)load_fail_memory(l, UINT64_MAX);
		return NULL;
	}
	p = port_alloc(l->port, (size_t)bytes);
	if (p == NULL)
		(void)load_fail_memory(l, bytes);
	return p;
}

void load_free_array(struct tn_load *l, void *p, uint64_t n, size_t size)
{
	port_free(l->port, p, (size_t)(n != 0 ? n : 1) * size);
}

int load_grow(
    struct tn_load *l, void **array, uint32_t n, uint32_t *max, size_t size)
{
	if (n < *max)
		return 0;
	const uint32_t more = *max < 16 ? 16 : *max * 2;

	if (more <= *max)
		return load_fail_memory(l, UINT64_MAX);
	void *bigger = load_alloc_array(l, more, size);

	if (bigger == NULL)
		return l->diag->error;
	if (n != 0)
		memcpy(bigger, *array, (size_t)n * size);
	if (*array != NULL)
		load_free_array(l, *array, *max, size);
	*array = bigger;
	*max = more;
	return 0;
}
