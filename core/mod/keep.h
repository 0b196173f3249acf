/* SPDX-License-Identifier: MIT */
/*
 * What is kept of a file's symbols and sections for those who debug. One block
 * each, set once before the module is published, freed with the generation.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>

struct generation;
struct tn_load;
struct tn_port;

/* A function: [offset, offset + size) from .base. */
struct kept_symbol {
	uint32_t offset;
	uint32_t size; /* 0: to the next one */
	uint32_t name; /* in .names */
};

/* Ordered by offset; of several at one, the last is the one to show. */
struct kept_symbols {
	size_t bytes; /* of the block */
	uint64_t base;
	const char *names; /* in the block, behind the symbols */
	uint32_t n;
	struct kept_symbol at[];
};

struct kept_section {
	uint64_t addr, size;
	const char *name; /* in the block */
};

struct kept_sections {
	size_t bytes;
	const char *path; /* in the block; "": from memory */
	uint64_t base;    /* of an ET_DYN image, whose sections are not kept */
	uint32_t n;
	struct kept_section at[];
};

/*
 * Fills the generation's .symbols and .sections as the system wants it.
 */
int load_keep(struct tn_load *l) MUST_CHECK;

void keep_free(const struct tn_port *port, struct generation *gen);
