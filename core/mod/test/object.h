/* SPDX-License-Identifier: MIT */
/*
 * Builds small ELF64 relocatable objects in memory, for any machine.
 *
 * Sections are numbered from 1 in the order in which they are made, symbols
 * too; object_file lays the file out:
 *
 *   header | sections | .rela.* | .symtab | .strtab | .shstrtab | headers
 *
 * and gives access to the tables in it, so that a test can spoil any field.
 * Running out of memory ends the program.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/span.h>
#include <elf/abi.h>

struct object;

struct object *object_new(unsigned machine);
void object_free(struct object *o);

unsigned object_machine(const struct object *o);

/* A new section; alignment 8 unless object_align says otherwise. */
uint32_t object_section(
    struct object *o, const char *name, unsigned type, uint64_t flags);
void object_align(struct object *o, uint32_t section, uint64_t align);

/* Appends bytes and returns the offset at which they stand. */
uint64_t object_add(
    struct object *o, uint32_t section, const void *bytes, size_t n);
uint64_t object_add32(struct object *o, uint32_t section, uint32_t word);
uint64_t object_add64(struct object *o, uint32_t section, uint64_t word);

/* Makes a section larger: zeros, or the size of SHT_NOBITS. */
uint64_t object_skip(struct object *o, uint32_t section, uint64_t n);
uint64_t object_size(const struct object *o, uint32_t section);

/* What a symbol is: OBJECT_SYM(STB_GLOBAL, STT_FUNC). */
#define OBJECT_SYM(bind, type) ((uint8_t)((bind) << 4 | (type)))

/* @section may be SHN_UNDEF, SHN_ABS or SHN_COMMON. */
uint32_t object_symbol(struct object *o, const char *name, uint8_t info,
    uint32_t section, uint64_t value);
void object_symbol_size(struct object *o, uint32_t symbol, uint64_t size);
/* A global undefined one; the same number for the same name. */
uint32_t object_undefined(struct object *o, const char *name);

struct object_fix {
	uint64_t offset;
	unsigned type;
	uint32_t symbol;
	int64_t addend;
};
void object_rela(struct object *o, uint32_t section, struct object_fix fix);

/* The finished file; may be called again, and starts from scratch then. */
struct span object_file(struct object *o);

/* The file that object_file has made, as it has been changed since. */
struct span object_bytes(const struct object *o);

/* Tables inside the finished file. */
struct elf_ehdr *object_ehdr(struct object *o);
struct elf_shdr *object_shdr(struct object *o, uint32_t section);
struct elf_sym *object_sym(struct object *o, uint32_t symbol);
struct elf_rela *object_rel(struct object *o, uint32_t section, uint32_t i);
/* The number of the section that holds @section's relocations. */
uint32_t object_rela_section(const struct object *o, uint32_t section);
uint32_t object_symtab_section(const struct object *o);
