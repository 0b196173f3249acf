/* SPDX-License-Identifier: MIT */
/*
 * Pairing of riscv LO12 relocations with their HI20 (psABI, "PC-Relative
 * Symbol Addresses"): a LO12 names a label at the HI20's place, any number of
 * LO12 share one HI20, in any order and at any distance. struct anchors in
 * load.h describes the index; finding an anchor is one bit test and one
 * population count.
 */
#include "load.h"

#include <base/builtins.h>

static bool is_anchor(const struct tn_load *l, const struct elf_rela *r)
{
	return (reloc_find(l->machine, elf_rela_type(r))->flags & RELOC_HI20) !=
	       0;
}

static uint64_t word_of(uint64_t offset)
{
	return offset / 2 / 64;
}

static uint64_t bit_of(uint64_t offset)
{
	return UINT64_C(1) << (offset / 2 % 64);
}

static unsigned rank_of(const struct anchors *a, uint64_t offset)
{
	const uint64_t w = word_of(offset);
	const uint64_t below = a->bits[w] & (bit_of(offset) - 1);

	return a->rank[w] + (unsigned)base_popcountdi2(below);
}

/* Sets a bit for each anchor; two at one place cannot be told apart. */
static int mark(struct tn_load *l, uint32_t section, struct anchors *a)
{
	const struct rela_table t = load_rela(l, section);

	for (uint32_t i = 0; i < t.n; i++) {
		const uint64_t off = t.rela[i].r_offset;

		if (!is_anchor(l, &t.rela[i]))
			continue;
		if (off % 2 != 0 || word_of(off) >= a->words)
			return load_fail_reloc(
			    l, TN_REASON_RELOC_PLACE, section, &t.rela[i]);
		if ((a->bits[word_of(off)] & bit_of(off)) != 0)
			return load_fail_reloc(
			    l, TN_REASON_RELOC_PAIR, section, &t.rela[i]);
		a->bits[word_of(off)] |= bit_of(off);
		a->count++;
	}
	return 0;
}

static int fill(struct tn_load *l, uint32_t section, struct anchors *a)
{
	const struct rela_table t = load_rela(l, section);
	uint32_t n = 0;

	a->reloc = load_table(l, a->count, sizeof(*a->reloc));
	if (a->reloc == NULL)
		return l->diag->error;
	for (uint64_t w = 0; w < a->words; w++) {
		a->rank[w] = n;
		n += (uint32_t)base_popcountdi2(a->bits[w]);
	}
	for (uint32_t i = 0; i < t.n; i++)
		if (is_anchor(l, &t.rela[i]))
			a->reloc[rank_of(a, t.rela[i].r_offset)] = i;
	return 0;
}

int anchors_collect(struct tn_load *l, uint32_t section)
{
	struct anchors *a;
	int err = load_grow(l, (void **)&l->anchors, l->nanchors,
	    &l->max_anchors, sizeof(*l->anchors));

	if (err != 0)
		return err;
	a = &l->anchors[l->nanchors++];
	*a = (struct anchors){
		.words = l->elf.sections[section].sh_size / 128 + 1,
	};
	l->sections[section].anchors = l->nanchors;
	a->bits = load_table(l, a->words, sizeof(*a->bits));
	if (a->bits == NULL)
		return l->diag->error;
	a->rank = load_table(l, a->words, sizeof(*a->rank));
	if (a->rank == NULL)
		return l->diag->error;
	err = mark(l, section, a);
	return err != 0 ? err : fill(l, section, a);
}

/* The anchor at input @offset of @sec, or NULL. */
static const struct elf_rela *find(
    const struct tn_load *l, const struct section *sec, uint64_t offset)
{
	if (sec->anchors == 0)
		return NULL;
	const struct anchors *a = &l->anchors[sec->anchors - 1];

	if (offset % 2 != 0 || word_of(offset) >= a->words ||
	    (a->bits[word_of(offset)] & bit_of(offset)) == 0)
		return NULL;
	const struct rela_table t = load_rela(l, (uint32_t)(sec - l->sections));

	return &t.rela[a->reloc[rank_of(a, offset)]];
}

const struct elf_rela *anchors_find(const struct tn_load *l, uint32_t sym)
{
	const uint32_t shndx = elf_symtab_section(&l->symtab, sym);

	if (elf_symtab_is_reserved(&l->symtab, sym) || shndx == SHN_UNDEF ||
	    shndx >= l->nsections)
		return NULL;
	return find(l, &l->sections[shndx], l->symtab.syms[sym].st_value);
}
