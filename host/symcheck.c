/* SPDX-License-Identifier: MIT */
/*
 * Checks of hostile debug information: symcheck.h. Sizes are compared by
 * subtraction, so that no sum can overflow.
 */
#include "symcheck.h"

#include <stdint.h>

#include "elfview.h"

#define MAX_CODE 200 /* sections of code of a module that joins */

struct file {
	const void *data;
	size_t size;
	unsigned nsections, symtab;
	size_t nsymbols;
	uint64_t copied; /* bytes that joining copies: no more than there are */
};

static bool is_inside(size_t size, const Elf64_Shdr *sh)
{
	return sh->sh_offset <= size && sh->sh_size <= size - sh->sh_offset;
}

/* Strings that end inside of it. */
static bool is_strings(const void *data, size_t size, const Elf64_Shdr *sh)
{
	return sh->sh_type == SHT_STRTAB && is_inside(size, sh) &&
	       sh->sh_size != 0 && bytes_of(data, sh)[sh->sh_size - 1] == '\0';
}

static bool is_table(size_t size, const Elf64_Shdr *sh, size_t entry)
{
	return is_inside(size, sh) && sh->sh_offset % 8 == 0 &&
	       sh->sh_entsize == entry && sh->sh_size % entry == 0;
}

bool symcheck_headers(const void *data, size_t size)
{
	const Elf64_Ehdr *eh = data;
	const Elf64_Shdr *names;

	if (size < sizeof(*eh) || eh->e_shnum == 0 ||
	    eh->e_shentsize != sizeof(*names) || eh->e_shoff % 8 != 0 ||
	    eh->e_shoff > size ||
	    eh->e_shnum > (size - eh->e_shoff) / sizeof(*names) ||
	    eh->e_shstrndx >= eh->e_shnum)
		return false;
	names = section_of(data, eh->e_shstrndx);
	if (!is_strings(data, size, names))
		return false;
	for (unsigned i = 0; i < eh->e_shnum; i++)
		if (section_of(data, i)->sh_name >= names->sh_size)
			return false;
	return true;
}

static bool count_copied(struct file *f, const Elf64_Shdr *sh)
{
	if (sh->sh_size > f->size - f->copied)
		return false;
	f->copied += sh->sh_size;
	return true;
}

static bool check_symbols(struct file *f)
{
	const Elf64_Shdr *sh = section_of(f->data, f->symtab), *strings;
	const Elf64_Sym *sym;

	if (f->symtab == 0 || !is_table(f->size, sh, sizeof(*sym)) ||
	    sh->sh_link >= f->nsections)
		return false;
	strings = section_of(f->data, sh->sh_link);
	if (!is_strings(f->data, f->size, strings))
		return false;
	sym = (const Elf64_Sym *)(const void *)bytes_of(f->data, sh);
	f->nsymbols = sh->sh_size / sizeof(*sym);
	for (size_t i = 0; i < f->nsymbols; i++) {
		const unsigned at = sym[i].st_shndx;

		if (sym[i].st_name >= strings->sh_size ||
		    (at >= f->nsections && at != SHN_ABS && at != SHN_COMMON))
			return false;
	}
	return f->nsymbols != 0 && count_copied(f, sh) &&
	       count_copied(f, strings);
}

/* Those of other sections are not followed. */
static bool check_relas(struct file *f, const Elf64_Shdr *sh)
{
	const Elf64_Shdr *to;
	const Elf64_Rela *r;

	if (sh->sh_info >= f->nsections)
		return false;
	to = section_of(f->data, sh->sh_info);
	if (!is_debug(f->data, to))
		return true;
	if (sh->sh_link != f->symtab || !is_table(f->size, sh, sizeof(*r)))
		return false;
	r = (const Elf64_Rela *)(const void *)bytes_of(f->data, sh);
	for (size_t i = 0; i < sh->sh_size / sizeof(*r); i++)
		if (ELF64_R_SYM(r[i].r_info) >= f->nsymbols ||
		    r[i].r_offset > to->sh_size)
			return false;
	return count_copied(f, sh);
}

static bool check_section(struct file *f, const Elf64_Shdr *sh)
{
	if (sh->sh_type == SHT_SYMTAB_SHNDX || sh->sh_type == SHT_REL)
		return false;
	if (sh->sh_type == SHT_RELA && !check_relas(f, sh))
		return false;
	return !is_debug(f->data, sh) ||
	       ((sh->sh_flags & SHF_COMPRESSED) == 0 &&
		   is_inside(f->size, sh) && count_copied(f, sh));
}

bool symcheck_join(const void *data, size_t size)
{
	struct file f = { .data = data,
		.size = size,
		.nsections = ((const Elf64_Ehdr *)data)->e_shnum,
		.symtab = symtab_of(data) };
	unsigned code = 0;

	if (!check_symbols(&f))
		return false;
	for (unsigned i = 1; i < f.nsections; i++) {
		const Elf64_Shdr *sh = section_of(data, i);

		code += is_code(sh);
		if (!check_section(&f, sh))
			return false;
	}
	return code <= MAX_CODE;
}
