/* SPDX-License-Identifier: MIT */
/*
 * The system calls behind image memory, counted: reservations, chunks that
 * are mapped twice, private chunks, permissions. Addresses are numbers here,
 * since most of them may not be dereferenced.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>

#include "shortage.h"

/* How many system calls a user of this file has caused. */
struct mem_count {
	atomic_ullong calls;
	unsigned long long fail_at; /* the call that fails, in tests; or 0 */
	/* Of the last that found no room; under the lock of what is mapped. */
	struct shortage shortage;
};

size_t mem_page_size(void);

/*
 * Reserves address space without memory, from a multiple of @align on, which
 * is a power of two; 0 when there is none.
 */
uint64_t mem_reserve(struct mem_count *n, size_t size, size_t align);
void mem_release(struct mem_count *n, uint64_t addr, size_t size);

/* The following three work on whole pages inside a reservation. */

/*
 * Fresh zeroed memory, visible at @addr with @run_prot (PROT_*) and at *@alias
 * for reading and writing. Nothing of the file behind it stays open.
 */
MUST_CHECK int mem_map_twice(struct mem_count *n, uint64_t addr, size_t size,
    int run_prot, uint8_t **alias);
/* False: mem_map_twice would be refused, for the limit of a file's size. */
bool mem_file_fits(struct mem_count *n, size_t size);
/* Fresh zeroed private memory for reading and writing. */
MUST_CHECK int mem_map_private(struct mem_count *n, uint64_t addr, size_t size);
/* Back to address space without memory. */
void mem_unmap(struct mem_count *n, uint64_t addr, size_t size);

/* Another alias of what mem_map_twice has made, or NULL. */
uint8_t *mem_alias_open(struct mem_count *n, uint64_t addr, size_t size);
void mem_alias_close(struct mem_count *n, uint8_t *alias, size_t size);

MUST_CHECK int mem_protect(
    struct mem_count *n, uint64_t addr, size_t size, int prot);
