/* SPDX-License-Identifier: MIT */
/*
 * Shared objects (ET_DYN): their own linker has laid them out, so the image is
 * one span with a part for each stretch of pages that has one permission. What
 * PT_GNU_RELRO names is a read-only part of its own. Relocations are few kinds:
 * relative to the base, or the value of a dynamic symbol.
 */
#include "load.h"

#include <base/overflow.h>
#include <base/string.h>

static int fail_unsupported(struct tn_load *l, const char *what)
{
	return load_fail_other(l, TN_REASON_UNSUPPORTED, what);
}

/* Holds the module that DT_NEEDED names, as a provider. */
static int hold_needed(struct tn_load *l, const char *needed)
{
	char name[TN_MODULE_NAME_MAX];
	int err;

	err = tn_module_name(needed, name) ? load_hold(l, name) : -TN_ENOENT;
	return err == -TN_ENOENT ? load_fail_other(l, TN_REASON_NEEDED, needed)
				 : err;
}

/* DT_NEEDED must name a loaded module (decision 6). */
static int check_needed(struct tn_load *l)
{
	const uint32_t n = l->offline ? 0 : l->dyn.nentries;
	int err = 0;

	for (uint32_t i = 0; i < n && err == 0; i++) {
		const struct elf_dyn *e = &l->dyn.entries[i];

		if (e->d_tag != DT_NEEDED)
			continue;
		const char *name = elf_dynamic_string(&l->dyn, e->d_val);

		if (name == NULL)
			return load_fail_elf(l, ELF_DYNAMIC, e->d_val);
		err = load_count_name(l, str_len(name));
		if (err == 0)
			err = hold_needed(l, name);
	}
	return err;
}

int dyn_check(struct tn_load *l)
{
	for (uint32_t i = 0; i < l->elf.nsegments; i++)
		if (l->elf.segments[i].p_type == PT_TLS)
			return fail_unsupported(l, "thread-local storage");
	switch (l->dyn.refused_tag) {
	case 0: return check_needed(l);
	case DT_TEXTREL:
		return fail_unsupported(l, "relocated text (DT_TEXTREL)");
	case DT_PREINIT_ARRAY: return fail_unsupported(l, "DT_PREINIT_ARRAY");
	default:
		return fail_unsupported(
		    l, "a relocation table without addends (REL, RELR)");
	}
}

/* --- layout: segments to parts */

static uint64_t system_page(const struct tn_load *l)
{
	return l->port->page_size > 4096 ? l->port->page_size : 4096;
}

/* Pages are those that the file was linked for; 4 KiB at least. */
static uint64_t file_page(const struct tn_load *l)
{
	uint64_t page = system_page(l);

	for (uint32_t i = 0; i < l->elf.nsegments; i++)
		if (l->elf.segments[i].p_type == PT_LOAD &&
		    l->elf.segments[i].p_align > page)
			page = l->elf.segments[i].p_align;
	return page;
}

static int add_part(
    struct tn_load *l, unsigned kind, uint64_t from, uint64_t to, uint64_t page)
{
	struct tn_image *img = &l->image;

	if (from >= to)
		return 0;
	if (img->nparts == TN_MAX_PARTS)
		return fail_unsupported(l, "so many segments");
	img->part[img->nparts++] = (struct tn_part){
		.kind = (uint8_t)kind,
		.offset = (size_t)from,
		.size = (size_t)(to - from),
		.align = (size_t)page,
	};
	return 0;
}

/* The pages that become read-only after relocation: [from, to). */
static void find_relro(const struct tn_load *l, uint64_t low, uint64_t page,
    uint64_t *from, uint64_t *to)
{
	*from = 0;
	*to = 0;
	for (uint32_t i = 0; i < l->elf.nsegments; i++) {
		const struct elf_phdr *ph = &l->elf.segments[i];

		if (ph->p_type != PT_GNU_RELRO || ph->p_vaddr < low ||
		    ph->p_memsz > INT32_MAX)
			continue;
		*from = (ph->p_vaddr - low) & ~(page - 1);
		*to = (ph->p_vaddr - low + ph->p_memsz) & ~(page - 1);
	}
}

static int add_segment(
    struct tn_load *l, const struct elf_phdr *ph, uint64_t low, uint64_t page)
{
	const uint64_t from = (ph->p_vaddr - low) & ~(page - 1);
	const uint64_t to = align_up(ph->p_vaddr - low + ph->p_memsz, page);
	uint64_t ro_from, ro_to;
	int err;

	if ((ph->p_flags & PF_X) != 0)
		return add_part(l, TN_TEXT, from, to, page);
	if ((ph->p_flags & PF_W) == 0)
		return add_part(l, TN_RODATA, from, to, page);
	find_relro(l, low, system_page(l), &ro_from, &ro_to);
	if (ro_from < from || ro_to > to || ro_from >= ro_to)
		return add_part(l, TN_DATA, from, to, page);
	err = add_part(l, TN_DATA, from, ro_from, page);
	if (err == 0)
		err = add_part(l, TN_RODATA, ro_from, ro_to, page);
	return err != 0 ? err : add_part(l, TN_DATA, ro_to, to, page);
}

/* Segments in ascending order, no two in one page, none W and X. */
static int check_segment(
    struct tn_load *l, const struct elf_phdr *ph, uint64_t page, uint64_t *end)
{
	if ((ph->p_flags & PF_W) != 0 && (ph->p_flags & PF_X) != 0) {
		(void)fail_unsupported(
		    l, "a segment that is writable and executable");
		l->diag->reason = TN_REASON_WRITABLE_TEXT;
		return l->diag->error;
	}
	if ((ph->p_vaddr & ~(page - 1)) < *end)
		return load_fail_elf(l, ELF_SEGMENT_BOUNDS, ph->p_vaddr);
	if (!u64_align(ph->p_vaddr + ph->p_memsz, page, end))
		return load_fail_elf(l, ELF_SEGMENT_BOUNDS, ph->p_vaddr);
	return 0;
}

int dyn_layout(struct tn_load *l)
{
	const uint64_t page = file_page(l);
	const uint64_t low = l->dyn.low & ~(page - 1);
	uint64_t end = 0;
	int err = 0;

	l->stage = TN_STAGE_LAYOUT;
	if (l->dyn.high - low > INT32_MAX)
		return load_fail_limit(
		    l, "bytes of an image", l->dyn.high - low, INT32_MAX);
	for (uint32_t i = 0; i < l->elf.nsegments && err == 0; i++) {
		const struct elf_phdr *ph = &l->elf.segments[i];

		if (ph->p_type != PT_LOAD || ph->p_memsz == 0)
			continue;
		err = check_segment(l, ph, page, &end);
		if (err == 0)
			err = add_segment(l, ph, low, page);
	}
	l->image.span = (size_t)(end - low);
	l->image.span_align = (size_t)page;
	return err;
}

/* --- placement and contents */

static uint64_t load_base(const struct tn_load *l)
{
	const uint64_t page = l->image.span_align;

	return l->image.part[0].addr - l->image.part[0].offset -
	       (l->dyn.low & ~(page - 1));
}

int dyn_place(struct tn_load *l)
{
	const uint64_t base = load_base(l);

	for (uint32_t i = 1; i < l->symtab.n; i++) {
		const struct elf_sym *s = &l->symtab.syms[i];

		if (s->st_shndx != SHN_UNDEF && s->st_shndx < SHN_LORESERVE)
			l->symbols[i].value = base + s->st_value;
	}
	return 0;
}

/* Copies [addr, addr + bytes.n) of the image; parts are page-granular. */
static void copy_bytes(struct tn_load *l, uint64_t addr, struct span bytes)
{
	const struct tn_part *p;

	/* Parts cover every segment. */
	while (
	    bytes.n != 0 && (p = image_part_with(&l->image, addr, 1)) != NULL) {
		size_t n = p->size - (size_t)(addr - p->addr);

		n = n < bytes.n ? n : bytes.n;
		memcpy(p->write + (addr - p->addr), bytes.p, n);
		addr += n;
		bytes.p += n;
		bytes.n -= n;
	}
}

int dyn_copy(struct tn_load *l)
{
	const uint64_t base = load_base(l);

	for (unsigned i = 0; i < l->image.nparts; i++)
		memset(l->image.part[i].write, 0, l->image.part[i].size);
	for (uint32_t i = 0; i < l->elf.nsegments; i++) {
		const struct elf_phdr *ph = &l->elf.segments[i];
		struct span s;

		if (ph->p_type == PT_LOAD &&
		    span_sub(l->bytes, ph->p_offset, ph->p_filesz, &s))
			copy_bytes(l, base + ph->p_vaddr, s);
	}
	return 0;
}

/* --- relocation */

static int apply(struct tn_load *l, const struct elf_rela *r)
{
	const struct reloc_howto *how =
	    reloc_find(l->machine, elf_rela_type(r));
	const uint64_t base = load_base(l);
	const uint64_t a = (uint64_t)r->r_addend;
	const uint32_t sym = elf_rela_sym(r);
	uint64_t value;

	if (how->expr == RELOC_NOTHING)
		return 0;
	if (how->expr != RELOC_BASE && how->expr != RELOC_DYN_SYMBOL &&
	    (how->expr != RELOC_ABS || how->size != 8))
		return load_fail_type(l, 0, r);
	if (sym != 0 && sym >= l->symtab.n) {
		(void)load_fail_reloc(l, TN_REASON_RELOC_SYMBOL, 0, r);
		l->diag->value = sym;
		return l->diag->error;
	}
	uint8_t *place = load_image_at(l, base + r->r_offset, how->size);

	if (place == NULL)
		return load_fail_reloc(l, TN_REASON_RELOC_PLACE, 0, r);
	if (how->expr == RELOC_BASE) {
		reloc_put(l->machine, how, place, base + a);
		return 0;
	}
	if (UNLIKELY((l->symbols[sym].flags & SYM_UNUSABLE) != 0))
		return load_fail_unusable(l, sym);
	value = l->symbols[sym].value;
	reloc_put(l->machine, how, place,
	    (how->flags & RELOC_NO_ADDEND) != 0 ? value : value + a);
	return 0;
}

static int apply_table(struct tn_load *l, const struct elf_rela *r, uint32_t n)
{
	int err = 0;

	for (uint32_t i = 0; i < n && err == 0; i++)
		err = apply(l, &r[i]);
	l->nrelocs += n;
	return err;
}

/* What stays when the file is gone: the tables as the running image has them. */
int dyn_keep(struct tn_load *l, uint64_t symbols, uint64_t strings)
{
	struct dynamic *d = load_memory(l, sizeof(*d));

	l->gen->dynamic = d;
	if (d == NULL)
		return l->diag->error;
	if (l->symtab.n == 0)
		return 0;
	d->symbols = (const struct elf_sym *)(uintptr_t)symbols;
	d->nsymbols = l->symtab.n;
	d->strings = (const char *)(uintptr_t)strings;
	d->strings_size = l->symtab.strings.n;
	return 0;
}

static int take_array(struct tn_load *l, struct elf_range range,
    struct image_range *out, unsigned *n)
{
	const uint64_t addr = load_base(l) + range.addr;

	if (range.size == 0)
		return 0;
	if (range.addr % 8 != 0 || load_image_at(l, addr, range.size) == NULL)
		return load_fail_elf(l, ELF_DYNAMIC, range.addr);
	*out = (struct image_range){ addr, range.size / 8 };
	*n = 1;
	return 0;
}

static int take_arrays(struct tn_load *l)
{
	struct generation *gen = l->gen;
	struct image_range init = { 0, 0 }, fini = { 0, 0 };
	unsigned ninit = 0, nfini = 0;
	int err = take_array(l, l->dyn.init_array, &init, &ninit);

	if (err == 0)
		err = take_array(l, l->dyn.fini_array, &fini, &nfini);
	if (err != 0 || ninit + nfini == 0 || gen == NULL)
		return err;
	gen->arrays = load_memory(l, (ninit + nfini) * sizeof(*gen->arrays));
	if (gen->arrays == NULL)
		return l->diag->error;
	gen->ninit_arrays = ninit;
	gen->nfini_arrays = nfini;
	if (ninit != 0)
		gen->arrays[0] = init;
	if (nfini != 0)
		gen->arrays[ninit] = fini;
	return 0;
}

/* DT_INIT and DT_FINI, as addresses in text or 0. */
static int take_function(struct tn_load *l, uint64_t offset, uint64_t *out)
{
	const uint64_t addr = load_base(l) + offset;

	if (offset == 0)
		return 0;
	if (!load_is_text(l, addr, true))
		return load_fail_elf(l, ELF_DYNAMIC, offset);
	*out = addr;
	return 0;
}

int dyn_relocate(struct tn_load *l)
{
	int err;

	l->stage = TN_STAGE_RELOCATE;
	err = apply_table(l, l->dyn.rela, l->dyn.nrela);
	if (err == 0)
		err = apply_table(l, l->dyn.jmprel, l->dyn.njmprel);
	if (err == 0)
		err = take_arrays(l);
	if (err != 0 || l->gen == NULL)
		return err;
	l->gen->base = load_base(l);
	err = dyn_keep(l, load_base(l) + l->dyn.symtab_addr,
	    load_base(l) + l->dyn.strtab_addr);
	if (err == 0)
		err = take_function(l, l->dyn.init, &l->gen->dynamic->init);
	if (err == 0)
		err = take_function(l, l->dyn.fini, &l->gen->dynamic->fini);
	return err;
}
