/* SPDX-License-Identifier: MIT */
/*
 * The second pass over the relocations: compute, check, write, in this order
 * for each. All addresses, cells and stubs are final here. Nothing outside the
 * new image is written, so a failure leaves nothing behind.
 */
#include "load.h"

#include <base/string.h>

struct site {
	const struct elf_rela *r;
	const struct reloc_howto *how;
	const struct section *sec;
	const struct symbol *sym;
	uint64_t p;     /* address of the place */
	uint8_t *place; /* where it is written */
};

static int fail_value(struct tn_load *l, const struct site *site,
    const struct reloc_howto *how, uint64_t value, int err)
{
	const enum tn_reason reason =
	    err == -TN_EINVAL ? TN_REASON_RELOC_ALIGN : TN_REASON_RELOC_RANGE;

	(void)load_fail_reloc(
	    l, reason, (uint32_t)(site->sec - l->sections), site->r);
	l->diag->value = value;
	reloc_limits(how, &l->diag->low, &l->diag->high);
	if (err == -TN_EINVAL)
		l->diag->high = how->align;
	return l->diag->error = -TN_ERANGE;
}

static int put(struct tn_load *l, const struct site *site,
    const struct reloc_howto *how, uint8_t *place, uint64_t value)
{
	const int err = reloc_check(how, value);

	if (UNLIKELY(err != 0))
		return fail_value(l, site, how, value, err);
	reloc_put(l->machine, how, place, value);
	return 0;
}

static uint64_t addend(const struct site *site)
{
	return (uint64_t)site->r->r_addend;
}

/* S, with what a conventional linker takes for an undefined weak symbol. */
static uint64_t symbol_value(const struct tn_load *l, const struct site *site,
    const struct reloc_howto *how)
{
	return UNLIKELY((site->sym->flags & SYM_WEAK0) != 0)
		   ? reloc_weak_value(l->machine, how, site->p)
		   : site->sym->value;
}

/*
 * An undefined weak symbol that a HI20 does not reach from @p is made absolute,
 * as ld does: its address 0 is.
 */
static bool is_made_absolute(const struct symbol *sym,
    const struct reloc_howto *how, uint64_t a, uint64_t p)
{
	return (sym->flags & SYM_WEAK0) != 0 &&
	       (how->flags & RELOC_HI20) != 0 &&
	       reloc_check(how, a - p) == -TN_ERANGE;
}

static int apply_plain(struct tn_load *l, const struct site *site)
{
	const struct reloc_howto *how = site->how;
	const uint64_t s = symbol_value(l, site, how);

	if (UNLIKELY(is_made_absolute(site->sym, how, addend(site), site->p)) &&
	    reloc_make_absolute(l->machine, how, site->place))
		return put(l, site, how, site->place, addend(site));
	return put(l, site, how, site->place,
	    reloc_value(how->expr, s, addend(site), site->p));
}

static int apply_branch(struct tn_load *l, const struct site *site)
{
	const int64_t extra = reloc_ref_addend(l, site->how, site->r);
	const struct ref *ref;

	if (UNLIKELY((site->sym->flags & SYM_WEAK0) != 0) &&
	    reloc_put_weak_branch(
		l->machine, site->how, site->place, site->r->r_addend))
		return 0;
	ref = site->sym->ref != 0 ? refs_find(l, elf_rela_sym(site->r), extra)
				  : NULL;
	if (ref == NULL || (ref->flags & REF_STUB) == 0)
		return apply_plain(l, site);
	/* To the stub itself: what the cell includes is not added again. */
	return put(l, site, site->how, site->place,
	    ref_stub_addr(l, ref) + addend(site) - (uint64_t)extra - site->p);
}

static uint64_t got_value(const struct tn_load *l, const struct ref *ref,
    const struct reloc_howto *how, uint64_t a, uint64_t p)
{
	const uint64_t cell = ref_cell_addr(l, ref);
	const uint64_t page = ~UINT64_C(0xfff);

	switch (how->expr) {
	case RELOC_GOT_PC: return cell + a - p;
	case RELOC_GOT_PAGE: return (cell & page) - (p & page);
	case RELOC_GOT_PAGEOFF: return cell - (l->cells_addr & page);
	default: return cell;
	}
}

static int apply_got(struct tn_load *l, const struct site *site)
{
	const struct ref *ref = refs_known(
	    l, elf_rela_sym(site->r), reloc_ref_addend(l, site->how, site->r));
	const struct reloc_howto *direct;
	int shift = 0;

	if (!ref_is_direct(ref))
		return put(l, site, site->how, site->place,
		    got_value(l, ref, site->how, addend(site), site->p));
	direct = reloc_relax(l->machine, site->how, site->place, &shift);
	return put(l, site, direct, site->place + shift,
	    reloc_value(direct->expr, site->sym->value, addend(site),
		site->p + (uint64_t)(int64_t)shift));
}

/* What the HI20 @r of @sec has put into its instruction pair. */
static uint64_t anchor_value(const struct tn_load *l, const struct section *sec,
    const struct elf_rela *r, bool *relaxed)
{
	const struct reloc_howto *how =
	    reloc_find(l->machine, elf_rela_type(r));
	const struct symbol *sym = &l->symbols[elf_rela_sym(r)];
	const uint64_t p = sec->addr + shrink_map(l, sec, r->r_offset);
	const uint64_t a = (uint64_t)r->r_addend;

	*relaxed = false;
	if (how->expr == RELOC_GOT_PC) {
		const struct ref *ref =
		    refs_known(l, elf_rela_sym(r), reloc_ref_addend(l, how, r));

		if (!ref_is_direct(ref))
			return got_value(l, ref, how, a, p);
		*relaxed = true;
	} else if (is_made_absolute(sym, how, a, p)) {
		return a;
	}
	return sym->value + a - p;
}

static int apply_pair(struct tn_load *l, const struct site *site)
{
	const uint32_t sym = elf_rela_sym(site->r);
	const struct elf_rela *anchor = l->relaxing->anchor(l, sym);
	const struct section *sec =
	    &l->sections[elf_symtab_section(&l->symtab, sym)];
	const struct reloc_howto *how = site->how;
	bool relaxed;
	int shift = 0;
	const uint64_t value = anchor_value(l, sec, anchor, &relaxed);

	if (relaxed)
		how = reloc_relax(l->machine, how, site->place, &shift);
	return put(l, site, how, site->place, value + addend(site));
}

int load_fail_unusable(struct tn_load *l, uint32_t sym)
{
	const uint32_t shndx = elf_symtab_section(&l->symtab, sym);
	struct tn_diag *d = load_fail(l, TN_REASON_SYMBOL_SECTION);

	load_symbol_label(l, sym, d->symbol, sizeof(d->symbol));
	if (shndx != SHN_UNDEF)
		(void)str_copy(d->section, sizeof(d->section),
		    shndx < l->nsections ? elf_section_name(&l->elf, shndx)
					 : "no section");
	return d->error;
}

/* SET_ULEB128 and the SUB_ULEB128 that must follow it at the same place. */
static int apply_uleb(
    struct tn_load *l, const struct site *site, const struct elf_rela *next)
{
	const size_t room =
	    (size_t)(site->sec->size -
		     (uint64_t)(site->place - site->sec->write));
	const struct symbol *minus;
	int err;

	if (site->how->expr != RELOC_SET_ULEB || next == NULL ||
	    next->r_offset != site->r->r_offset ||
	    reloc_find(l->machine, elf_rela_type(next))->expr != RELOC_SUB_ULEB)
		return load_fail_reloc(l, TN_REASON_RELOC_PAIR,
		    (uint32_t)(site->sec - l->sections), site->r);
	minus = &l->symbols[elf_rela_sym(next)];
	if ((minus->flags & SYM_UNUSABLE) != 0)
		return load_fail_unusable(l, elf_rela_sym(next));
	const uint64_t value = site->sym->value + addend(site) - minus->value -
			       (uint64_t)next->r_addend;

	err = reloc_put_uleb(site->place, room, value);
	return err == 0 ? 0 : fail_value(l, site, site->how, value, -TN_ERANGE);
}

int load_fail_site(struct tn_load *l, uint32_t section,
    const struct elf_rela *r, const struct reloc_howto *how)
{
	const uint64_t size = l->elf.sections[section].sh_size;

	if (r->r_offset > size || how->size > size - r->r_offset)
		return load_fail_reloc(l, TN_REASON_RELOC_PLACE, section, r);
	(void)load_fail_reloc(l, TN_REASON_RELOC_SYMBOL, section, r);
	l->diag->value = elf_rela_sym(r);
	return l->diag->error;
}

static int apply(
    struct tn_load *l, const struct site *site, const struct elf_rela *next)
{
	switch (site->how->expr) {
	case RELOC_NOTHING:
	case RELOC_ALIGN: return 0;
	default: break;
	}
	if ((site->sym->flags & SYM_UNUSABLE) != 0)
		return load_fail_unusable(l, elf_rela_sym(site->r));
	switch (site->how->expr) {
	case RELOC_GOT_PC:
	case RELOC_GOT_PAGE:
	case RELOC_GOT_LOW:
	case RELOC_GOT_PAGEOFF: return apply_got(l, site);
	case RELOC_PAIR_LOW: return apply_pair(l, site);
	case RELOC_SET_ULEB:
	case RELOC_SUB_ULEB: return apply_uleb(l, site, next);
	default: break;
	}
	if ((site->how->flags & RELOC_BRANCH) != 0)
		return apply_branch(l, site);
	return apply_plain(l, site);
}

/* Symbols are visited in no order: fetch them ahead of their turn. */
#define AHEAD 16

/* What a row computes and where it goes, as one number. */
#define KIND(expr, field) ((unsigned)(expr) | (unsigned)(field) << 8)
#define SUM_64            KIND(RELOC_ABS, FIELD_64)
#define DIFFERENCE_32     KIND(RELOC_PC, FIELD_32)
#define CELL_32           KIND(RELOC_GOT_PC, FIELD_32)

/*
 * Has scan found that all accesses to the cell become direct ones, and place
 * that the whole image reaches the symbol? Then the range needs no check.
 */
static inline bool is_surely_direct(const struct ref *refs, uint32_t n)
{
	return n != 0 && refs[n - 1].addend == 0 &&
	       (refs[n - 1].flags & (REF_CELL | REF_UNSURE)) == 0;
}

/*
 * The common case, most of all relocations: a fixed symbol without a stub, S +
 * A as eight bytes or S + A - P as four, or a GOT access that becomes one of
 * these, at a place that nothing has moved. Goes on as long as relocations are
 * like that; returns the first that is not, or @end. What is unusual in any
 * way, errors too, is left to apply_any. All is in locals, since the stores
 * could change what is behind a pointer.
 */
static const struct elf_rela *apply_common(const struct tn_load *l,
    const struct section *sec, const struct elf_rela *r,
    const struct elf_rela *end)
{
	const struct reloc_machine *const machine = l->machine;
	const struct reloc_howto *const rows = machine->tables[0].rows;
	const uint32_t first = machine->tables[0].first;
	const uint32_t count = machine->tables[0].count;
	const struct symbol *const symbols = l->symbols;
	const struct ref *const refs = l->refs;
	const uint32_t nsymbols = l->symtab.n;
	const uint64_t addr = sec->addr;
	const uint64_t room = sec->size >= 8 ? sec->size - 7 : 0;
	uint8_t *const write = sec->write;
	const struct elf_rela *const last = end - r > AHEAD ? end - AHEAD : r;

	for (; r != end; r++) {
		const uint32_t row = elf_rela_type(r) - first;
		const uint32_t s = elf_rela_sym(r);
		uint64_t at = r->r_offset;
		int shift = 0;

		if (r < last)
			__builtin_prefetch(&symbols[elf_rela_sym(r + AHEAD)]);
		if (UNLIKELY(row >= count || s >= nsymbols || at >= room))
			break;
		const struct reloc_howto *how = &rows[row];
		const struct symbol *sym = &symbols[s];
		const unsigned kind = KIND(how->expr, how->field);
		const uint64_t sum = sym->value + (uint64_t)r->r_addend;

		if (sym->flags != SYM_FIXED)
			break;
		if (kind == SUM_64) {
			put_le64(write + at, sum);
			continue;
		}
		if (kind == CELL_32 && is_surely_direct(refs, sym->ref))
			(void)reloc_relax(machine, how, write + at, &shift);
		else if (kind != DIFFERENCE_32 ||
			 (sym->ref != 0 && how->flags != 0))
			break;
		at += (uint64_t)(int64_t)shift;
		const uint64_t difference = sum - (addr + at);

		if (difference != (uint64_t)(int64_t)(int32_t)difference)
			break;
		put_le32(write + at, (uint32_t)difference);
	}
	return r;
}

static int apply_any(struct tn_load *l, uint32_t section,
    const struct elf_rela *r, const struct elf_rela *next)
{
	const struct section *sec = &l->sections[section];
	const uint64_t size = l->elf.sections[section].sh_size;
	const struct reloc_howto *how =
	    reloc_find(l->machine, elf_rela_type(r));

	if (!reloc_site_is_sound(l, size, r, how))
		return load_fail_site(l, section, r, how);
	const uint64_t off = shrink_map(l, sec, r->r_offset);
	const struct site site = {
		.r = r,
		.how = how,
		.sec = sec,
		.sym = &l->symbols[elf_rela_sym(r)],
		.p = sec->addr + off,
		.place = sec->write != NULL ? sec->write + off : NULL,
	};

	if (!shrink_keeps(l, sec, r->r_offset, site.how->size))
		return load_fail_reloc(l, TN_REASON_RELOC_PLACE, section, r);
	return apply(l, &site, next);
}

static int relocate_section(struct tn_load *l, uint32_t section)
{
	const struct rela_table t = load_rela(l, section);
	const struct section *sec = &l->sections[section];
	const struct elf_rela *end;

	if (t.n == 0)
		return 0;
	end = t.rela + t.n;
	for (const struct elf_rela *r = t.rela; r != end; r++) {
		if (sec->nshrink == 0)
			r = apply_common(l, sec, r, end);
		if (r == end)
			break;
		const struct reloc_howto *how =
		    reloc_find(l->machine, elf_rela_type(r));
		const int err =
		    apply_any(l, section, r, r + 1 != end ? r + 1 : NULL);

		if (UNLIKELY(err != 0))
			return err;
		if (how->expr == RELOC_SET_ULEB)
			r++; /* its SUB_ULEB is done too */
	}
	l->nrelocs += t.n;
	return 0;
}

int load_relocate(struct tn_load *l)
{
	int err = 0;

	l->stage = TN_STAGE_RELOCATE;
	for (uint32_t i = 1; i < l->nsections && err == 0; i++)
		if (l->sections[i].rela != 0)
			err = relocate_section(l, i);
	return err;
}
