/* SPDX-License-Identifier: MIT */
/*
 * Bounds-checked views over the bytes of an ELF64 file. Nothing is copied or
 * allocated; a view is valid as long as the bytes are.
 *
 * elf_open checks every header that later calls rely on, once: after it has
 * returned true each section's bytes lie inside the file, each string table ends
 * with a NUL, and each table is aligned and a whole number of entries.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/span.h>
#include <elf/abi.h>

/* What is wrong with a file; elf_fault_text gives words for it. */
enum elf_fault {
	ELF_OK,
	ELF_TRUNCATED,    /* shorter than an ELF header */
	ELF_NOT_ELF,      /* no magic */
	ELF_WRONG_CLASS,  /* not 64-bit */
	ELF_WRONG_ENDIAN, /* not little-endian */
	ELF_WRONG_VERSION,
	ELF_WRONG_TYPE, /* neither ET_REL nor ET_DYN */
	ELF_WRONG_MACHINE,
	ELF_BAD_HEADER,      /* header or entry sizes that no ELF64 has */
	ELF_MISALIGNED,      /* the bytes or a table are not 8-byte aligned */
	ELF_SECTION_TABLE,   /* the section header table is outside the file */
	ELF_SEGMENT_TABLE,   /* the program header table is outside the file */
	ELF_SECTION_BOUNDS,  /* a section is outside the file */
	ELF_SECTION_ALIGN,   /* sh_addralign is no power of two or too large */
	ELF_SECTION_NAME,    /* a name outside the section name table */
	ELF_SECTION_LINK,    /* sh_link or sh_info names no fitting section */
	ELF_SECTION_OVERLAP, /* two loaded sections share file bytes */
	ELF_ENTRY_SIZE,      /* a table that is no whole number of entries */
	ELF_STRING_TABLE,    /* a string table that does not end with a NUL */
	ELF_SEGMENT_BOUNDS,  /* a segment is outside the file or itself */
	ELF_SYMBOL_NAME,     /* a symbol's name is outside its string table */
	ELF_DYNAMIC,         /* a dynamic entry points outside the segments */
	ELF_TOO_MANY,        /* a count beyond a stated limit */
	ELF_FAULTS
};

/* The largest alignment of a section or segment that is accepted. */
#define ELF_MAX_ALIGN 0x200000u

struct elf_file {
	struct span bytes;
	const struct elf_ehdr *ehdr;
	const struct elf_shdr *sections;
	uint32_t nsections;
	const struct elf_phdr *segments;
	uint32_t nsegments;
	struct span names; /* the section name table */
};

/* Where a check failed. */
struct elf_where {
	enum elf_fault fault;
	uint32_t section; /* index of a section, or 0 */
	uint64_t value;   /* the offending number */
};

/* Words for @fault: a clause such as "is not an ELF file". */
const char *elf_fault_text(enum elf_fault fault);

/*
 * Opens @bytes, whose start must be 8-byte aligned. @machine is the wanted
 * e_machine, or 0 for any.
 * Returns true, or false with *@where saying what is wrong.
 */
bool elf_open(struct elf_file *file, struct span bytes, unsigned machine,
    struct elf_where *where) MUST_CHECK;

/* The NUL-terminated name of section @i. */
const char *elf_section_name(const struct elf_file *file, uint32_t i);

/* The bytes of section @i; empty for SHT_NOBITS. */
struct span elf_section_bytes(const struct elf_file *file, uint32_t i);

/* The first section called @name, or 0. */
uint32_t elf_section_find(const struct elf_file *file, const char *name);

struct elf_symtab {
	const struct elf_sym *syms; /* n of them; index 0 is the null symbol */
	uint32_t n;
	struct span strings;
	const uint32_t *shndx; /* SHT_SYMTAB_SHNDX or NULL */
	uint32_t section;      /* index of the table, 0: none */
};

/*
 * The symbol table of section type @type (SHT_SYMTAB or SHT_DYNSYM).
 * Returns true; without such a table @tab is empty. False: see @where.
 */
bool elf_symtab_open(const struct elf_file *file, unsigned type,
    struct elf_symtab *tab, struct elf_where *where) MUST_CHECK;

/* The name of symbol @i, or NULL when it lies outside the string table. */
static inline const char *elf_symtab_name(
    const struct elf_symtab *tab, uint32_t i)
{
	const uint32_t off = tab->syms[i].st_name;

	return off < tab->strings.n ? (const char *)tab->strings.p + off : NULL;
}

/* The section index of symbol @i, SHN_XINDEX followed. */
static inline uint32_t elf_symtab_section(
    const struct elf_symtab *tab, uint32_t i)
{
	const uint32_t shndx = tab->syms[i].st_shndx;

	return shndx == SHN_XINDEX && tab->shndx != NULL ? tab->shndx[i]
							 : shndx;
}

/* True when @shndx is no section but a reserved number such as SHN_ABS. */
static inline bool elf_symtab_is_reserved(
    const struct elf_symtab *tab, uint32_t i)
{
	const uint32_t shndx = tab->syms[i].st_shndx;

	return shndx >= SHN_LORESERVE && shndx != SHN_XINDEX;
}
