/* SPDX-License-Identifier: MIT */
/*
 * What is read from a file before anything is laid out: ELF headers, machine,
 * symbol table, profile note, name. docs/module-format.md is the
 * specification.
 */
#include "load.h"

#include <base/sort.h>
#include <base/string.h>
#include <elf/tables.h>
#include <tenon/version.h>

#define NOTE_TYPE    1u
#define NOTE_VERSION 1u

/* The descriptor of .note.tenon. */
struct note_desc {
	uint32_t version;
	uint32_t profile;
	uint32_t abi_major;
	uint32_t abi_minor;
};

static int fail_elf(struct tn_load *l, const struct elf_where *where)
{
	struct tn_diag *d = l->diag;

	(void)load_fail_elf(l, where->fault, where->value);
	if (where->section != 0 && where->section < l->elf.nsections &&
	    l->elf.sections[where->section].sh_name < l->elf.names.n &&
	    l->elf.names.p[l->elf.names.n - 1] == '\0')
		(void)str_copy(d->section, sizeof(d->section),
		    elf_section_name(&l->elf, where->section));
	return d->error;
}

static int check_machine(struct tn_load *l)
{
	const unsigned machine = l->elf.ehdr->e_machine;
	const char *name = reloc_machine_name(machine);
	const char *here = reloc_machine_name(l->port->machine);

	if (name == NULL)
		return load_fail_other(l, TN_REASON_UNSUPPORTED,
		    "the machine that the file is for");
	l->machine = l->find_machine(machine);
	if (l->machine == NULL || (!l->offline && machine != l->port->machine))
		return load_fail_import(l, TN_REASON_MACHINE,
		    here != NULL ? here : "this world", name);
	return 0;
}

struct byte_range {
	uint64_t start, end;
	uint32_t section;
};

static bool starts_before(const void *a, const void *b, const void *arg)
{
	const struct byte_range *x = a, *y = b;

	(void)arg;
	return x->start < y->start;
}

/* No two sections share bytes of the file. */
static int check_overlap(struct tn_load *l)
{
	const uint32_t max = l->elf.nsections;
	struct byte_range *r = load_table(l, max, sizeof(*r));
	struct elf_where where = { ELF_OK, 0, 0 };
	size_t n = 0;
	bool sorted = true;

	if (r == NULL)
		return l->diag->error;
	for (uint32_t i = 1; i < max; i++) {
		const struct span s = elf_section_bytes(&l->elf, i);

		if (s.n == 0)
			continue;
		const uint64_t start = l->elf.sections[i].sh_offset;

		r[n] = (struct byte_range){ start, start + s.n, i };
		sorted = sorted && (n == 0 || r[n - 1].start <= start);
		n++;
	}
	if (!sorted)
		heap_sort(r, n, sizeof(*r), starts_before, NULL);
	for (size_t i = 1; i < n && where.fault == ELF_OK; i++)
		if (r[i].start < r[i - 1].end)
			where = (struct elf_where){ ELF_SECTION_OVERLAP,
				r[i].section, r[i].start };
	tables_drop(&l->tables, r);
	return where.fault == ELF_OK ? 0 : fail_elf(l, &where);
}

static int fail_note(struct tn_load *l, const char *what, uint32_t value)
{
	(void)load_fail_other(l, TN_REASON_PROFILE, what);
	l->diag->value = value;
	return l->diag->error;
}

static int check_profile(struct tn_load *l, const struct note_desc *desc)
{
	struct tn_diag *d;

	if (desc->version != NOTE_VERSION)
		return fail_note(l, "note version", desc->version);
	if (desc->profile != TN_PROFILE_COMMON &&
	    desc->profile != TN_PROFILE_HOSTED)
		return fail_note(l, "profile", desc->profile);
	if (tn_abi_check((struct tn_abi){ desc->abi_major, desc->abi_minor },
		(struct tn_abi){ TN_ABI_MAJOR, 0 },
		(struct tn_abi){ TN_ABI_MAJOR, TN_ABI_MINOR }) !=
	    TN_ABI_COMPATIBLE) {
		d = load_fail(l, TN_REASON_ABI);
		d->value = (uint64_t)desc->abi_major << 32 | desc->abi_minor;
		d->high = (int64_t)TN_ABI_MAJOR << 32 | TN_ABI_MINOR;
		return d->error;
	}
	l->profile = (enum tn_profile)desc->profile;
	if (l->profile == TN_PROFILE_HOSTED && !l->offline &&
	    l->port->host_symbol == NULL)
		return load_fail_other(l, TN_REASON_PROFILE_WORLD, "hosted");
	return 0;
}

static bool is_our_note(const struct elf_note *note)
{
	return note->type == NOTE_TYPE && note->name.n == 6 &&
	       memcmp(note->name.p, "Tenon", 6) == 0;
}

static int read_notes(struct tn_load *l, struct span notes)
{
	struct elf_note note;
	struct note_desc desc;
	int err = 0;

	while (err == 0 && elf_note_next(&notes, &note)) {
		if (!is_our_note(&note))
			continue;
		desc = (struct note_desc){ 0 };
		if (note.desc.n >= sizeof(desc))
			memcpy(&desc, note.desc.p, sizeof(desc));
		if (l->profile != TN_PROFILE_NONE)
			return fail_note(
			    l, "second note of profile", desc.profile);
		err = check_profile(l, &desc);
	}
	return err;
}

static int find_note(struct tn_load *l)
{
	int err = 0;

	for (uint32_t i = 1; i < l->elf.nsections && err == 0; i++)
		if (!l->is_dyn && l->elf.sections[i].sh_type == SHT_NOTE)
			err = read_notes(l, elf_section_bytes(&l->elf, i));
	for (uint32_t i = 0; l->is_dyn && i < l->elf.nsegments && err == 0;
	     i++) {
		const struct elf_phdr *ph = &l->elf.segments[i];
		struct span s;

		if (ph->p_type == PT_NOTE &&
		    span_sub(l->bytes, ph->p_offset, ph->p_filesz, &s))
			err = read_notes(l, s);
	}
	if (err == 0 && l->profile == TN_PROFILE_NONE && !l->offline &&
	    (l->args->flags & TN_LOAD_UNMARKED) == 0)
		return load_fail(l, TN_REASON_UNMARKED)->error;
	return err;
}

static const char *file_of(const char *path)
{
	const char *file = path;

	for (; *path != '\0'; path++)
		if (*path == '/')
			file = path + 1;
	return file;
}

static int find_name(struct tn_load *l)
{
	const char *own = elf_modinfo_get(l->modinfo, "name");
	const char *given = l->args->name != NULL ? l->args->name : own;
	const char *path = l->args->path;

	if ((given != NULL ? module_name_take(given, l->name)
			   : path != NULL && tn_module_name(path, l->name)) &&
	    module_name_is_sound(l->name))
		return 0;
	l->name[0] = '\0';
	if (given == NULL && l->offline)
		return 0;
	if (given == NULL && path == NULL)
		return load_fail(l, TN_REASON_NO_NAME)->error;
	return load_fail_other(
	    l, TN_REASON_BAD_NAME, given != NULL ? given : file_of(path));
}

static struct span section_called(const struct tn_load *l, const char *name)
{
	return elf_section_bytes(&l->elf, elf_section_find(&l->elf, name));
}

static int open_symbols(struct tn_load *l)
{
	/* Then its own linker checks the file; only names are read here. */
	const bool is_foreign = l->is_dyn && l->shape != NULL;
	struct elf_where where = { ELF_OK, 0, 0 };
	bool opened;

	if (l->is_dyn && !is_foreign) {
		opened = elf_dynamic_open(&l->elf, &l->dyn, &where);
		l->symtab = l->dyn.symtab;
	} else {
		opened = elf_symtab_open(&l->elf,
		    l->is_dyn ? SHT_DYNSYM : SHT_SYMTAB, &l->symtab, &where);
	}
	if (!opened)
		return fail_elf(l, &where);
	if (is_foreign && l->profile == TN_PROFILE_NONE)
		l->profile = TN_PROFILE_HOSTED;
	if (l->is_dyn)
		return is_foreign ? 0 : dyn_check(l);
	/* Offline an object of data alone is as good as any. */
	return l->symtab.n == 0 && !l->offline
		   ? load_fail(l, TN_REASON_NO_SYMTAB)->error
		   : 0;
}

int load_check(struct tn_load *l)
{
	struct elf_where where = { ELF_OK, 0, 0 };
	int err;

	l->stage = TN_STAGE_CHECK;
	/* For failures, until the file itself says what it is called. */
	if (l->args->path != NULL)
		(void)tn_module_name(l->args->path, l->name);
	else if (l->args->name != NULL)
		(void)module_name_take(l->args->name, l->name);
	if (!elf_open(&l->elf, l->bytes, 0, &where))
		return fail_elf(l, &where);
	l->is_dyn = l->elf.ehdr->e_type == ET_DYN;
	if (l->elf.nsections != 0) {
		l->modinfo = section_called(l, ".modinfo");
		l->versions = section_called(l, "__versions");
	}
	err = find_name(l);
	if (err == 0)
		err = check_machine(l);
	if (err == 0)
		err = find_note(l);
	if (err == 0)
		err = check_overlap(l);
	return err != 0 ? err : open_symbols(l);
}
