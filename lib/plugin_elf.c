/* SPDX-License-Identifier: MIT */
/*
 * See plugin_file.h: the part that reads files. The engine has checked the
 * bytes, and they are looked at through the same views.
 */
#include "plugin_file.h"

#include <stdio.h>
#include <string.h>

#include <elf/names.h>

static bool open_elf(const void *data, size_t size, struct elf_file *elf)
{
	struct elf_where where;

	return elf_open(elf, (struct span){ data, size }, 0, &where);
}

/* Red zones of an instrumented library are compared too. */
__attribute__((no_sanitize("address"))) static bool is_same(
    const volatile uint8_t *a, const uint8_t *b, size_t n)
{
	size_t i = 0;

	while (i < n && a[i] == b[i])
		i++;
	return i == n;
}

bool mapped_is(const struct mapped *m, const void *data, size_t size)
{
	struct elf_file elf;

	if (!open_elf(data, size, &elf))
		return false;
	for (uint32_t i = 0; i < elf.nsegments; i++) {
		const struct elf_phdr *ph = &elf.segments[i];
		struct span here;

		if (ph->p_type != PT_LOAD || (ph->p_flags & PF_W) != 0 ||
		    (ph->p_flags & PF_R) == 0 ||
		    !span_sub(elf.bytes, ph->p_offset, ph->p_filesz, &here))
			continue;
		if (!is_same(
			(const uint8_t *)(uintptr_t)(m->base + ph->p_vaddr),
			here.p, here.n))
			return false;
	}
	return true;
}

/* --- what the file says of itself */

#define STB_UNIQUE     10
#define DT_FLAGS_1_TAG 0x6ffffffb
#define NODELETE_FLAG  0x8u

static const struct elf_dyn *find_dyn(
    const struct elf_dynamic *dyn, uint64_t tag)
{
	for (uint32_t i = 0; i < dyn->nentries; i++)
		if ((uint64_t)dyn->entries[i].d_tag == tag)
			return &dyn->entries[i];
	return NULL;
}

/* A symbol that makes libraries stay: defined and unique, or of destructors
   of thread-local objects. NULL: none. */
static const char *sticky_symbol(const struct elf_symtab *tab, bool unique)
{
	for (uint32_t i = 1; i < tab->n; i++) {
		const struct elf_sym *s = &tab->syms[i];
		const char *name = elf_symtab_name(tab, i);

		if (!name)
			continue;
		if (unique && elf_sym_bind(s) == STB_UNIQUE &&
		    s->st_shndx != SHN_UNDEF)
			return name;
		if (!unique &&
		    (strcmp(name, "__cxa_thread_atexit") == 0 ||
			strcmp(name, "__cxa_thread_atexit_impl") == 0))
			return name;
	}
	return NULL;
}

void why_it_stays(const void *data, size_t size, char *out, size_t cap)
{
	struct elf_where where;
	struct elf_dynamic dyn;
	const struct elf_dyn *flags;
	struct elf_symtab tab = { 0 };
	struct elf_file elf;
	const char *name;

	(void)snprintf(out, cap,
	    "something else in the process has it open or needs it "
	    "(dlopen, RTLD_NODELETE, or another library)");
	if (!open_elf(data, size, &elf))
		return;
	if (elf_dynamic_open(&elf, &dyn, &where)) {
		flags = find_dyn(&dyn, DT_FLAGS_1_TAG);
		if (flags && (flags->d_val & NODELETE_FLAG) != 0) {
			(void)snprintf(out, cap,
			    "it is linked with -z nodelete (DF_1_NODELETE)");
			return;
		}
	}
	if (!elf_symtab_open(&elf, SHT_DYNSYM, &tab, &where))
		return;
	if ((name = sticky_symbol(&tab, true)))
		(void)snprintf(out, cap,
		    "its symbol '%.64s' is unique in the process "
		    "(STB_GNU_UNIQUE; -fno-gnu-unique avoids it)",
		    name);
	else if (sticky_symbol(&tab, false))
		(void)snprintf(out, cap,
		    "destructors of its thread-local objects have not run: "
		    "threads that have used it still live");
}

bool is_table(const void *data, size_t size, const char *name, size_t least)
{
	struct elf_where where;
	struct elf_dynamic dyn;
	struct elf_names names;
	struct elf_file elf;
	const struct elf_sym *s;

	if (!open_elf(data, size, &elf) ||
	    !elf_dynamic_open(&elf, &dyn, &where))
		return true;
	elf_names_open(&names, &elf, &dyn);
	s = elf_names_find(&names, name);
	return !s || (elf_sym_type(s) == STT_OBJECT && s->st_size >= least);
}

int each_needed(const void *data, size_t size,
    int (*fn)(void *arg, const char *name), void *arg)
{
	struct elf_where where;
	struct elf_dynamic dyn;
	struct elf_file elf;
	int stop = 0;

	if (!open_elf(data, size, &elf) ||
	    !elf_dynamic_open(&elf, &dyn, &where))
		return 0;
	for (uint32_t i = 0; i < dyn.nentries && stop == 0; i++) {
		const char *name;

		if (dyn.entries[i].d_tag != DT_NEEDED)
			continue;
		name = elf_dynamic_string(&dyn, dyn.entries[i].d_val);
		if (name)
			stop = fn(arg, name);
	}
	return stop;
}
