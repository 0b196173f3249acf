/* SPDX-License-Identifier: MIT */
/*
 * Reading PT_DYNAMIC (gABI chapter 5). The number of dynamic symbols is not
 * stated anywhere: it is nchain of DT_HASH, or found by walking the chains of
 * DT_GNU_HASH to the last symbol. Where no name is hashed, what relocations
 * refer to are all the symbols that matter.
 */
#include <elf/dynamic.h>

#include <base/overflow.h>

static bool fail(struct elf_where *where, uint64_t value)
{
	where->fault = ELF_DYNAMIC;
	where->section = 0;
	where->value = value;
	return false;
}

/* As many file bytes as there are behind @addr in its segment. */
static bool image_rest(
    const struct elf_file *f, uint64_t addr, struct span *out)
{
	for (uint32_t i = 0; i < f->nsegments; i++) {
		const struct elf_phdr *ph = &f->segments[i];

		const uint64_t at = addr - ph->p_vaddr;

		if (ph->p_type == PT_LOAD && at < ph->p_filesz)
			return span_sub(f->bytes, ph->p_offset + at,
			    ph->p_filesz - at, out);
	}
	return false;
}

bool elf_image_bytes(
    const struct elf_file *f, uint64_t addr, uint64_t size, struct span *out)
{
	struct span rest;

	return image_rest(f, addr, &rest) && span_sub(rest, 0, size, out);
}

static bool count_by_hash(const struct elf_file *f, uint64_t addr, uint32_t *n)
{
	struct span s;

	if (!elf_image_bytes(f, addr, 8, &s))
		return false;
	*n = get_le32(s.p + 4);
	return true;
}

/* The highest first-symbol index of all buckets, or 0. */
static uint32_t highest_bucket(struct span buckets)
{
	uint32_t top = 0;

	for (size_t i = 0; i + 4 <= buckets.n; i += 4) {
		const uint32_t b = get_le32(buckets.p + i);

		top = b > top ? b : top;
	}
	return top;
}

static bool count_by_gnu_hash(
    const struct elf_file *f, uint64_t addr, uint32_t *n)
{
	struct span s, buckets;

	if (!image_rest(f, addr, &s) || s.n < 16)
		return false;
	const uint32_t nbuckets = get_le32(s.p), first = get_le32(s.p + 4);
	const uint64_t bloom = (uint64_t)get_le32(s.p + 8) * 8;

	if (!span_sub(s, 16 + bloom, (uint64_t)nbuckets * 4, &buckets))
		return false;
	const uint64_t chains = 16 + bloom + (uint64_t)nbuckets * 4;
	uint32_t i = highest_bucket(buckets);

	if (i < first) {
		*n = 0; /* no hashed symbol: it does not say */
		return true;
	}
	for (;; i++) { /* the end of a chain has bit 0 set */
		struct span word;

		if (!span_sub(s, chains + (uint64_t)(i - first) * 4, 4, &word))
			return false;
		if ((get_le32(word.p) & 1) != 0)
			break;
	}
	*n = i + 1;
	return true;
}

static uint32_t highest_symbol(const struct elf_rela *r, uint32_t n)
{
	uint32_t top = 0;

	for (uint32_t i = 0; i < n; i++)
		top = elf_rela_sym(&r[i]) > top ? elf_rela_sym(&r[i]) : top;
	return top;
}

static uint32_t count_by_relocations(const struct elf_dynamic *d)
{
	const uint32_t a = highest_symbol(d->rela, d->nrela);
	const uint32_t b = highest_symbol(d->jmprel, d->njmprel);
	const uint32_t top = a > b ? a : b;

	return top != 0 && top != UINT32_MAX ? top + 1 : top;
}

/* Values of the single-valued tags, indexed by the tag. */
#define NTAGS 40

struct tags {
	uint64_t val[NTAGS];
	uint64_t gnu_hash;
};

static uint32_t refused_tag(const struct tags *t)
{
	static const uint8_t refused[] = { DT_REL, DT_RELR, DT_TEXTREL,
		DT_PREINIT_ARRAY };

	for (size_t i = 0; i < sizeof(refused); i++)
		if (t->val[refused[i]] != 0)
			return refused[i];
	return 0;
}

static bool read_tags(const struct elf_file *f, struct elf_dynamic *d,
    struct tags *t, struct elf_where *where)
{
	struct span s = { NULL, 0 };

	for (uint32_t i = 0; i < f->nsegments; i++)
		if (f->segments[i].p_type == PT_DYNAMIC &&
		    !span_sub(f->bytes, f->segments[i].p_offset,
			f->segments[i].p_filesz, &s))
			return fail(where, f->segments[i].p_offset);
	if (s.n == 0 || (uintptr_t)s.p % 8 != 0)
		return fail(where, 0);
	d->entries = (const struct elf_dyn *)(const void *)s.p;
	const size_t most = s.n / sizeof(struct elf_dyn);

	for (size_t i = 0; i < most; i++) {
		const struct elf_dyn *e = &d->entries[i];

		if (e->d_tag == DT_NULL)
			break;
		if (e->d_tag > 0 && e->d_tag < NTAGS)
			t->val[e->d_tag] = e->d_val;
		if (e->d_tag == DT_TEXTREL ||
		    (e->d_tag == DT_FLAGS && (e->d_val & DF_TEXTREL) != 0))
			t->val[DT_TEXTREL] = 1; /* d_val is unused */
		if (e->d_tag == DT_GNU_HASH)
			t->gnu_hash = e->d_val;
		d->nentries = (uint32_t)i + 1;
	}
	return true;
}

static bool read_relocations(const struct elf_file *f, uint64_t addr,
    uint64_t size, const struct elf_rela **rela, uint32_t *n)
{
	struct span s;

	if (size == 0)
		return true;
	if (size % sizeof(struct elf_rela) != 0 ||
	    size / sizeof(struct elf_rela) > UINT32_MAX ||
	    !elf_image_bytes(f, addr, size, &s) || (uintptr_t)s.p % 8 != 0)
		return false;
	*rela = (const struct elf_rela *)(const void *)s.p;
	*n = (uint32_t)(size / sizeof(struct elf_rela));
	return true;
}

static bool count_symbols(const struct elf_file *f, struct elf_dynamic *d,
    const struct tags *t, uint32_t *n)
{
	d->hash_addr = t->val[DT_HASH];
	d->gnu_hash_addr = t->gnu_hash;
	if (d->hash_addr != 0)
		return count_by_hash(f, d->hash_addr, n);
	if (d->gnu_hash_addr != 0 && !count_by_gnu_hash(f, d->gnu_hash_addr, n))
		return false;
	if (*n == 0)
		*n = count_by_relocations(d);
	return true;
}

static bool read_symbols(const struct elf_file *f, struct elf_dynamic *d,
    const struct tags *t, struct elf_where *where)
{
	struct span s;
	uint32_t n = 0;

	if (!count_symbols(f, d, t, &n))
		return fail(where, d->hash_addr);
	d->symtab_addr = t->val[DT_SYMTAB];
	d->strtab_addr = t->val[DT_STRTAB];
	if (t->val[DT_STRSZ] != 0 &&
	    (!elf_image_bytes(f, d->strtab_addr, t->val[DT_STRSZ], &s) ||
		s.p[s.n - 1] != '\0'))
		return fail(where, d->strtab_addr);
	if (t->val[DT_STRSZ] != 0)
		d->symtab.strings = s;
	if (n == 0)
		return true;
	if (t->val[DT_SYMENT] != sizeof(struct elf_sym) ||
	    !elf_image_bytes(
		f, d->symtab_addr, (uint64_t)n * sizeof(struct elf_sym), &s) ||
	    (uintptr_t)s.p % 8 != 0 || d->symtab_addr % 8 != 0)
		return fail(where, d->symtab_addr);
	d->symtab.syms = (const struct elf_sym *)(const void *)s.p;
	d->symtab.n = n;
	return true;
}

static bool read_extent(const struct elf_file *f, struct elf_dynamic *d)
{
	d->low = UINT64_MAX;
	for (uint32_t i = 0; i < f->nsegments; i++) {
		const struct elf_phdr *ph = &f->segments[i];
		const uint64_t end = ph->p_vaddr + ph->p_memsz;

		if (ph->p_type != PT_LOAD || ph->p_memsz == 0)
			continue;
		d->low = ph->p_vaddr < d->low ? ph->p_vaddr : d->low;
		d->high = end > d->high ? end : d->high;
	}
	return d->low < d->high;
}

bool elf_dynamic_open(
    const struct elf_file *f, struct elf_dynamic *d, struct elf_where *where)
{
	struct tags t = { 0 };

	*d = (struct elf_dynamic){ 0 };
	if (!read_extent(f, d))
		return fail(where, 0);
	if (!read_tags(f, d, &t, where))
		return false;
	if ((t.val[DT_RELASZ] != 0 &&
		t.val[DT_RELAENT] != sizeof(struct elf_rela)) ||
	    !read_relocations(
		f, t.val[DT_RELA], t.val[DT_RELASZ], &d->rela, &d->nrela) ||
	    !read_relocations(f, t.val[DT_JMPREL], t.val[DT_PLTRELSZ],
		&d->jmprel, &d->njmprel))
		return fail(where, t.val[DT_RELA]);
	if (!read_symbols(f, d, &t, where))
		return false;
	d->init_array =
	    (struct elf_range){ t.val[DT_INIT_ARRAY], t.val[DT_INIT_ARRAYSZ] };
	d->fini_array =
	    (struct elf_range){ t.val[DT_FINI_ARRAY], t.val[DT_FINI_ARRAYSZ] };
	d->init = t.val[DT_INIT];
	d->fini = t.val[DT_FINI];
	d->refused_tag = refused_tag(&t);
	return true;
}

const char *elf_dynamic_string(const struct elf_dynamic *d, uint64_t off)
{
	return off < d->symtab.strings.n
		   ? (const char *)d->symtab.strings.p + off
		   : NULL;
}
