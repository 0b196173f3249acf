/* SPDX-License-Identifier: MIT */
/*
 * Relocation encoders of all machines, as data and pure functions.
 *
 * A relocation type is a row of a table: which expression it stands for
 * (reloc_expr), which field of the code or data takes the result
 * (reloc_field) and which values fit. Nothing here knows modules, symbols or
 * memory: the caller computes the operands in the letters of the psABI,
 *   S symbol, A addend, P place, G the symbol's GOT cell, GOT its start,
 * and hands over the value and the bytes.
 *
 * Sources: System V psABI AMD64 1.0; ELF for the Arm 64-bit Architecture
 * (AAELF64) 2023Q3; RISC-V ELF psABI 1.0 with the ULEB128 additions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>
#include <base/span.h>
#include <tenon/err.h>

/* How the value is computed. Page(x) is x with its low 12 bits cleared. */
enum reloc_expr {
	RELOC_UNKNOWN,     /* no such type in the table */
	RELOC_REFUSED,     /* known by name and not supported: see .refusal */
	RELOC_NOTHING,     /* NONE, RELAX: no effect */
	RELOC_ABS,         /* S + A */
	RELOC_PC,          /* S + A - P */
	RELOC_PAGE,        /* Page(S + A) - Page(P) */
	RELOC_GOT_PC,      /* G + A - P; riscv GOT_HI20, x86 GOTPCREL* */
	RELOC_GOT_PAGE,    /* Page(G) - Page(P), with A inside G */
	RELOC_GOT_LOW,     /* G (its low bits) */
	RELOC_GOT_PAGEOFF, /* G - Page(GOT) */
	RELOC_PAIR_LOW,    /* value of the HI20 that the symbol labels, + A */
	RELOC_ADD,         /* field + (S + A) */
	RELOC_SUB,         /* field - (S + A) */
	RELOC_SET_ULEB,    /* first of a pair at one place, see below */
	RELOC_SUB_ULEB,    /* second: SET's S + A minus this S + A */
	RELOC_ALIGN,       /* A bytes of no-ops stand here for alignment */
	RELOC_BASE,        /* B + A (RELATIVE; B = the load base) */
	RELOC_DYN_SYMBOL,  /* GLOB_DAT, JUMP_SLOT: S + A, or S by a flag */
};

/* Which group of unsupported relocations a refused type belongs to. */
enum reloc_refusal {
	RELOC_NOT_REFUSED,
	RELOC_REFUSED_TLS,
	RELOC_REFUSED_IFUNC,
	RELOC_REFUSED_LARGE_MODEL,
	RELOC_REFUSED_MEDIUM_MODEL,
	RELOC_REFUSED_FAR_DATA, /* of the two above */
	RELOC_REFUSED_TINY_MODEL,
	RELOC_REFUSED_COPY,
	RELOC_REFUSED_OTHER,
};

enum reloc_range {
	RELOC_ANY,      /* the field keeps the low bits, on purpose */
	RELOC_SIGNED,   /* -2^(bits-1) <= value < 2^(bits-1) */
	RELOC_UNSIGNED, /* 0 <= value < 2^bits */
	RELOC_EITHER,   /* -2^(bits-1) <= value < 2^bits */
};

/* Flags of a howto. */
#define RELOC_BRANCH    1u /* a call or jump: may go through a stub */
#define RELOC_HI20      2u /* riscv: the anchor of RELOC_PAIR_LOW */
#define RELOC_RELAXABLE 4u /* a GOT load that may become a direct one */
#define RELOC_NO_ADDEND 8u /* of RELOC_DYN_SYMBOL: the value is S */

struct reloc_howto {
	uint8_t expr;  /* enum reloc_expr */
	uint8_t field; /* enum reloc_field, private to the encoders */
	uint8_t size;  /* bytes at the place that are read or written */
	uint8_t range; /* enum reloc_range */
	uint8_t bits;  /* for .range */
	uint8_t align; /* the value must be a multiple of this (1 = any) */
	uint8_t flags;
	uint8_t refusal; /* enum reloc_refusal */
	uint16_t bias;   /* added before the range check (0x800 of HI20) */
};

/* Rows of the types from @first on. Gaps are RELOC_UNKNOWN. */
struct reloc_table {
	uint32_t first;
	uint32_t count;
	const struct reloc_howto *rows;
	const char *names; /* one after the other, each with its NUL */
};

/* What differs by machine beyond the tables; private to the encoders. */
struct reloc_ops;

struct reloc_machine {
	uint16_t elf_machine; /* EM_X86_64, EM_AARCH64, EM_RISCV */
	uint8_t stub_size;    /* bytes of one branch stub */
	uint8_t stub_align;
	uint8_t branch_end;    /* place + this is where a branch's displacement
				* counts from: x86_64 4, else 0 */
	bool prel_exports;     /* __ksymtab entries are three PREL32 words, else
				* three absolute doublewords (module-format.md) */
	uint64_t branch_reach; /* a branch reaches +- this many bytes */
	const struct reloc_ops *ops;
	struct reloc_table tables[4]; /* the most used one first */
};

/* The description of @elf_machine, or NULL when it is not supported. */
const struct reloc_machine *reloc_machine(unsigned elf_machine);
/*
 * The same of the machine that this is compiled for, and of no other: what
 * only runs modules is not linked with the encoders of three machines.
 */
const struct reloc_machine *reloc_machine_here(unsigned elf_machine);
/* "x86_64", "aarch64", "riscv64", or NULL. */
const char *reloc_machine_name(unsigned elf_machine);

/* What reloc_find does for the types outside the first table. */
const struct reloc_howto *reloc_find_rare(
    const struct reloc_machine *m, uint32_t type);

/* The row of @type; its expr is RELOC_UNKNOWN when there is none. */
static inline const struct reloc_howto *reloc_find(
    const struct reloc_machine *m, uint32_t type)
{
	const uint32_t i = type - m->tables[0].first;

	if (LIKELY(i < m->tables[0].count))
		return &m->tables[0].rows[i];
	return reloc_find_rare(m, type);
}

/* "R_..." as the psABI spells it, a static string; NULL when unknown. */
const char *reloc_name(const struct reloc_machine *m, uint32_t type);

/*
 * Does @value fit into the field of @how?
 * Returns 0, -TN_EINVAL when it is not aligned as it must be, -TN_ERANGE.
 */
int reloc_check(const struct reloc_howto *how, uint64_t value) MUST_CHECK;

/* Smallest and largest value that fits, for messages. */
void reloc_limits(const struct reloc_howto *how, int64_t *low, int64_t *high);

/* Fields that are whole words; all others belong to the encoders. */
enum reloc_word_field {
	FIELD_NONE,
	FIELD_8,
	FIELD_16,
	FIELD_32,
	FIELD_64,
};

/* What reloc_put does for the fields that are not the common words. */
void reloc_put_field(const struct reloc_machine *m,
    const struct reloc_howto *how, uint8_t *place, uint64_t value);

/*
 * Writes @value, which has passed reloc_check, into the how->size bytes at
 * @place (any alignment). RELOC_ADD and RELOC_SUB change what stands there.
 */
static inline void reloc_put(const struct reloc_machine *m,
    const struct reloc_howto *how, uint8_t *place, uint64_t value)
{
	if (how->field == FIELD_32)
		put_le32(place, (uint32_t)value);
	else if (how->field == FIELD_64)
		put_le64(place, value);
	else
		reloc_put_field(m, how, place, value);
}

/*
 * The riscv pair SET_ULEB128, SUB_ULEB128: writes @value over the ULEB128
 * number at @place, keeping its length. @room is what is left of the section.
 * Returns 0, -TN_ERANGE when @value needs more bytes, -TN_EINVAL when the old
 * number does not end within @room or within ten bytes.
 */
int reloc_put_uleb(uint8_t *place, size_t room, uint64_t value) MUST_CHECK;

/*
 * May the GOT access of type @how at @place become a direct one? Looks at the
 * instruction; @before is the number of bytes of the section in front of
 * @place, @addend the relocation's. For riscv and aarch64 every access of a
 * symbol must agree: page half and load half are separate relocations. Pass
 * the load of a riscv RELOC_PAIR_LOW here too, when its anchor is a GOT_HI20.
 */
bool reloc_can_relax(const struct reloc_machine *m,
    const struct reloc_howto *how, const uint8_t *place, size_t before,
    int64_t addend);

/*
 * The row that stands in for @how once relaxed, to ask whether S is in reach;
 * NULL when @how is no GOT access. Its operands are S and the same A; x86
 * "jmp *" moves P back by one byte.
 */
const struct reloc_howto *reloc_direct(
    const struct reloc_machine *m, const struct reloc_howto *how);

/*
 * Rewrites the instruction and returns reloc_direct(), to be applied at the
 * place moved by *@shift bytes (0 or -1: x86 "jmp *" becomes "jmp; nop", whose
 * displacement starts one byte earlier). reloc_can_relax has said yes.
 */
const struct reloc_howto *reloc_relax(const struct reloc_machine *m,
    const struct reloc_howto *how, uint8_t *place, int *shift);

/*
 * Writes a branch stub, which jumps to the address that the 8-byte @cell
 * holds, for execution at address @at. Clobbers what a PLT may clobber
 * (x86_64 nothing, aarch64 x16, riscv64 t3).
 * Returns 0, -TN_ERANGE when the cell is out of reach of @at, or -TN_EINVAL
 * when one of them is not aligned (@cell to 8, @at to m->stub_align).
 */
int reloc_put_stub(const struct reloc_machine *m, uint8_t *to, uint64_t at,
    uint64_t cell) MUST_CHECK;

/*
 * The S to use in a relocation of type @how at address @p for an undefined
 * weak symbol, as ld does in a static link: 0, except that on aarch64 what is
 * relative to the place refers to the place itself (AAELF64 5.7.11).
 */
uint64_t reloc_weak_value(
    const struct reloc_machine *m, const struct reloc_howto *how, uint64_t p);

/*
 * A branch of type @how to an undefined weak symbol, as ld does it in a static
 * link: aarch64 BL and B become no-ops, riscv CALL a jump to @addend relative
 * to x0. Returns true when the place is finished, false when nothing special
 * is to be done and the relocation is applied with S = reloc_weak_value().
 */
bool reloc_put_weak_branch(const struct reloc_machine *m,
    const struct reloc_howto *how, uint8_t *place, int64_t addend);

/*
 * riscv PCREL_HI20 of an undefined weak symbol or an absolute one out of
 * pc-relative reach: auipc becomes lui, and the value S + A, to be checked and
 * put by the same @how. Returns false where that does not apply.
 */
bool reloc_make_absolute(const struct reloc_machine *m,
    const struct reloc_howto *how, uint8_t *place);
