/* SPDX-License-Identifier: MIT */
/*
 * Branches of all reaches between sections and to the world, and what reaches
 * a mebibyte around the place: ADR and loads of literals.
 */
#include "matrix.h"

int branches_tbz(uint64_t x), branches_cbz(uint64_t x);
int branches_cond(uint64_t x, uint64_t y), branches_call(int x);
int branches_jump(int a, int b), branches_inside(int x);
const void *branches_adr(void);
uint64_t branches_literal(void), branches_signed(void);
uint64_t branches_vector(void);
extern const HIDDEN uint8_t branches_bytes[3];

__asm__(".pushsection .text.branches_far, \"ax\", %progbits\n"
	".balign 4\n"
	".globl branches_yes, branches_no, branches_add\n"
	".hidden branches_yes, branches_no, branches_add\n"
	"branches_no:\tmov w0, #0\n\tret\n"
	"branches_yes:\tmov w0, #1\n\tret\n"
	"branches_add:\tadd w0, w0, #100\n\tadd w0, w0, #10\n\tret\n"
	".balign 16\n"
	".globl branches_word, branches_bytes, branches_wide\n"
	".hidden branches_word, branches_bytes, branches_wide\n"
	"branches_wide:\t.8byte 0x1111222233334444, 0x5555666677778888\n"
	"branches_word:\t.4byte 0xfffffff9, 0x7\n"
	"branches_bytes:\t.byte 0x41, 0x42, 0x43\n"
	".popsection\n");

// clang-format off
__asm__(".text\n\t.balign 4\n"
	ASM_FUNCTION(branches_tbz)
	"tbnz x0, #40, branches_yes\n\t"
	"tbz w0, #3, branches_no\n\t"
	"mov w0, #2\n\tret\n"
	ASM_FUNCTION(branches_cbz)
	"cbz x0, branches_yes\n\t"
	"cbnz w0, branches_no\n\t"
	"mov w0, #2\n\tret\n"
	ASM_FUNCTION(branches_cond)
	"cmp x0, x1\n\t"
	"b.eq branches_yes\n\t"
	"b.lo branches_no\n\t"
	"mov w0, #2\n\tret\n"
	ASM_FUNCTION(branches_call)
	"stp x29, x30, [sp, #-16]!\n\t"
	"bl branches_add\n\t"
	"mov w1, #1000\n\t"
	"bl world_add\n\t"
	"ldp x29, x30, [sp], #16\n\tret\n"
	ASM_FUNCTION(branches_jump) "b world_sub\n"
	ASM_FUNCTION(branches_inside) "b branches_add + 4\n"
	ASM_FUNCTION(branches_adr) "adr x0, branches_bytes + 1\n\tret\n"
	ASM_FUNCTION(branches_literal)
	"ldr x0, branches_wide\n\tldr w1, branches_word + 4\n\t"
	"add x0, x0, x1\n\tret\n"
	ASM_FUNCTION(branches_signed) "ldrsw x0, branches_word\n\tret\n"
	ASM_FUNCTION(branches_vector)
	"ldr q0, branches_wide\n\tmov x0, v0.d[1]\n\tret\n");
// clang-format on

MATRIX(branches)
{
	CHECK(branches_tbz(1ul << 40) == 1 && branches_tbz(0) == 0);
	CHECK(branches_tbz(8) == 2);
	CHECK(branches_cbz(0) == 1 && branches_cbz(1) == 0);
	CHECK(branches_cbz(1ul << 32) == 2);
	CHECK(branches_cond(5, 5) == 1 && branches_cond(5, 6) == 0);
	CHECK(branches_cond(6, 5) == 2);
	CHECK(branches_call(1) == 1111 && branches_jump(7, 9) == -2);
	CHECK(branches_inside(1) == 11);
	CHECK(branches_adr() == &branches_bytes[1]);
	CHECK(*(const uint8_t *)branches_adr() == 0x42);
	CHECK(branches_literal() == 0x111122223333444b);
	CHECK(branches_signed() == (uint64_t)-7);
	CHECK(branches_vector() == 0x5555666677778888);
	return 0;
}
