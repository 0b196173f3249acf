/* SPDX-License-Identifier: MIT */
/*
 * What the encoders of the machines share: the fields that a relocation may
 * fill, the operations that are more than a field, and the row macros.
 *
 * The order of enum reloc_field is an invariant: first plain little-endian
 * words, which all machines use, then the fields of each machine in one run.
 * No two machines have a field in common.
 */
#pragma once

#include <base/span.h>
#include <reloc/reloc.h>

enum {
	EM_X86_64 = 62,
	EM_AARCH64 = 183,
	EM_RISCV = 243,
};

/* Numbered on from enum reloc_word_field. */
enum reloc_field {
	FIELD_A64 =
	    FIELD_64 + 1, /* aarch64: name of the immediate, or of the class */
	FIELD_A64_MOVW0 = FIELD_A64,
	FIELD_A64_MOVW1,
	FIELD_A64_MOVW2,
	FIELD_A64_MOVW3,
	FIELD_A64_MOVS0, /* MOVZ or MOVN, by the sign */
	FIELD_A64_MOVS1,
	FIELD_A64_MOVS2,
	FIELD_A64_MOVS3,
	FIELD_A64_ADR,
	FIELD_A64_ADRP,
	FIELD_A64_LO12,
	FIELD_A64_LDST16,
	FIELD_A64_LDST32,
	FIELD_A64_LDST64,
	FIELD_A64_LDST128,
	FIELD_A64_PAGEOFF15,
	FIELD_A64_BRANCH14,
	FIELD_A64_BRANCH19, /* also LDR (literal) */
	FIELD_A64_BRANCH26,

	FIELD_RV, /* riscv: name of the instruction format */
	FIELD_RV_B = FIELD_RV,
	FIELD_RV_J,
	FIELD_RV_CALL, /* U then I, eight bytes */
	FIELD_RV_U,
	FIELD_RV_I,
	FIELD_RV_S,
	FIELD_RV_CB,
	FIELD_RV_CJ,
	FIELD_RV_CLUI,
	FIELD_RV_ADD8, /* words that a value is added to or taken from */
	FIELD_RV_ADD16,
	FIELD_RV_ADD32,
	FIELD_RV_ADD64,
	FIELD_RV_SUB8,
	FIELD_RV_SUB16,
	FIELD_RV_SUB32,
	FIELD_RV_SUB64,
	FIELD_RV_SUB6,
	FIELD_RV_SET6,
};

/* The machine's half of the functions of reloc.h; NULL = nothing to do. */
struct reloc_ops {
	/* reloc_put() of the fields that are the machine's own */
	void (*put)(unsigned field, uint8_t *place, uint64_t value);
	const struct reloc_howto *(*direct)(const struct reloc_howto *how);
	bool (*can_relax)(const struct reloc_howto *how, const uint8_t *place,
	    size_t before, int64_t addend);
	int (*relax)(const struct reloc_howto *how, uint8_t *place);
	int (*put_stub)(uint8_t *to, uint64_t at, uint64_t cell);
	uint64_t (*weak_value)(const struct reloc_howto *how, uint64_t p);
	bool (*put_weak_branch)(
	    const struct reloc_howto *how, uint8_t *place, int64_t addend);
	bool (*make_absolute)(const struct reloc_howto *how, uint8_t *place);
};

extern const struct reloc_machine reloc_x86_64;
extern const struct reloc_machine reloc_aarch64;
extern const struct reloc_machine reloc_riscv64;

/*
 * A table is a list of ROW(type, name, fields...), one for each type from
 * ROW_FIRST on, gaps included; ROW_TABLE makes the rows and the names of it.
 * ROW_PREFIX is the beginning of the names.
 */
#define ROW_HOWTO(type, label, ...) [(type)-ROW_FIRST] = { __VA_ARGS__ },
#define ROW_NAME(type, label, ...)  ROW_PREFIX label "\0"
#define ROW_TABLE(to, list)                                                    \
	static const struct reloc_howto to[] = { list(ROW_HOWTO) };            \
	static const char to##_names[] = list(ROW_NAME)
#define AS(how, where, bytes)                                                  \
	.expr = RELOC_##how, .field = FIELD_##where, .size = (bytes)
#define FITS(how, width) .range = RELOC_##how, .bits = (width), .align = 1
#define FITS_BY(how, width, unit)                                              \
	.range = RELOC_##how, .bits = (width), .align = (unit)
#define ANY          .range = RELOC_ANY, .align = 1
#define ANY_BY(unit) .range = RELOC_ANY, .align = (unit)
#define GAP          ANY
#define NOTHING      .expr = RELOC_NOTHING, ANY
#define REFUSE(why)  .expr = RELOC_REFUSED, .refusal = RELOC_REFUSED_##why, ANY
