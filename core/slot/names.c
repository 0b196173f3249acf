/* SPDX-License-Identifier: MIT */
/*
 * The functions of a shared object by name. The engine looks through dynamic
 * symbols one by one; calls by name want better, so a loaded slot has a table:
 *
 *	table[hash & mask ...]: { 32 bits of the hash, index of the symbol }
 *
 * with open addressing, at most half full. It is made once from the symbol
 * table in the blob, which elf_dynamic_open has checked and which stays as it
 * is while the slot is loaded, and read without a lock. Only what lies in an
 * executable segment is in it: an undefined symbol, data or a section is no
 * function. Objects (ET_REL) have the engine's index instead.
 */
#include <base/hash.h>
#include <base/string.h>
#include <elf/dynamic.h>

#include "internal.h"

struct name_entry {
	uint32_t tag;
	uint32_t symbol; /* 0: vacant */
};

#define MIN_ENTRIES 8u

/* The bytes as a shared object; false: they are something else. */
static bool open_dynamic(
    struct span blob, struct elf_file *file, struct elf_dynamic *dyn)
{
	struct elf_where where;

	/* slots are aligned as files in memory have to be */
	return elf_open(file, blob, 0, &where) &&
	       file->ehdr->e_type == ET_DYN &&
	       elf_dynamic_open(file, dyn, &where);
}

static bool is_code(const struct elf_file *file, uint64_t addr)
{
	for (uint32_t i = 0; i < file->nsegments; i++) {
		const struct elf_phdr *ph = &file->segments[i];

		if (ph->p_type == PT_LOAD && (ph->p_flags & PF_X) != 0 &&
		    addr - ph->p_vaddr < ph->p_memsz)
			return true;
	}
	return false;
}

static bool is_function(const struct elf_file *file, const struct elf_sym *s)
{
	return s->st_shndx != SHN_UNDEF && s->st_shndx < SHN_LORESERVE &&
	       elf_sym_bind(s) != STB_LOCAL && is_code(file, s->st_value);
}

static uint32_t tag_of(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

static void insert(struct names *names, uint32_t symbol)
{
	const uint64_t hash = hash_name(
	    names->strings + names->symbols[symbol].st_name, names->seed);
	uint32_t i = (uint32_t)hash & names->mask;

	while (names->table[i].symbol != 0)
		i = (i + 1) & names->mask;
	names->table[i] = (struct name_entry){ tag_of(hash), symbol };
}

static size_t table_bytes(const struct names *names)
{
	return ((size_t)names->mask + 1) * sizeof(struct name_entry);
}

int slot_names_open(struct names *names, const struct tn_port *port,
    struct span blob, uint64_t base)
{
	struct elf_dynamic dyn;
	struct elf_file file;
	uint32_t room = MIN_ENTRIES;

	if (!open_dynamic(blob, &file, &dyn) || dyn.symtab.n >= UINT32_MAX / 4)
		return 0;
	while (room < 2 * dyn.symtab.n)
		room *= 2;
	names->mask = room - 1;
	names->base = base;
	names->symbols = dyn.symtab.syms;
	names->strings = (const char *)dyn.symtab.strings.p;
	names->table = port->alloc(port->ctx, table_bytes(names));
	if (names->table == NULL)
		return -TN_ENOMEM;
	for (uint32_t i = 1; i < dyn.symtab.n; i++)
		if (elf_symtab_name(&dyn.symtab, i) != NULL &&
		    is_function(&file, &dyn.symtab.syms[i]))
			insert(names, i);
	return 0;
}

void slot_names_close(struct names *names, const struct tn_port *port)
{
	if (names->table != NULL)
		port->free(port->ctx, names->table, table_bytes(names));
	names->table = NULL;
}

uint64_t slot_names_find(const struct names *names, const char *symbol)
{
	size_t length;
	const uint64_t hash = hash_name_length(symbol, names->seed, &length);
	uint32_t i = (uint32_t)hash & names->mask;

	for (; names->table[i].symbol != 0; i = (i + 1) & names->mask) {
		const struct elf_sym *s;

		if (names->table[i].tag != tag_of(hash))
			continue;
		s = &names->symbols[names->table[i].symbol];
		if (hash_name_equals(
			names->strings + s->st_name, symbol, length))
			return names->base + s->st_value;
	}
	return 0;
}

uint64_t slot_names_entry_point(struct span blob, uint64_t base)
{
	struct elf_dynamic dyn;
	struct elf_file file;

	if (!open_dynamic(blob, &file, &dyn) || file.ehdr->e_entry == 0 ||
	    !is_code(&file, file.ehdr->e_entry))
		return 0;
	return base + file.ehdr->e_entry;
}
