/* SPDX-License-Identifier: MIT */
/*
 * Files for gdb, of one module each: symfile.h. Modules' files are hostile:
 * symcheck.c looks before anything here does.
 */
#include "symfile.h"

#include <stdlib.h>
#include <string.h>

#include <tenon/link.h>

#include "elfview.h"
#include "symcheck.h"

static Elf64_Shdr *section_to_change(const struct symfile *f, unsigned i)
{
	const Elf64_Ehdr *eh = f->data;

	return (Elf64_Shdr *)(void *)((char *)f->data + eh->e_shoff) + i;
}

static void note_init(struct symfile *f, const Elf64_Shdr *sh)
{
	if (!is_code(sh) || !is_init(f->data, sh))
		return;
	if (f->init_high == 0 || sh->sh_addr < f->init_low)
		f->init_low = sh->sh_addr;
	if (sh->sh_addr + sh->sh_size > f->init_high)
		f->init_high = sh->sh_addr + sh->sh_size;
}

void symfile_init(struct symfile *f, const struct tn_linked *file)
{
	struct tn_linked_section sec;
	struct tn_linked_file info;
	uint32_t at = 0;

	*f = (struct symfile){ 0 };
	tn_linked_file(file, &info);
	f->data = info.is_shared ? NULL : malloc(info.data_size);
	if (!f->data)
		return;
	memcpy(f->data, info.data, info.data_size);
	f->size = info.data_size;
	if (!symcheck_headers(f->data, f->size)) {
		symfile_fini(f);
		return;
	}
	while (tn_linked_section(file, &at, &sec)) {
		section_to_change(f, at)->sh_addr = sec.addr;
		note_init(f, section_of(f->data, at));
	}
	f->joins = symcheck_join(f->data, f->size);
}

bool symfile_is_over(const struct symfile *f, const struct symfile *later)
{
	const Elf64_Ehdr *eh = later->data;

	for (unsigned i = 1; i < eh->e_shnum; i++) {
		const Elf64_Shdr *sh = section_of(later->data, i);

		if (is_code(sh) && sh->sh_addr < f->init_high &&
		    f->init_low < sh->sh_addr + sh->sh_size)
			return true;
	}
	return false;
}

void symfile_drop_init(struct symfile *f)
{
	const Elf64_Ehdr *eh = f->data;

	for (unsigned i = 1; i < eh->e_shnum; i++) {
		Elf64_Shdr *sh = section_to_change(f, i);

		if (!is_init(f->data, sh))
			continue;
		sh->sh_addr = 0;
		sh->sh_flags &= ~(Elf64_Xword)SHF_ALLOC;
	}
	f->init_low = 0;
	f->init_high = 0;
}

void symfile_fini(struct symfile *f)
{
	free(f->data);
	f->data = NULL;
}
