/* SPDX-License-Identifier: MIT */
/*
 * The dynamic section of an ET_DYN file, seen through its PT_LOAD segments:
 * addresses are turned into checked views of the file's bytes.
 */
#pragma once

#include <elf/file.h>

/* A range of the image: addresses relative to the load base. */
struct elf_range {
	uint64_t addr;
	uint64_t size;
};

struct elf_dynamic {
	uint64_t low, high; /* page-rounded by the caller: PT_LOAD's extent */
	struct elf_symtab symtab;
	uint64_t symtab_addr, strtab_addr;
	uint64_t hash_addr;     /* DT_HASH or 0 */
	uint64_t gnu_hash_addr; /* DT_GNU_HASH or 0 */
	const struct elf_rela *rela;
	uint32_t nrela;
	const struct elf_rela *jmprel;
	uint32_t njmprel;
	struct elf_range init_array, fini_array;
	uint64_t init, fini;           /* DT_INIT, DT_FINI or 0 */
	const struct elf_dyn *entries; /* all, for DT_NEEDED */
	uint32_t nentries;
	uint32_t refused_tag; /* DT_REL, DT_RELR, DT_TEXTREL ... or 0 */
};

/* The file bytes behind the image addresses [addr, addr + size). */
bool elf_image_bytes(const struct elf_file *file, uint64_t addr, uint64_t size,
    struct span *out) MUST_CHECK;

/* Reads PT_DYNAMIC. Returns true, or false with *@where set. */
bool elf_dynamic_open(const struct elf_file *file, struct elf_dynamic *dyn,
    struct elf_where *where) MUST_CHECK;

/* The string at @off of the dynamic string table, or NULL. */
const char *elf_dynamic_string(const struct elf_dynamic *dyn, uint64_t off);
