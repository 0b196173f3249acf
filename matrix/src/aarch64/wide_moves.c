/* SPDX-License-Identifier: MIT */
/*
 * Addresses and distances put together from 16-bit moves, and words of 16, 32
 * and 64 bits. Values that must be small are those of a weak symbol that
 * nobody defines (0), plus an addend.
 */
#include "matrix.h"

struct words {
	uint16_t abs16, abs16_small;
	uint32_t abs32;
	uint64_t abs64;
	int16_t prel16, prel16_past;
	int32_t prel32;
	int64_t prel64;
};

extern const HIDDEN struct words wide_words;
__asm__(".weak wide_absent\n"
	".pushsection .rodata.wide, \"a\", %progbits\n"
	".balign 8\n"
	".globl wide_words\n.hidden wide_words\n"
	"wide_words:\n\t"
	".reloc ., R_AARCH64_ABS16, wide_absent + 0xfedc\n\t.2byte 0\n\t"
	".reloc ., R_AARCH64_ABS16, wide_absent + 2\n\t.2byte 0\n\t"
	".reloc ., R_AARCH64_ABS32, wide_absent + 0xfedcba98\n\t.4byte 0\n\t"
	".reloc ., R_AARCH64_ABS64, wide_words + 1\n\t.8byte 0\n\t"
	".reloc ., R_AARCH64_PREL16, wide_words\n\t.2byte 0\n\t"
	".reloc ., R_AARCH64_PREL16, wide_words + 0x7000\n\t.2byte 0\n\t"
	".reloc ., R_AARCH64_PREL32, wide_distance\n\t.4byte 0\n\t"
	".reloc ., R_AARCH64_PREL64, wide_words + 3\n\t.8byte 0\n\t"
	".reloc ., R_AARCH64_NONE, wide_words\n"
	".popsection\n");

uintptr_t wide_address(void), wide_address48(void);
uintptr_t wide_16(void), wide_32(void);
intptr_t wide_negative(void), wide_positive(void), wide_negative32(void);
intptr_t wide_negative48(void);
intptr_t wide_distance(void), wide_distance48(void), wide_distance32(void);
intptr_t wide_distance16(void);

// clang-format off
__asm__(".text\n\t.balign 4\n"
	ASM_FUNCTION(wide_address)
	"movz x0, #:abs_g3:world_u64\n\t"
	"movk x0, #:abs_g2_nc:world_u64\n\t"
	"movk x0, #:abs_g1_nc:world_u64\n\t"
	"movk x0, #:abs_g0_nc:world_u64\n\tret\n"
	ASM_FUNCTION(wide_address48)
	"movz x0, #:abs_g2:world_u64\n\t"
	"movk x0, #:abs_g1_nc:world_u64\n\t"
	"movk x0, #:abs_g0_nc:world_u64\n\tret\n"
	ASM_FUNCTION(wide_16) "movz x0, #:abs_g0:wide_absent + 0xfffe\n\tret\n"
	ASM_FUNCTION(wide_32)
	"movz x0, #:abs_g1:wide_absent + 0xfffefffd\n\t"
	"movk x0, #:abs_g0_nc:wide_absent + 0xfffefffd\n\tret\n"
	ASM_FUNCTION(wide_negative)
	"movz x0, #:abs_g0_s:wide_absent - 0x1234\n\tret\n"
	ASM_FUNCTION(wide_positive)
	"movn x0, #:abs_g0_s:wide_absent + 0x1234\n\tret\n"
	ASM_FUNCTION(wide_negative32)
	"movz x0, #:abs_g1_s:wide_absent - 0x12345678\n\t"
	"movk x0, #:abs_g0_nc:wide_absent - 0x12345678\n\tret\n"
	ASM_FUNCTION(wide_negative48)
	"movz x0, #:abs_g2_s:wide_absent - 0x123456789abc\n\t"
	"movk x0, #:abs_g1_nc:wide_absent - 0x123456789abc\n\t"
	"movk x0, #:abs_g0_nc:wide_absent - 0x123456789abc\n\tret\n"
	/* Each distance counts from its own instruction. */
	ASM_FUNCTION(wide_distance)
	"adr x1, .\n\t"
	"movz x0, #:prel_g3:world_u64 + 4\n\t"
	"movk x0, #:prel_g2_nc:world_u64 + 8\n\t"
	"movk x0, #:prel_g1_nc:world_u64 + 12\n\t"
	"movk x0, #:prel_g0_nc:world_u64 + 16\n\t"
	"add x0, x0, x1\n\tret\n"
	ASM_FUNCTION(wide_distance48)
	"adr x1, .\n\t"
	"movz x0, #:prel_g2:world_u64 + 4\n\t"
	"movk x0, #:prel_g1_nc:world_u64 + 8\n\t"
	"movk x0, #:prel_g0_nc:world_u64 + 12\n\t"
	"add x0, x0, x1\n\tret\n"
	ASM_FUNCTION(wide_distance32)
	"adr x1, .\n\t"
	"movz x0, #:prel_g1:wide_words + 4\n\t"
	"movk x0, #:prel_g0_nc:wide_words + 8\n\t"
	"add x0, x0, x1\n\tret\n"
	ASM_FUNCTION(wide_distance16)
	"adr x1, .\n\t"
	"movz x0, #:prel_g0:wide_distance + 4\n\t"
	"add x0, x0, x1\n\tret\n");
// clang-format on

#define AT(field) ((uintptr_t)&t->field + (uintptr_t)(int64_t)t->field)

MATRIX(wide_moves)
{
	const struct words *t = &wide_words;

	OPAQUE(t);
	CHECK(t->abs16 == 0xfedc && t->abs16_small == 2);
	CHECK(t->abs32 == 0xfedcba98 && t->abs64 == (uintptr_t)t + 1);
	CHECK(AT(prel16) == (uintptr_t)t);
	CHECK(AT(prel16_past) == (uintptr_t)t + 0x7000);
	CHECK(AT(prel32) == (uintptr_t)&wide_distance);
	CHECK(AT(prel64) == (uintptr_t)t + 3);
	CHECK(wide_address() == (uintptr_t)&world_u64);
	CHECK(wide_address48() == (uintptr_t)&world_u64);
	CHECK(wide_16() == 0xfffe && wide_32() == 0xfffefffd);
	CHECK(wide_negative() == -0x1234 && wide_positive() == 0x1234);
	CHECK(wide_negative32() == -0x12345678);
	CHECK(wide_negative48() == -0x123456789abc);
	CHECK(wide_distance() == (intptr_t)&world_u64);
	CHECK(wide_distance48() == (intptr_t)&world_u64);
	CHECK(wide_distance32() == (intptr_t)t);
	CHECK(wide_distance16() == (intptr_t)&wide_distance);
	return 0;
}
