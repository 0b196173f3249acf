/* SPDX-License-Identifier: MIT */
/*
 * elf_open over any bytes, and every view of a file that it accepts: all that
 * a view hands out must lie in the file.
 */
#include "kit.h"

#include <elf/file.h>
#include <elf/names.h>
#include <elf/tables.h>

static void walk_sections(const struct elf_file *file)
{
	for (uint32_t i = 0; i < file->nsections; i++) {
		const struct span bytes = elf_section_bytes(file, i);
		const char *name = elf_section_name(file, i);
		struct span rest = bytes;
		struct elf_note note;
		const char *entry;

		touch(bytes.p, bytes.n);
		touch_string(name);
		if (i != 0)
			FUZZ_CHECK(elf_section_find(file, name) <= i);
		while (elf_note_next(&rest, &note)) {
			touch(note.name.p, note.name.n);
			touch(note.desc.p, note.desc.n);
		}
		rest = bytes;
		while (elf_modinfo_next(&rest, &entry))
			touch_string(entry);
	}
}

static void walk_symbols(const struct elf_file *file, unsigned type)
{
	struct elf_symtab tab;
	struct elf_where where;

	if (!elf_symtab_open(file, type, &tab, &where)) {
		touch_string(elf_fault_text(where.fault));
		return;
	}
	for (uint32_t i = 0; i < tab.n; i++) {
		touch(&tab.syms[i], sizeof(tab.syms[i]));
		touch_string(elf_symtab_name(&tab, i));
		(void)elf_symtab_section(&tab, i);
		(void)elf_symtab_is_reserved(&tab, i);
	}
}

static void walk_dynamic(const struct elf_file *file)
{
	struct elf_dynamic dyn;
	struct elf_names names;
	struct elf_where where;
	struct span bytes;

	if (!elf_dynamic_open(file, &dyn, &where)) {
		touch_string(elf_fault_text(where.fault));
		return;
	}
	elf_names_open(&names, file, &dyn);
	for (uint32_t i = 0; i < dyn.symtab.n; i++) {
		const char *name = elf_symtab_name(&dyn.symtab, i);

		touch_string(name);
		/* of a few: chains may be long */
		if (name != NULL && (i & (i - 1)) == 0)
			(void)elf_names_find(&names, name);
	}
	touch(dyn.rela, dyn.nrela * sizeof(*dyn.rela));
	touch(dyn.jmprel, dyn.njmprel * sizeof(*dyn.jmprel));
	for (uint32_t i = 0; i < dyn.nentries; i++) {
		const struct elf_dyn *d = &dyn.entries[i];

		touch_string(elf_dynamic_string(&dyn, d->d_val));
		if (elf_image_bytes(file, d->d_val, 16, &bytes))
			touch(bytes.p, bytes.n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_file file;
	struct elf_where where;

	if (!elf_open(&file, (struct span){ data, size }, 0, &where)) {
		touch_string(elf_fault_text(where.fault));
		return 0;
	}
	touch(file.sections, file.nsections * sizeof(*file.sections));
	touch(file.segments, file.nsegments * sizeof(*file.segments));
	walk_sections(&file);
	walk_symbols(&file, SHT_SYMTAB);
	walk_symbols(&file, SHT_DYNSYM);
	walk_dynamic(&file);
	return 0;
}
