/* SPDX-License-Identifier: MIT */
/*
 * Layout and placement of a relocatable object.
 *
 * Parts, and sections within a part, stand in this order; what the loader adds
 * comes last, so that its size does not move anything else:
 *
 *   text   [ sections ... | stubs ]
 *   data   [ sections with bytes | sections without | common | cells ]
 *   others [ sections ... ]
 *
 * Room for stubs and cells is first reserved for every ref. When the addresses
 * are known, refs_decide says how many there are, and the rest is given back:
 * no cell and no stub is left unused (decision 7).
 */
#include "load.h"

#include <base/overflow.h>
#include <base/string.h>

/* All parts together must stay within one 2 GiB span. */
#define MAX_IMAGE INT32_MAX

/* Puts @size bytes at the end of @part; the offset goes to *@at. */
static bool append(
    struct tn_part *part, uint64_t size, uint64_t align, uint64_t *at)
{
	uint64_t offset, end;

	align = align != 0 ? align : 1;
	if (!u64_align(part->size, align, &offset) ||
	    !u64_add(offset, size, &end) || end > MAX_IMAGE)
		return false;
	*at = offset;
	part->size = (size_t)end;
	if (align > part->align)
		part->align = (size_t)align;
	return true;
}

static int too_large(struct tn_load *l)
{
	return load_fail_limit(
	    l, "bytes of one part", (uint64_t)MAX_IMAGE + 1, MAX_IMAGE);
}

/* Appends the sections that have bytes in the file, or those that have not. */
static int append_sections(struct tn_load *l, bool nobits)
{
	for (uint32_t i = 1; i < l->nsections; i++) {
		const struct elf_shdr *sh = &l->elf.sections[i];
		struct section *sec = &l->sections[i];

		if (sec->part == NO_PART ||
		    (sh->sh_type == SHT_NOBITS) != nobits)
			continue;
		if (!append(&l->image.part[sec->part], sec->size,
			sh->sh_addralign, &sec->offset))
			return too_large(l);
	}
	return 0;
}

static uint64_t count_refs(const struct tn_load *l, unsigned flag)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < l->nrefs; i++)
		if (flag == 0 || (l->refs[i].flags & flag) != 0)
			n++;
	return n;
}

int load_layout(struct tn_load *l)
{
	struct tn_part *part = l->image.part;
	int err;

	l->stage = TN_STAGE_LAYOUT;
	l->image.nparts = TN_PART_KINDS;
	for (unsigned i = 0; i < TN_PART_KINDS; i++)
		part[i] = (struct tn_part){ .kind = (uint8_t)i, .align = 1 };
	err = append_sections(l, false);
	if (err == 0)
		err = append_sections(l, true);
	if (err != 0)
		return err;
	const uint64_t stubs =
	    count_refs(l, REF_BRANCH) * l->machine->stub_size;
	const uint64_t cells = count_refs(l, 0) * 8;

	if ((l->common_size != 0 && !append(&part[TN_DATA], l->common_size,
					l->common_align, &l->common_offset)) ||
	    (stubs != 0 && !append(&part[TN_TEXT], stubs,
			       l->machine->stub_align, &l->stubs_offset)) ||
	    (cells != 0 && !append(&part[TN_DATA], cells, 8, &l->cells_offset)))
		return too_large(l);
	return 0;
}

static int alloc_failed(struct tn_load *l, int err, uint64_t size)
{
	static const struct {
		int error;
		enum tn_reason reason;
		const char *what;
	} rows[] = {
		{ -TN_EAGAIN, TN_REASON_UNSUPPORTED,
		    "loading in a child that fork has not made" },
		{ -TN_EOPNOTSUPP, TN_REASON_UNSUPPORTED,
		    "executable memory in this process" },
		{ -TN_ENOSPC, TN_REASON_POOL_FULL, "" },
		{ -TN_ERANGE, TN_REASON_PLACEMENT, "" },
		{ 0, TN_REASON_NO_MEMORY, "" },
	};
	unsigned i = 0;

	while (rows[i].error != err && rows[i].error != 0)
		i++;
	(void)load_fail_other(l, rows[i].reason, rows[i].what);
	l->diag->value = size;
	return l->diag->error = err;
}

int load_alloc(struct tn_load *l)
{
	const struct tn_port *port = l->port;
	uint64_t size = 0;
	int err;

	l->stage = TN_STAGE_ALLOC;
	for (unsigned i = 0; i < l->image.nparts; i++)
		size += l->image.part[i].size;
	err = port->image_alloc(port->ctx, &l->image);
	if (err == 0) {
		l->has_image = true;
		return 0;
	}
	return alloc_failed(l, err, size);
}

/* Every part can refer to every other with a signed 32-bit displacement. */
static bool is_within_span(const struct tn_image *img)
{
	uint64_t low, extent;

	image_extent(img, &low, &extent);
	return extent <= (uint64_t)INT32_MAX + 1;
}

/* Byte @offset of @part; a part of size 0 has none. */
static uint8_t *part_byte(const struct tn_part *part, uint64_t offset)
{
	return part->write != NULL ? part->write + offset : NULL;
}

static void place_sections(struct tn_load *l)
{
	for (uint32_t i = 1; i < l->nsections; i++) {
		struct section *sec = &l->sections[i];

		if (sec->part == NO_PART)
			continue;
		const struct tn_part *part = &l->image.part[sec->part];

		sec->addr = part->addr + sec->offset;
		sec->write = part_byte(part, sec->offset);
	}
}

/* The number of deletions of @sec that start before @offset. */
static uint32_t count_before(
    const struct tn_load *l, const struct section *sec, uint64_t offset)
{
	uint32_t low = 0, high = sec->nshrink;

	while (low < high) {
		const uint32_t mid = low + (high - low) / 2;

		if (l->shrinks[sec->shrink + mid].at < offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

uint64_t shrink_map_search(
    const struct tn_load *l, const struct section *sec, uint64_t offset)
{
	const uint32_t n = count_before(l, sec, offset);

	if (n == 0)
		return offset;
	const struct shrink *s = &l->shrinks[sec->shrink + n - 1];
	const uint64_t inside =
	    offset - s->at < s->count ? offset - s->at : s->count;

	return offset - s->before - inside;
}

/* A symbol defined in a section: usable when that is loaded. */
static void place_symbol(struct tn_load *l, uint32_t i, uint32_t shndx)
{
	struct symbol *sym = &l->symbols[i];

	if (UNLIKELY(
		shndx >= l->nsections || l->sections[shndx].part == NO_PART)) {
		sym->flags = SYM_UNUSABLE;
		return;
	}
	const struct section *sec = &l->sections[shndx];

	sym->value = sec->addr + shrink_map(l, sec, l->symtab.syms[i].st_value);
	sym->flags = SYM_FIXED;
}

static void place_symbols(struct tn_load *l)
{
	for (uint32_t i = 1; i < l->symtab.n; i++) {
		const uint32_t shndx = l->symtab.syms[i].st_shndx;

		if (LIKELY((shndx != SHN_UNDEF && shndx < SHN_LORESERVE) ||
			   shndx == SHN_XINDEX))
			place_symbol(l, i, elf_symtab_section(&l->symtab, i));
		else if (shndx == SHN_COMMON)
			l->symbols[i].value += l->common_addr;
	}
}

/* Cuts the reserved tails down to what is used. */
static void trim(struct tn_load *l)
{
	struct tn_part *text = &l->image.part[TN_TEXT];
	struct tn_part *data = &l->image.part[TN_DATA];
	const size_t was = text->size + data->size;

	if (count_refs(l, REF_BRANCH) != 0)
		text->size = (size_t)l->stubs_offset +
			     (size_t)l->nstubs * l->machine->stub_size;
	if (l->nrefs != 0)
		data->size = (size_t)l->cells_offset + (size_t)l->ncells * 8;
	if (text->size + data->size != was)
		l->port->image_trim(l->port->ctx, &l->image);
}

int load_place(struct tn_load *l)
{
	const struct tn_part *text = &l->image.part[TN_TEXT];
	const struct tn_part *data = &l->image.part[TN_DATA];

	l->stage = TN_STAGE_PLAN;
	if (!is_within_span(&l->image))
		return load_fail(l, TN_REASON_PLACEMENT)->error;
	l->stubs_addr = text->addr + l->stubs_offset;
	l->stubs_write = part_byte(text, l->stubs_offset);
	l->cells_addr = data->addr + l->cells_offset;
	l->cells_write = part_byte(data, l->cells_offset);
	l->common_addr = data->addr + l->common_offset;
	place_sections(l);
	place_symbols(l);
	if (l->got_symbol != 0)
		l->symbols[l->got_symbol].value = l->cells_addr;
	refs_decide(l);
	trim(l);
	return 0;
}

/*
 * How much of each part has been written: the gaps between sections are
 * cleared as they are passed, the rest at the end, and nothing twice.
 */
struct cursor {
	size_t at[TN_PART_KINDS];
};

static void clear_to(const struct tn_part *part, size_t *at, size_t end)
{
	if (end > *at) {
		memset(part->write + *at, 0, end - *at);
		*at = end;
	}
}

static void copy_sections(struct tn_load *l, struct cursor *done)
{
	for (uint32_t i = 1; i < l->nsections; i++) {
		const struct section *sec = &l->sections[i];
		const struct span s = elf_section_bytes(&l->elf, i);

		if (sec->part == NO_PART || s.n == 0)
			continue;
		size_t *at = &done->at[sec->part];

		clear_to(&l->image.part[sec->part], at, (size_t)sec->offset);
		if (sec->nshrink == 0)
			memcpy(sec->write, s.p, s.n);
		else
			l->relaxing->copy(l, sec, s);
		*at = (size_t)(sec->offset + sec->size);
	}
}

int load_copy(struct tn_load *l)
{
	struct cursor done = { { 0 } };

	copy_sections(l, &done);
	for (unsigned i = 0; i < l->image.nparts; i++)
		clear_to(&l->image.part[i], &done.at[i], l->image.part[i].size);
	return refs_write(l);
}

uint8_t *load_image_at(const struct tn_load *l, uint64_t addr, uint64_t size)
{
	const struct tn_part *p = image_part_with(&l->image, addr, size);

	return p != NULL && p->write != NULL ? p->write + (addr - p->addr)
					     : NULL;
}

bool load_is_text(const struct tn_load *l, uint64_t addr, bool resident)
{
	const struct tn_part *p = image_part_with(&l->image, addr, 1);

	return p != NULL &&
	       (p->kind == TN_TEXT || (p->kind == TN_INIT_TEXT && !resident));
}
