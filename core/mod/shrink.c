/* SPDX-License-Identifier: MIT */
/*
 * R_RISCV_ALIGN: the assembler leaves as many no-op bytes as an alignment may
 * need and the linker deletes those that it does not need (psABI, "Alignment
 * Relaxation"). Deleting moves what follows in the section: places, symbols and
 * the distances between labels. The deletions of a section are kept sorted, so
 * that mapping an input offset is a binary search, and nothing at all for the
 * sections that have none.
 *
 * The alignment wanted is the smallest power of two above the addend. The
 * section starts aligned to its sh_addralign, which is at least that, so what
 * is deleted does not depend on where the section goes.
 */
#include "load.h"

#include <base/string.h>

#define NOP   0x00000013u
#define C_NOP 0x0001u

static uint64_t wanted_alignment(uint64_t addend)
{
	uint64_t align = 1;

	while (align <= addend)
		align *= 2;
	return align;
}

static int check_align(struct tn_load *l, uint32_t section,
    const struct elf_rela *r, uint64_t previous_end)
{
	const struct elf_shdr *sh = &l->elf.sections[section];
	const uint64_t pad = (uint64_t)r->r_addend;

	if (r->r_addend < 0 || r->r_offset > sh->sh_size ||
	    pad > sh->sh_size - r->r_offset || r->r_offset % 2 != 0 ||
	    pad % 2 != 0 || r->r_offset < previous_end)
		return load_fail_reloc(l, TN_REASON_RELOC_PLACE, section, r);
	if (pad != 0 && wanted_alignment(pad) > sh->sh_addralign) {
		(void)load_fail_reloc(l, TN_REASON_RELOC_ALIGN, section, r);
		l->diag->value = sh->sh_addralign;
		l->diag->high = (int64_t)wanted_alignment(pad);
		return l->diag->error;
	}
	return 0;
}

static int add(
    struct tn_load *l, struct section *sec, uint64_t at, uint64_t count)
{
	int err = load_grow(l, (void **)&l->shrinks, l->nshrinks,
	    &l->max_shrinks, sizeof(*l->shrinks));

	if (err != 0)
		return err;
	if (sec->nshrink == 0)
		sec->shrink = l->nshrinks;
	l->shrinks[l->nshrinks++] = (struct shrink){
		.at = at,
		.before =
		    l->elf.sections[sec - l->sections].sh_size - sec->size,
		.count = count,
	};
	sec->nshrink++;
	sec->size -= count;
	return 0;
}

static int collect(struct tn_load *l, uint32_t section)
{
	const struct rela_table t = load_rela(l, section);
	struct section *sec = &l->sections[section];
	const uint64_t full = l->elf.sections[section].sh_size;
	uint64_t end = 0;

	for (uint32_t i = 0; i < t.n; i++) {
		const struct elf_rela *r = &t.rela[i];

		if (reloc_find(l->machine, elf_rela_type(r))->expr !=
		    RELOC_ALIGN)
			continue;
		int err = check_align(l, section, r, end);

		if (err != 0)
			return err;
		const uint64_t pad = (uint64_t)r->r_addend;
		const uint64_t align = wanted_alignment(pad);
		const uint64_t now = r->r_offset - (full - sec->size);
		const uint64_t need = (0 - now) & (align - 1);

		end = r->r_offset + pad;
		if (need > pad)
			return load_fail_reloc(
			    l, TN_REASON_RELOC_ALIGN, section, r);
		if (need < pad)
			err = add(l, sec, r->r_offset + need, pad - need);
		if (err != 0)
			return err;
	}
	return 0;
}

/* What is kept of cut padding becomes canonical no-ops, as ld writes them. */
static void write_nops(uint8_t *to, uint64_t n)
{
	for (; n >= 4; n -= 4, to += 4)
		put_le32(to, NOP);
	if (n != 0)
		put_le16(to, C_NOP);
}

static void rewrite_padding(const struct tn_load *l, const struct section *sec)
{
	const struct rela_table t = load_rela(l, (uint32_t)(sec - l->sections));

	for (uint32_t i = 0; i < t.n; i++) {
		const struct elf_rela *r = &t.rela[i];

		if (reloc_find(l->machine, elf_rela_type(r))->expr !=
		    RELOC_ALIGN)
			continue;
		const uint64_t pad = (uint64_t)r->r_addend;
		const uint64_t from = shrink_map(l, sec, r->r_offset);
		const uint64_t kept =
		    shrink_map(l, sec, r->r_offset + pad) - from;

		if (kept != pad)
			write_nops(sec->write + from, kept);
	}
}

static void copy(
    const struct tn_load *l, const struct section *sec, struct span from)
{
	uint64_t at = 0;
	uint8_t *to = sec->write;

	for (uint32_t i = 0; i < sec->nshrink; i++) {
		const struct shrink *s = &l->shrinks[sec->shrink + i];

		memcpy(to, from.p + at, s->at - at);
		to += s->at - at;
		at = s->at + s->count;
	}
	memcpy(to, from.p + at, from.n - at);
	rewrite_padding(l, sec);
}

const struct load_relaxing load_relaxing = {
	.collect_anchors = anchors_collect,
	.anchor = anchors_find,
	.collect_shrinks = collect,
	.copy = copy,
};
