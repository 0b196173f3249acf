/* SPDX-License-Identifier: MIT */
/*
 * The parts of a module's file that gdb is told of, for the inside of host/.
 * Nothing here looks whether they are there: symcheck.c has done so before.
 */
#pragma once

#include <elf.h>
#include <stdbool.h>
#include <string.h>

static inline const Elf64_Shdr *section_of(const void *data, unsigned i)
{
	const Elf64_Ehdr *eh = data;

	return (const Elf64_Shdr *)((const char *)data + eh->e_shoff) + i;
}

static inline const char *bytes_of(const void *data, const Elf64_Shdr *sh)
{
	return (const char *)data + sh->sh_offset;
}

static inline const char *name_of(const void *data, const Elf64_Shdr *sh)
{
	const Elf64_Ehdr *eh = data;

	return bytes_of(data, section_of(data, eh->e_shstrndx)) + sh->sh_name;
}

/* Information about code, or how to unwind it: what gdb reads of that. */
static const char *const debug_names[] = { ".debug_info", ".debug_abbrev",
	".debug_line", ".debug_line_str", ".debug_str", ".debug_str_offsets",
	".debug_addr", ".debug_ranges", ".debug_rnglists", ".debug_loc",
	".debug_loclists", ".debug_types", ".debug_aranges", ".debug_names",
	".debug_macinfo", ".debug_macro", ".debug_frame", ".eh_frame",
	".debug_gdb_scripts" };

#define DEBUG_NAMES (sizeof(debug_names) / sizeof(debug_names[0]))

/* Which of them it is; DEBUG_NAMES: none. */
static inline unsigned debug_kind(const void *data, const Elf64_Shdr *sh)
{
	unsigned i = sh->sh_type == SHT_NOBITS ? DEBUG_NAMES : 0;

	while (
	    i < DEBUG_NAMES && strcmp(name_of(data, sh), debug_names[i]) != 0)
		i++;
	return i;
}

static inline bool is_debug(const void *data, const Elf64_Shdr *sh)
{
	return debug_kind(data, sh) != DEBUG_NAMES;
}

static inline bool is_code(const Elf64_Shdr *sh)
{
	return (sh->sh_flags & SHF_ALLOC) != 0 &&
	       (sh->sh_flags & SHF_EXECINSTR) != 0;
}

/* Freed when the module runs, and perhaps used again for another one. */
static inline bool is_init(const void *data, const Elf64_Shdr *sh)
{
	return strncmp(name_of(data, sh), ".init", 5) == 0;
}

/* The number of the only one; 0: there is none, or there are several. */
static inline unsigned symtab_of(const void *data)
{
	const Elf64_Ehdr *eh = data;
	unsigned found = 0;

	for (unsigned i = 1; i < eh->e_shnum; i++) {
		if (section_of(data, i)->sh_type != SHT_SYMTAB)
			continue;
		if (found != 0)
			return 0;
		found = i;
	}
	return found;
}
