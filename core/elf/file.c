/* SPDX-License-Identifier: MIT */
/*
 * Opening an ELF file: every header is checked here, once, before any other
 * code follows an offset in it. The checks are the rows of gABI chapter 4
 * that later stages rely on; what they do not rely on is not checked.
 */
#include <elf/file.h>

#include <base/overflow.h>
#include <base/string.h>

static bool fail(struct elf_where *where, enum elf_fault fault,
    uint32_t section, uint64_t value)
{
	where->fault = fault;
	where->section = section;
	where->value = value;
	return false;
}

static bool check_ident(const struct elf_ehdr *eh, struct elf_where *where)
{
	static const uint8_t magic[4] = { 0x7f, 'E', 'L', 'F' };

	if (memcmp(eh->e_ident, magic, sizeof(magic)) != 0)
		return fail(where, ELF_NOT_ELF, 0, get_le32(eh->e_ident));
	if (eh->e_ident[EI_CLASS] != ELFCLASS64)
		return fail(where, ELF_WRONG_CLASS, 0, eh->e_ident[EI_CLASS]);
	if (eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return fail(where, ELF_WRONG_ENDIAN, 0, eh->e_ident[EI_DATA]);
	if (eh->e_ident[EI_VERSION] != EV_CURRENT ||
	    eh->e_version != EV_CURRENT)
		return fail(where, ELF_WRONG_VERSION, 0, eh->e_version);
	return true;
}

static bool check_header(
    const struct elf_ehdr *eh, unsigned machine, struct elf_where *where)
{
	if (!check_ident(eh, where))
		return false;
	if (eh->e_type != ET_REL && eh->e_type != ET_DYN)
		return fail(where, ELF_WRONG_TYPE, 0, eh->e_type);
	if (machine != 0 && eh->e_machine != machine)
		return fail(where, ELF_WRONG_MACHINE, 0, eh->e_machine);
	if (eh->e_ehsize != sizeof(struct elf_ehdr))
		return fail(where, ELF_BAD_HEADER, 0, eh->e_ehsize);
	if (eh->e_shoff != 0 && eh->e_shentsize != sizeof(struct elf_shdr))
		return fail(where, ELF_BAD_HEADER, 0, eh->e_shentsize);
	if (eh->e_phnum != 0 && eh->e_phentsize != sizeof(struct elf_phdr))
		return fail(where, ELF_BAD_HEADER, 0, eh->e_phentsize);
	return true;
}

/* The table of @n entries of @entry bytes at @off, 8-byte aligned. */
static bool table_at(struct span bytes, uint64_t off, uint64_t n,
    uint64_t entry, struct span *out)
{
	uint64_t size;

	return u64_mul(n, entry, &size) && off % 8 == 0 &&
	       span_sub(bytes, off, size, out);
}

static bool find_tables(struct elf_file *f, struct elf_where *where)
{
	const struct elf_ehdr *eh = f->ehdr;
	struct span t;

	if (eh->e_shoff != 0) {
		if (!table_at(
			f->bytes, eh->e_shoff, 1, sizeof(struct elf_shdr), &t))
			return fail(where, ELF_SECTION_TABLE, 0, eh->e_shoff);
		f->sections = (const struct elf_shdr *)(const void *)t.p;
		/* gABI: 0 means that the count is in section 0's sh_size. */
		const uint64_t n =
		    eh->e_shnum != 0 ? eh->e_shnum : f->sections[0].sh_size;

		if (n > UINT32_MAX || !table_at(f->bytes, eh->e_shoff, n,
					  sizeof(struct elf_shdr), &t))
			return fail(where, ELF_SECTION_TABLE, 0, n);
		f->nsections = (uint32_t)n;
	}
	if (eh->e_phnum != 0) {
		if (!table_at(f->bytes, eh->e_phoff, eh->e_phnum,
			sizeof(struct elf_phdr), &t))
			return fail(where, ELF_SEGMENT_TABLE, 0, eh->e_phoff);
		f->segments = (const struct elf_phdr *)(const void *)t.p;
		f->nsegments = eh->e_phnum;
	}
	return true;
}

static bool is_string_table(const struct elf_file *f, uint32_t i)
{
	return i != 0 && i < f->nsections &&
	       f->sections[i].sh_type == SHT_STRTAB;
}

static bool find_names(struct elf_file *f, struct elf_where *where)
{
	uint32_t i = f->ehdr->e_shstrndx;

	if (f->nsections == 0)
		return true;
	if (i == SHN_XINDEX)
		i = f->sections[0].sh_link;
	if (!is_string_table(f, i))
		return fail(where, ELF_SECTION_LINK, 0, i);
	const struct elf_shdr *sh = &f->sections[i];

	if (!span_sub(f->bytes, sh->sh_offset, sh->sh_size, &f->names))
		return fail(where, ELF_SECTION_BOUNDS, i, sh->sh_offset);
	return true;
}

static bool check_string_table(
    const struct elf_file *f, uint32_t i, struct elf_where *where)
{
	const struct span s = elf_section_bytes(f, i);

	if (s.n != 0 && s.p[s.n - 1] != '\0')
		return fail(where, ELF_STRING_TABLE, i, s.n);
	return true;
}

static bool check_table(const struct elf_file *f, uint32_t i, uint64_t entry,
    struct elf_where *where)
{
	const struct elf_shdr *sh = &f->sections[i];

	if (sh->sh_entsize != entry || sh->sh_size % entry != 0)
		return fail(where, ELF_ENTRY_SIZE, i, sh->sh_entsize);
	if (sh->sh_offset % 8 != 0)
		return fail(where, ELF_MISALIGNED, i, sh->sh_offset);
	return true;
}

static bool check_symbols(
    const struct elf_file *f, uint32_t i, struct elf_where *where)
{
	if (!check_table(f, i, sizeof(struct elf_sym), where))
		return false;
	if (!is_string_table(f, f->sections[i].sh_link))
		return fail(where, ELF_SECTION_LINK, i, f->sections[i].sh_link);
	return true;
}

static bool check_relocations(
    const struct elf_file *f, uint32_t i, struct elf_where *where)
{
	const struct elf_shdr *sh = &f->sections[i];

	if (!check_table(f, i, sizeof(struct elf_rela), where))
		return false;
	if (sh->sh_link >= f->nsections || sh->sh_info >= f->nsections)
		return fail(where, ELF_SECTION_LINK, i, sh->sh_info);
	return true;
}

static bool check_section(
    const struct elf_file *f, uint32_t i, struct elf_where *where)
{
	const struct elf_shdr *sh = &f->sections[i];
	struct span bytes;

	if (i == 0 && sh->sh_type != SHT_NULL)
		return fail(where, ELF_SECTION_TABLE, 0, sh->sh_type);
	if (sh->sh_name >= f->names.n)
		return fail(where, ELF_SECTION_NAME, i, sh->sh_name);
	if (sh->sh_addralign > 1 &&
	    (!is_pow2(sh->sh_addralign) || sh->sh_addralign > ELF_MAX_ALIGN))
		return fail(where, ELF_SECTION_ALIGN, i, sh->sh_addralign);
	if (sh->sh_type == SHT_NULL || sh->sh_type == SHT_NOBITS)
		return true;
	if (!span_sub(f->bytes, sh->sh_offset, sh->sh_size, &bytes))
		return fail(where, ELF_SECTION_BOUNDS, i, sh->sh_offset);
	switch (sh->sh_type) {
	case SHT_STRTAB: return check_string_table(f, i, where);
	case SHT_SYMTAB:
	case SHT_DYNSYM: return check_symbols(f, i, where);
	case SHT_RELA: return check_relocations(f, i, where);
	default: return true;
	}
}

static bool check_segment(
    const struct elf_file *f, uint32_t i, struct elf_where *where)
{
	const struct elf_phdr *ph = &f->segments[i];
	struct span bytes;
	uint64_t end;

	if (!span_sub(f->bytes, ph->p_offset, ph->p_filesz, &bytes))
		return fail(where, ELF_SEGMENT_BOUNDS, 0, ph->p_offset);
	if (ph->p_type != PT_LOAD)
		return true;
	if (ph->p_filesz > ph->p_memsz ||
	    !u64_add(ph->p_vaddr, ph->p_memsz, &end))
		return fail(where, ELF_SEGMENT_BOUNDS, 0, ph->p_memsz);
	if (ph->p_align > 1 &&
	    (!is_pow2(ph->p_align) || ph->p_align > ELF_MAX_ALIGN ||
		(ph->p_vaddr - ph->p_offset) % ph->p_align != 0))
		return fail(where, ELF_SECTION_ALIGN, 0, ph->p_align);
	return true;
}

bool elf_open(struct elf_file *f, struct span bytes, unsigned machine,
    struct elf_where *where)
{
	*f = (struct elf_file){ .bytes = bytes };
	if (bytes.n < sizeof(struct elf_ehdr))
		return fail(where, ELF_TRUNCATED, 0, bytes.n);
	if ((uintptr_t)bytes.p % 8 != 0)
		return fail(where, ELF_MISALIGNED, 0, (uintptr_t)bytes.p % 8);
	f->ehdr = (const struct elf_ehdr *)(const void *)bytes.p;
	if (!check_header(f->ehdr, machine, where) || !find_tables(f, where) ||
	    !find_names(f, where))
		return false;
	for (uint32_t i = 0; i < f->nsections; i++)
		if (!check_section(f, i, where))
			return false;
	for (uint32_t i = 0; i < f->nsegments; i++)
		if (!check_segment(f, i, where))
			return false;
	return true;
}

const char *elf_section_name(const struct elf_file *f, uint32_t i)
{
	return (const char *)f->names.p + f->sections[i].sh_name;
}

struct span elf_section_bytes(const struct elf_file *f, uint32_t i)
{
	const struct elf_shdr *sh = &f->sections[i];
	struct span s;

	if (sh->sh_type != SHT_NOBITS && sh->sh_type != SHT_NULL &&
	    span_sub(f->bytes, sh->sh_offset, sh->sh_size, &s))
		return s;
	return (struct span){ NULL, 0 };
}

uint32_t elf_section_find(const struct elf_file *f, const char *name)
{
	for (uint32_t i = 1; i < f->nsections; i++)
		if (str_eq(elf_section_name(f, i), name))
			return i;
	return 0;
}

static const uint32_t *find_shndx(const struct elf_file *f, uint32_t symtab)
{
	for (uint32_t i = 1; i < f->nsections; i++) {
		const struct elf_shdr *sh = &f->sections[i];

		if (sh->sh_type == SHT_SYMTAB_SHNDX && sh->sh_link == symtab &&
		    sh->sh_offset % 4 == 0 &&
		    sh->sh_size / 4 >=
			f->sections[symtab].sh_size / sizeof(struct elf_sym))
			return (
			    const uint32_t *)(const void *)elf_section_bytes(f,
			    i)
			    .p;
	}
	return NULL;
}

bool elf_symtab_open(const struct elf_file *f, unsigned type,
    struct elf_symtab *tab, struct elf_where *where)
{
	*tab = (struct elf_symtab){ 0 };
	for (uint32_t i = 1; i < f->nsections; i++) {
		if (f->sections[i].sh_type != type)
			continue;
		const struct span s = elf_section_bytes(f, i);
		const uint64_t n = s.n / sizeof(struct elf_sym);

		if (n > UINT32_MAX)
			return fail(where, ELF_TOO_MANY, i, n);
		tab->syms = (const struct elf_sym *)(const void *)s.p;
		tab->n = (uint32_t)n;
		tab->strings = elf_section_bytes(f, f->sections[i].sh_link);
		tab->shndx = find_shndx(f, i);
		tab->section = i;
		return true;
	}
	return true;
}
