/* SPDX-License-Identifier: MIT */
/*
 * A linked image as an ET_EXEC file:
 *
 *   ehdr | phdrs | parts, each page-congruent | .symtab | .strtab |
 *   .shstrtab | section headers
 *
 * Each part is written whole, so section contents lie where their addresses
 * say; a section without bytes stays SHT_NOBITS although the file holds its
 * zeroes. All tables are built in growing buffers and written once.
 */
#include "image_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/overflow.h>
#include <elf/abi.h>

#define PAGE 4096u

/* A growing byte buffer; once .failed, everything else is a no-op. */
struct buffer {
	uint8_t *p;
	size_t n, cap;
	bool failed;
};

static size_t buffer_add(struct buffer *b, const void *data, size_t n)
{
	const size_t at = b->n;

	if (n == 0)
		return at;
	if (b->cap - b->n < n) {
		const size_t cap = b->cap * 2 + n;
		uint8_t *more = realloc(b->p, cap);

		if (more == NULL) {
			b->failed = true;
			return at;
		}
		b->p = more;
		b->cap = cap;
	}
	if (data != NULL)
		memcpy(b->p + b->n, data, n);
	else
		memset(b->p + b->n, 0, n);
	b->n += n;
	return at;
}

static void buffer_pad(struct buffer *b, size_t align, size_t phase)
{
	while (!b->failed && b->n % align != phase)
		(void)buffer_add(b, NULL, 1);
}

static uint32_t add_string(struct buffer *b, const char *s)
{
	return (uint32_t)buffer_add(b, s, strlen(s) + 1);
}

struct writer {
	const struct tn_linked *linked;
	struct buffer file;
	struct buffer sections; /* struct elf_shdr */
	struct buffer names;
	struct buffer symbols, strings;
	struct buffer wide; /* the symbols' sections that need 32 bits */
	size_t part_offset[TN_MAX_PARTS];
	uint32_t nsections;
	uint32_t *out_index; /* by input section */
	uint32_t max_index;
	uint32_t extra_index[3]; /* by enum tn_linked_extra */
};

static uint32_t add_section(struct writer *w, const struct elf_shdr *sh)
{
	(void)buffer_add(&w->sections, sh, sizeof(*sh));
	return w->nsections++;
}

/* --- parts and program headers */

static unsigned segment_flags(unsigned kind)
{
	switch (kind) {
	case TN_TEXT:
	case TN_INIT_TEXT: return PF_R | PF_X;
	case TN_RODATA:
	case TN_INIT_RODATA: return PF_R;
	default: return PF_R | PF_W;
	}
}

static unsigned count_segments(const struct tn_image *img)
{
	unsigned n = 0;

	for (unsigned i = 0; i < img->nparts; i++)
		n += img->part[i].size != 0;
	return n;
}

static void write_parts(struct writer *w)
{
	const struct tn_image *img = tn_linked_image(w->linked);
	size_t at = sizeof(struct elf_ehdr);

	(void)buffer_add(
	    &w->file, NULL, at + count_segments(img) * sizeof(struct elf_phdr));
	for (unsigned i = 0; i < img->nparts && !w->file.failed; i++) {
		const struct tn_part *p = &img->part[i];

		if (p->size == 0)
			continue;
		buffer_pad(&w->file, PAGE, p->addr % PAGE);
		w->part_offset[i] = buffer_add(&w->file, p->write, p->size);
		const struct elf_phdr ph = {
			.p_type = PT_LOAD,
			.p_flags = segment_flags(p->kind),
			.p_offset = w->part_offset[i],
			.p_vaddr = p->addr,
			.p_paddr = p->addr,
			.p_filesz = p->size,
			.p_memsz = p->size,
			.p_align = PAGE,
		};
		if (!w->file.failed)
			memcpy(w->file.p + at, &ph, sizeof(ph));
		at += sizeof(ph);
	}
}

/* --- sections */

static uint64_t file_offset(const struct writer *w, uint64_t addr)
{
	const struct tn_image *img = tn_linked_image(w->linked);

	for (unsigned i = 0; i < img->nparts; i++) {
		const struct tn_part *p = &img->part[i];

		if (p->size != 0 && addr - p->addr <= p->size)
			return w->part_offset[i] + (addr - p->addr);
	}
	return 0;
}

static uint32_t write_section(
    struct writer *w, const struct tn_linked_section *s)
{
	/* What only a linker may interpret does not describe an image. */
	const uint64_t keep = SHF_WRITE | SHF_ALLOC | SHF_EXECINSTR;
	const struct elf_shdr sh = {
		.sh_name = add_string(&w->names, s->name),
		.sh_type = s->bytes == NULL ? SHT_NOBITS : SHT_PROGBITS,
		.sh_flags = s->flags & keep,
		.sh_addr = s->addr,
		.sh_offset = file_offset(w, s->addr),
		.sh_size = s->size,
		.sh_addralign = s->align,
	};

	return add_section(w, &sh);
}

static bool write_sections(struct writer *w)
{
	struct tn_linked_section s;
	uint32_t at = 0;

	while (tn_linked_section(w->linked, &at, &s))
		w->max_index = s.index > w->max_index ? s.index : w->max_index;
	w->out_index = calloc((size_t)w->max_index + 1, sizeof(uint32_t));
	if (w->out_index == NULL)
		return false;
	at = 0;
	while (tn_linked_section(w->linked, &at, &s))
		w->out_index[s.index] = write_section(w, &s);
	for (unsigned i = 0; i < 3; i++)
		if (tn_linked_extra(w->linked, (enum tn_linked_extra)i, &s))
			w->extra_index[i] = write_section(w, &s);
	return true;
}

/* --- symbols */

/* The number of its section, or 0 when it is absolute. */
static uint32_t symbol_section(
    const struct writer *w, const struct tn_linked_symbol *s)
{
	if (s->is_common)
		return w->extra_index[TN_LINKED_COMMON];
	return s->section != 0 && s->section <= w->max_index
		   ? w->out_index[s->section]
		   : 0;
}

static void write_symbol(struct writer *w, const struct tn_linked_symbol *s)
{
	const uint32_t section = symbol_section(w, s);
	const uint32_t wide = section < SHN_LORESERVE ? 0 : section;
	const struct elf_sym sym = {
		.st_name =
		    *s->name != '\0' ? add_string(&w->strings, s->name) : 0,
		.st_info = s->info,
		.st_other = s->other,
		.st_shndx = (uint16_t)(wide != 0      ? SHN_XINDEX
				       : section == 0 ? SHN_ABS
						      : section),
		.st_value = s->value,
		.st_size = s->size,
	};

	(void)buffer_add(&w->symbols, &sym, sizeof(sym));
	(void)buffer_add(&w->wide, &wide, sizeof(wide));
}

/* One pass for local symbols, one for the rest: ELF wants locals first. */
static uint32_t write_symbols(struct writer *w)
{
	struct tn_linked_symbol s;
	uint32_t nlocal = 0;

	(void)buffer_add(&w->symbols, NULL, sizeof(struct elf_sym));
	(void)buffer_add(&w->wide, NULL, sizeof(uint32_t));
	(void)buffer_add(&w->strings, NULL, 1);
	for (unsigned pass = 0; pass < 2; pass++) {
		for (uint32_t i = 1; tn_linked_symbol(w->linked, i, &s); i++) {
			if ((s.info >> 4 == STB_LOCAL) != (pass == 0) ||
			    (s.info & 15) == STT_FILE)
				continue;
			write_symbol(w, &s);
		}
		if (pass == 0)
			nlocal =
			    (uint32_t)(w->symbols.n / sizeof(struct elf_sym));
	}
	return nlocal;
}

/* --- the file */

static void add_table(struct writer *w, const struct buffer *b,
    struct elf_shdr *sh, const char *name)
{
	buffer_pad(&w->file, 8, 0);
	sh->sh_name = add_string(&w->names, name);
	sh->sh_offset = buffer_add(&w->file, b->p, b->n);
	sh->sh_size = b->n;
	(void)add_section(w, sh);
}

static void write_tables(struct writer *w)
{
	const uint32_t nlocal = write_symbols(w);
	struct elf_shdr symtab = {
		.sh_type = SHT_SYMTAB,
		.sh_link = w->nsections + 1,
		.sh_info = nlocal,
		.sh_addralign = 8,
		.sh_entsize = sizeof(struct elf_sym),
	};
	struct elf_shdr wide = {
		.sh_type = SHT_SYMTAB_SHNDX,
		.sh_link = w->nsections,
		.sh_addralign = 4,
		.sh_entsize = sizeof(uint32_t),
	};
	struct elf_shdr strtab = { .sh_type = SHT_STRTAB, .sh_addralign = 1 };
	struct elf_shdr shstr = { .sh_type = SHT_STRTAB, .sh_addralign = 1 };

	add_table(w, &w->symbols, &symtab, ".symtab");
	add_table(w, &w->strings, &strtab, ".strtab");
	if (w->nsections > SHN_LORESERVE)
		add_table(w, &w->wide, &wide, ".symtab_shndx");
	shstr.sh_name = add_string(&w->names, ".shstrtab");
	shstr.sh_offset = buffer_add(&w->file, w->names.p, w->names.n);
	shstr.sh_size = w->names.n;
	(void)add_section(w, &shstr);
}

static void write_header(struct writer *w)
{
	struct tn_linked_file file;

	tn_linked_file(w->linked, &file);
	buffer_pad(&w->file, 8, 0);
	const size_t shoff = buffer_add(&w->file, w->sections.p, w->sections.n);
	const struct elf_ehdr eh = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
		    EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = (uint16_t)file.machine,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(eh),
		.e_shoff = shoff,
		.e_flags = file.eflags,
		.e_ehsize = sizeof(eh),
		.e_phentsize = sizeof(struct elf_phdr),
		.e_phnum = (uint16_t)count_segments(tn_linked_image(w->linked)),
		.e_shentsize = sizeof(struct elf_shdr),
		/* gABI: too many sections are counted in section 0 */
		.e_shnum =
		    (uint16_t)(w->nsections < SHN_LORESERVE ? w->nsections : 0),
		.e_shstrndx =
		    (uint16_t)(w->nsections < SHN_LORESERVE ? w->nsections - 1
							    : SHN_XINDEX),
	};

	if (w->file.failed || w->sections.failed)
		return;
	memcpy(w->file.p, &eh, sizeof(eh));
	if (w->nsections >= SHN_LORESERVE) {
		struct elf_shdr first = { .sh_size = w->nsections,
			.sh_link = w->nsections - 1 };

		memcpy(w->file.p + shoff, &first, sizeof(first));
	}
}

bool image_file_write(FILE *f, const struct tn_linked *linked)
{
	struct writer w = { .linked = linked };
	const struct elf_shdr null_section = { 0 };
	bool ok = false;

	(void)add_section(&w, &null_section);
	(void)buffer_add(&w.names, NULL, 1);
	write_parts(&w);
	if (write_sections(&w)) {
		write_tables(&w);
		write_header(&w);
		ok = !w.file.failed && !w.sections.failed && !w.names.failed &&
		     !w.symbols.failed && !w.wide.failed && !w.strings.failed;
	}
	if (ok)
		(void)fwrite(w.file.p, 1, w.file.n, f); /* ferror says it */
	free(w.file.p);
	free(w.sections.p);
	free(w.names.p);
	free(w.symbols.p);
	free(w.wide.p);
	free(w.strings.p);
	free(w.out_index);
	return ok;
}
