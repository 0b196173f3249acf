/* SPDX-License-Identifier: MIT */
/*
 * What the three machines call the same things: relocation types by purpose,
 * and a few instructions with their relocations, enough for objects that run.
 */
#pragma once

#include <stdint.h>

#include "object.h"

struct isa {
	unsigned machine;
	const char *name;
	unsigned abs64;  /* S + A, eight bytes */
	unsigned prel32; /* S + A - P, four bytes */
	unsigned branch; /* of isa_jump */
	int branch_addend;
	unsigned branch_at; /* offset of its relocation in isa_jump */
	const char *branch_name;
	unsigned stub_size;
	uint64_t reach;                         /* of a branch, about */
	unsigned relative, glob_dat, jump_slot; /* of shared objects */
	unsigned tls, ifunc;                    /* refused ones */
};

extern const struct isa isas[3];
const struct isa *isa_of(unsigned machine);
/* The machine that this program runs on. */
const struct isa *isa_here(void);

/* Each appends a function to @text and returns its offset. */

/* Jumps to @symbol with the arguments of its caller. */
uint64_t isa_jump(struct object *o, uint32_t text, uint32_t symbol);
/* Returns the content of @symbol's GOT cell, that is its address. */
uint64_t isa_got(struct object *o, uint32_t text, uint32_t symbol);
/* Returns. */
uint64_t isa_return(struct object *o, uint32_t text);

/*
 * Where the branch at @p, which stands at address @at, goes; 0 when there is
 * no branch. Follows the stub whose bytes begin at @stub (address @stub_at)
 * to its cell and returns the cell's address.
 */
uint64_t isa_branch_target(
    const struct isa *isa, const uint8_t *p, uint64_t at);
uint64_t isa_stub_cell(const struct isa *isa, const uint8_t *p, uint64_t at);

/* Is the GOT access that isa_got has made still a load? */
bool isa_is_got_load(const struct isa *isa, const uint8_t *p);
/* The address that isa_got computes: of the cell, or of the symbol itself. */
uint64_t isa_got_target(const struct isa *isa, const uint8_t *p, uint64_t at);
