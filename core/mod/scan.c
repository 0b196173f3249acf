/* SPDX-License-Identifier: MIT */
/*
 * The first pass over the relocations: what they need is noted before anything
 * is placed: struct ref for GOT cells and branches out of the image, struct
 * anchors for HI20, struct shrink for ALIGN. Unsupported types are refused
 * here. Plain relocations need nothing and are checked as they are applied.
 */
#include "load.h"

#include <base/string.h>

static const char *refusal_text(const struct reloc_howto *how)
{
	static const char *const texts[] = {
		[RELOC_NOT_REFUSED] = "this relocation in a shared object",
		[RELOC_REFUSED_TLS] = "thread-local storage",
		[RELOC_REFUSED_IFUNC] = "an indirect function (ifunc)",
		[RELOC_REFUSED_LARGE_MODEL] = "the large code model",
		[RELOC_REFUSED_MEDIUM_MODEL] = "the medium code model",
		[RELOC_REFUSED_FAR_DATA] = "the medium or large code model",
		[RELOC_REFUSED_TINY_MODEL] = "the tiny code model",
		[RELOC_REFUSED_COPY] = "a copy relocation",
		[RELOC_REFUSED_OTHER] = "this relocation",
	};

	if (how->expr == RELOC_BASE || how->expr == RELOC_DYN_SYMBOL)
		return "a dynamic relocation";
	return texts[how->refusal < ARRAY_SIZE(texts) ? how->refusal : 0];
}

int load_fail_type(
    struct tn_load *l, uint32_t section, const struct elf_rela *r)
{
	const struct reloc_howto *how =
	    reloc_find(l->machine, elf_rela_type(r));

	if (how->expr == RELOC_UNKNOWN) {
		(void)load_fail_reloc(l, TN_REASON_RELOC_UNKNOWN, section, r);
		l->diag->value = elf_rela_type(r);
		if (l->is_dyn)
			l->diag->error = -TN_EOPNOTSUPP;
		return l->diag->error;
	}
	(void)load_fail_reloc(l, TN_REASON_RELOC_REFUSED, section, r);
	(void)str_copy(
	    l->diag->other, sizeof(l->diag->other), refusal_text(how));
	return l->diag->error;
}

/* A section whose relocations are looked at, and what they were so far. */
struct subject {
	uint32_t section;
	struct span bytes; /* in the file */
	bool anchor, align;
};

static int fail_ref(
    struct tn_load *l, const struct subject *at, const struct elf_rela *r)
{
	const enum tn_reason reason = l->diag->reason;

	return reason == TN_REASON_RELOC_CELLS
		   ? load_fail_reloc(l, reason, at->section, r)
		   : l->diag->error;
}

/* Can the access at @r become direct, as far as its instruction goes? */
static bool can_relax(const struct tn_load *l, const struct subject *at,
    const struct elf_rela *r, const struct reloc_howto *how)
{
	return reloc_can_relax(l->machine, how, at->bytes.p + r->r_offset,
	    (size_t)r->r_offset, r->r_addend);
}

static int note_got(struct tn_load *l, const struct subject *at,
    const struct elf_rela *r, const struct reloc_howto *how)
{
	struct ref *ref =
	    refs_get(l, elf_rela_sym(r), reloc_ref_addend(l, how, r));

	if (ref == NULL)
		return fail_ref(l, at, r);
	ref->flags |= REF_GOT;
	if (!can_relax(l, at, r, how))
		ref->flags |= REF_KEEP_GOT;
	return 0;
}

/* A call of an undefined weak function that the machine writes specially. */
static bool is_special_weak(const struct tn_load *l, const struct elf_rela *r,
    const struct reloc_howto *how)
{
	uint8_t scratch[16] = { 0 };

	return (l->symbols[elf_rela_sym(r)].flags & SYM_WEAK0) != 0 &&
	       reloc_put_weak_branch(l->machine, how, scratch, r->r_addend);
}

static int note_branch(struct tn_load *l, const struct subject *at,
    const struct elf_rela *r, const struct reloc_howto *how)
{
	if ((l->symbols[elf_rela_sym(r)].flags & SYM_FOREIGN) == 0 ||
	    is_special_weak(l, r, how))
		return 0;
	struct ref *ref =
	    refs_get(l, elf_rela_sym(r), reloc_ref_addend(l, how, r));

	if (ref == NULL)
		return fail_ref(l, at, r);
	ref->flags |= REF_BRANCH;
	/* A branch that reaches less far than most is looked at by place. */
	if (how->bits < 63 &&
	    UINT64_C(1) << (how->bits - 1) < l->machine->branch_reach)
		ref->flags |= REF_UNSURE;
	return 0;
}

/* Nothing to note, and all checks can wait for the second pass. */
static inline bool is_plain(const struct reloc_howto *how)
{
	return how->flags == 0 && (unsigned)how->expr - RELOC_NOTHING <=
				      RELOC_PAGE - RELOC_NOTHING;
}

/* A branch within the image: neither a cell nor a stub will be needed. */
static inline bool is_inner_branch(const struct tn_load *l,
    const struct elf_rela *r, const struct reloc_howto *how)
{
	return how->flags == RELOC_BRANCH && elf_rela_sym(r) < l->symtab.n &&
	       (l->symbols[elf_rela_sym(r)].flags & SYM_FOREIGN) == 0;
}

static int scan_one(struct tn_load *l, struct subject *at,
    const struct elf_rela *r, const struct reloc_howto *how)
{
	switch (how->expr) {
	case RELOC_ALIGN: at->align = true; return 0;
	case RELOC_UNKNOWN:
	case RELOC_REFUSED:
	case RELOC_BASE:
	case RELOC_DYN_SYMBOL: return load_fail_type(l, at->section, r);
	default: break;
	}
	if (!reloc_site_is_sound(l, at->bytes.n, r, how))
		return load_fail_site(l, at->section, r, how);
	at->anchor = at->anchor || (how->flags & RELOC_HI20) != 0;
	l->has_pairs = l->has_pairs || how->expr == RELOC_PAIR_LOW;
	if (reloc_is_got(how))
		return note_got(l, at, r, how);
	if ((how->flags & RELOC_BRANCH) != 0)
		return note_branch(l, at, r, how);
	return 0;
}

static int scan_section(struct tn_load *l, uint32_t section)
{
	const struct rela_table t = load_rela(l, section);
	const struct reloc_machine *const machine = l->machine;
	struct subject at = { section, elf_section_bytes(&l->elf, section),
		false, false };

	for (uint32_t i = 0; i < t.n; i++) {
		const struct elf_rela *r = &t.rela[i];
		const struct reloc_howto *how =
		    reloc_find(machine, elf_rela_type(r));

		if (LIKELY(is_plain(how) || is_inner_branch(l, r, how)))
			continue;
		const int err = scan_one(l, &at, r, how);

		if (err != 0)
			return err;
	}
	if (at.anchor) {
		const int err = l->relaxing->collect_anchors(l, section);

		if (err != 0)
			return err;
	}
	return at.align ? l->relaxing->collect_shrinks(l, section) : 0;
}

/*
 * A LO12 whose anchor goes through the GOT is the other half of that access:
 * it must be able to become direct, or none of the symbol's may.
 */
static int scan_pair(
    struct tn_load *l, const struct subject *at, const struct elf_rela *r)
{
	const struct reloc_howto *how =
	    reloc_find(l->machine, elf_rela_type(r));
	const struct elf_rela *anchor;
	const struct reloc_howto *high;

	if (how->expr != RELOC_PAIR_LOW)
		return 0;
	anchor = l->relaxing->anchor(l, elf_rela_sym(r));
	if (anchor == NULL)
		return load_fail_reloc(l, TN_REASON_RELOC_PAIR, at->section, r);
	high = reloc_find(l->machine, elf_rela_type(anchor));
	if (!reloc_is_got(high) || can_relax(l, at, r, how))
		return 0;
	struct ref *ref = refs_find(
	    l, elf_rela_sym(anchor), reloc_ref_addend(l, high, anchor));

	if (ref != NULL)
		ref->flags |= REF_KEEP_GOT;
	return 0;
}

static int scan_pairs(struct tn_load *l, uint32_t section)
{
	const struct rela_table t = load_rela(l, section);
	const struct subject at = { section,
		elf_section_bytes(&l->elf, section), false, false };
	int err = 0;

	for (uint32_t i = 0; i < t.n && err == 0; i++)
		err = scan_pair(l, &at, &t.rela[i]);
	return err;
}

int load_scan(struct tn_load *l)
{
	int err = 0;

	l->stage = TN_STAGE_PLAN;
	for (uint32_t i = 1; i < l->nsections && err == 0; i++)
		err = scan_section(l, i);
	for (uint32_t i = 1; l->has_pairs && i < l->nsections && err == 0; i++)
		err = scan_pairs(l, i);
	return err;
}
