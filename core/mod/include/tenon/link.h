/* SPDX-License-Identifier: MIT */
/*
 * Linking offline: a module file of any supported machine is laid out,
 * resolved and relocated, and nothing is run. Addresses come from the port's
 * image_alloc, values of undefined symbols from the system's exports.
 *
 * A struct tn_linked is the result with everything that explains it. It is
 * used by one thread at a time. Functions that take a position return false
 * behind the last entry.
 */
#pragma once

#include <tenon/engine.h>

#ifdef __cplusplus
/* A function is called as the struct that it tells. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#endif

struct tn_linked;

/*
 * Links the file that @args names; of its flags TN_LOAD_NO_RELAX and
 * TN_LOAD_NO_IMPORTS count. What it may import is decided as by a load, versions
 * included. Errors as tn_load. Memory that @args names must stay as long as
 * *@out does. Sleeps.
 */
int tn_link(struct tn_system *sys, const struct tn_load_args *args,
    struct tn_linked **out, struct tn_diag *diag);
/* Frees it. Until then the system cannot be destroyed. Sleeps. */
void tn_linked_free(struct tn_linked *linked);

struct tn_linked_file {
	unsigned machine; /* e_machine */
	uint32_t eflags;  /* e_flags */
	bool is_shared;   /* ET_DYN: the "sections" are its parts */
	uint32_t nsymbols;
	const void *data; /* its bytes, after unpacking */
	size_t data_size;
};

void tn_linked_file(const struct tn_linked *linked, struct tn_linked_file *out);

/* The parts with their addresses and bytes. */
const struct tn_image *tn_linked_image(const struct tn_linked *linked);

struct tn_linked_section {
	uint32_t index; /* in the input file; 0 for a part */
	const char *name;
	uint32_t type;  /* sh_type */
	uint64_t flags; /* sh_flags */
	uint64_t align;
	uint64_t addr;
	uint64_t size;
	const uint8_t *bytes; /* NULL: SHT_NOBITS */
	enum tn_part_kind part;
};

/* The next loaded section from *@at on, which starts at 0. */
bool tn_linked_section(const struct tn_linked *linked, uint32_t *at,
    struct tn_linked_section *out);

/* What the loader adds: enum tn_linked_extra names it. */
enum tn_linked_extra {
	TN_LINKED_STUBS,
	TN_LINKED_COMMON,
	TN_LINKED_GOT
};
bool tn_linked_extra(const struct tn_linked *linked, enum tn_linked_extra which,
    struct tn_linked_section *out);

/* A GOT cell, and the branch stub that jumps through it. */
struct tn_linked_ref {
	const char *symbol; /* its name, or .label for one without */
	char label[48];
	int64_t addend;
	uint64_t cell_addr; /* 0: none */
	uint64_t stub_addr; /* 0: none */
};

bool tn_linked_ref(
    const struct tn_linked *linked, uint32_t i, struct tn_linked_ref *out);

struct tn_linked_symbol {
	const char *name; /* may be "" */
	uint64_t value;
	uint64_t size;
	uint8_t info;     /* st_info */
	uint8_t other;    /* st_other */
	uint32_t section; /* index in the input file, or 0: undefined there */
	bool is_common;
	bool is_absolute;
};

/* Symbol @i of the file, from 1 on. */
bool tn_linked_symbol(
    const struct tn_linked *linked, uint32_t i, struct tn_linked_symbol *out);

/* Bytes of input section @section that alignment did not need (riscv). */
bool tn_linked_shrink(const struct tn_linked *linked, uint32_t section,
    uint32_t i, uint64_t *offset, uint64_t *count);

/*
 * Calls @fn for each GOT relocation that became a direct reference, with its
 * input section and offset and the name of its type.
 */
void tn_linked_relaxed(const struct tn_linked *linked,
    void (*fn)(void *arg, uint32_t section, uint64_t offset, const char *type),
    void *arg);

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif
