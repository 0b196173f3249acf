/* SPDX-License-Identifier: MIT */
/*
 * GOT cells and branch stubs: who needs one, and their contents.
 *
 * While the file is scanned each (symbol, addend) that is reached through the
 * GOT, or by a branch that leaves the image, becomes a struct ref. When all
 * addresses are known refs_decide gives cells and stubs to exactly those that
 * need them: a target that is in reach from every place that refers to it, and
 * that may be bound for good (decision 18), needs neither.
 */
#include "load.h"

/* Bytes of slack: addends at the place, and rounding to pages. */
#define SLACK     0x10000u
#define GOT_REACH (UINT64_C(0x80000000) - SLACK)

static unsigned chain_length(const struct tn_load *l, uint32_t symbol)
{
	unsigned n = 0;

	for (uint32_t i = l->symbols[symbol].ref; i != 0;
	     i = l->refs[i - 1].next)
		n++;
	return n;
}

/* Finds or makes the ref; NULL with the diagnosis set when it cannot. */
struct ref *refs_get(struct tn_load *l, uint32_t symbol, int64_t addend)
{
	struct ref *ref = refs_find(l, symbol, addend);

	if (ref != NULL)
		return ref;
	if (chain_length(l, symbol) >= REF_CHAIN_MAX) {
		(void)load_fail(l, TN_REASON_RELOC_CELLS);
		return NULL;
	}
	if (load_grow(l, (void **)&l->refs, l->nrefs, &l->max_refs,
		sizeof(*l->refs)) != 0)
		return NULL;
	ref = &l->refs[l->nrefs++];
	*ref = (struct ref){
		.symbol = symbol,
		.addend = addend,
		.next = l->symbols[symbol].ref,
	};
	l->symbols[symbol].ref = l->nrefs;
	return ref;
}

static uint64_t ref_target(const struct tn_load *l, const struct ref *ref)
{
	return l->symbols[ref->symbol].value + (uint64_t)ref->addend;
}

/* Addresses wrap around, as displacements do. */
static bool is_within(uint64_t target, uint64_t place, uint64_t reach)
{
	return target - place + reach < 2 * reach;
}

/* Is @target in reach from every place of the image? */
static bool is_reached(const struct tn_load *l, uint64_t target, uint64_t reach)
{
	uint64_t low, extent;

	image_extent(&l->image, &low, &extent);
	return extent < reach && is_within(target, low, reach) &&
	       is_within(target, low + extent, reach);
}

/*
 * First verdict, without looking at single places: direct when the target is
 * in reach from the whole image, else unsure. The reaches leave slack for
 * addends at the place and for page rounding.
 */
static void judge(struct tn_load *l, struct ref *ref)
{
	const unsigned sym = l->symbols[ref->symbol].flags;
	const uint64_t target = ref_target(l, ref);

	if ((ref->flags & REF_GOT) != 0) {
		if ((sym & SYM_FIXED) == 0 || (sym & SYM_WEAK0) != 0 ||
		    (l->args->flags & TN_LOAD_NO_RELAX) != 0)
			ref->flags |= REF_KEEP_GOT;
		else if (!is_reached(l, target, GOT_REACH))
			ref->flags |= REF_UNSURE;
	}
	if ((ref->flags & REF_BRANCH) != 0) {
		if ((sym & SYM_FIXED) == 0)
			ref->flags |= REF_STUB;
		else if (!is_reached(
			     l, target, l->machine->branch_reach - SLACK))
			ref->flags |= REF_UNSURE;
	}
}

/* Second verdict for unsure refs: does this one place reach? */
static void look_at_place(
    struct tn_load *l, const struct section *sec, const struct elf_rela *r)
{
	const struct reloc_howto *how =
	    reloc_find(l->machine, elf_rela_type(r));
	const bool branch = (how->flags & RELOC_BRANCH) != 0;
	const struct reloc_howto *direct =
	    branch ? how : reloc_direct(l->machine, how);

	if (direct == NULL || l->symbols[elf_rela_sym(r)].ref == 0)
		return;
	struct ref *ref =
	    refs_find(l, elf_rela_sym(r), reloc_ref_addend(l, how, r));

	/* The ref may be there for the other kind of access alone. */
	if (ref == NULL || (ref->flags & REF_UNSURE) == 0 ||
	    (ref->flags & (branch ? REF_BRANCH : REF_GOT)) == 0)
		return;
	const uint64_t s = l->symbols[ref->symbol].value;
	const uint64_t p = sec->addr + shrink_map(l, sec, r->r_offset);
	const uint64_t v =
	    reloc_value(direct->expr, s, (uint64_t)r->r_addend, p);

	/* One more for a GOT access: its P may move back (reloc_direct). */
	if (reloc_check(direct, v) == -TN_ERANGE ||
	    (!branch && reloc_check(direct, v + 1) == -TN_ERANGE))
		ref->flags |= branch ? REF_STUB : REF_KEEP_GOT;
}

static void look_at_places(struct tn_load *l)
{
	for (uint32_t i = 1; i < l->nsections; i++) {
		const struct rela_table t = load_rela(l, i);

		for (uint32_t j = 0; j < t.n; j++)
			look_at_place(l, &l->sections[i], &t.rela[j]);
	}
}

void refs_decide(struct tn_load *l)
{
	bool unsure = false;

	for (uint32_t i = 0; i < l->nrefs; i++) {
		judge(l, &l->refs[i]);
		unsure = unsure || (l->refs[i].flags & REF_UNSURE) != 0;
	}
	if (unsure)
		look_at_places(l);
	for (uint32_t i = 0; i < l->nrefs; i++) {
		struct ref *ref = &l->refs[i];

		if ((ref->flags & (REF_STUB | REF_KEEP_GOT)) == 0)
			continue;
		ref->flags |= REF_CELL;
		ref->cell = l->ncells++;
		if ((ref->flags & REF_STUB) != 0)
			ref->stub = l->nstubs++;
	}
}

int refs_write(struct tn_load *l)
{
	const size_t stub_size = l->machine->stub_size;

	for (uint32_t i = 0; i < l->nrefs; i++) {
		const struct ref *ref = &l->refs[i];

		if ((ref->flags & REF_CELL) == 0)
			continue;
		put_le64(l->cells_write + (size_t)ref->cell * 8,
		    (l->symbols[ref->symbol].flags & SYM_WEAK0) != 0
			? 0
			: ref_target(l, ref));
		if ((ref->flags & REF_STUB) != 0 &&
		    reloc_put_stub(l->machine,
			l->stubs_write + ref->stub * stub_size,
			ref_stub_addr(l, ref), ref_cell_addr(l, ref)) != 0)
			return load_fail(l, TN_REASON_PLACEMENT)->error;
	}
	return 0;
}
