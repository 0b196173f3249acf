/* SPDX-License-Identifier: MIT */
/*
 * Writes module files as the author's tools do (docs/module-format.md), on
 * top of the builder of objects: name, note, licence, exports, versions, and
 * functions that jump to an import, so that C code of the test runs behind
 * every entry point.
 */
#pragma once

#include "isa.h"
#include "object.h"

struct author {
	struct object *o;
	const struct isa *isa;
	uint32_t modinfo, note, text, data;
	/* made when first needed, else 0: */
	uint32_t rodata, bss, versions;
	uint32_t ksymtab[2], kcrctab[2]; /* [1]: GPL */
	uint32_t strings, strings_symbol;
	uint32_t params, names, names_symbol;
};

/* A module of the common profile, licence GPL, with empty .text and .data. */
struct author author_new(unsigned machine, const char *name);
void author_free(struct author *a);

void author_info(struct author *a, const char *entry);
/*
 * A finished file of 500 imports with one name, or half of them with its ends:
 * the names are a hundred times what the file has in bytes.
 */
struct span author_one_name(struct author *a);

/* A global function @name that jumps to the import @target; its symbol. */
uint32_t author_jump(struct author *a, const char *name, const char *target);
/* A global function that does nothing. */
uint32_t author_return(struct author *a, const char *name);
/* A global function that returns the address of @symbol through the GOT. */
uint32_t author_got(struct author *a, const char *name, uint32_t symbol);
/* A global object of eight bytes in .data. */
uint32_t author_word(struct author *a, const char *name, uint64_t value);
/* The same, but it holds the address of @symbol plus @addend. */
uint32_t author_pointer(
    struct author *a, const char *name, uint32_t symbol, int64_t addend);

struct author_export {
	const char *name;
	uint32_t symbol;
	bool gpl;
	const char *ns; /* or NULL */
	uint32_t crc;   /* all of a table, or none */
};
void author_export(struct author *a, struct author_export e);
void author_version(struct author *a, const char *name, uint32_t crc);

/* An entry of a table of constructors or destructors: @function's address. */
void author_array(
    struct author *a, const char *section, unsigned type, uint32_t function);

/*
 * A table of operations (3.1): operation i jumps to the import @target[i], NULL
 * stands for none. @size and @abi of the table as given, 0: the right ones.
 */
#define AUTHOR_OPS 8
struct author_ops {
	const char *target[AUTHOR_OPS];
	uint32_t size, abi;
};
void author_ops(struct author *a, const struct author_ops *ops);

/* A record of __tenon_param (8); its fields, and hostile ones. */
struct author_param {
	const char *name;
	uint32_t name_symbol; /* instead: the name is there */
	uint32_t symbol;      /* the variable; 0: null */
	int64_t addend;
	uint32_t count; /* symbol of the counter, or 0 */
	unsigned type, perm, flags;
	uint32_t capacity; /* 0: 1 */
	uint32_t size;
	int64_t min, max;
	uint64_t reserved;
};
void author_param(struct author *a, struct author_param p);

uint32_t author_bss(struct author *a, uint64_t size);
