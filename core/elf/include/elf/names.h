/* SPDX-License-Identifier: MIT */
/*
 * The dynamic symbols of an ET_DYN file by name, found through the hash table
 * that its linker has made (DT_HASH or DT_GNU_HASH): nothing is built, nothing
 * allocated. A hostile table finds wrong symbols or none, of its own file.
 */
#pragma once

#include <elf/dynamic.h>

struct elf_names {
	struct elf_symtab symtab;
	const uint8_t *buckets; /* nbuckets words: the first of a chain */
	const uint8_t *chains;  /* a word for each symbol from first on */
	uint32_t nbuckets;      /* 0: there is no table */
	uint32_t first;
	bool is_gnu;
};

/* A view of @file, which @dyn is of; without a sound table it is empty. */
void elf_names_open(struct elf_names *names, const struct elf_file *file,
    const struct elf_dynamic *dyn);

/* The symbol @name, defined or not; NULL: there is none. */
const struct elf_sym *elf_names_find(
    const struct elf_names *names, const char *name);
