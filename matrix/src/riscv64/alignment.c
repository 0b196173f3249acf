/* SPDX-License-Identifier: MIT */
/*
 * Alignment in code (R_RISCV_ALIGN when it is relaxable): labels stand where
 * they were asked to, and what runs through the filling comes out right.
 */
#include "matrix.h"

extern const HIDDEN char alignment_one[], alignment_two[], alignment_three[];
extern const HIDDEN char alignment_table[];

int alignment_run(int x), alignment_skip(int x);

// clang-format off
__asm__(".text\n"
	ASM_FUNCTION(alignment_run)
	"addi sp, sp, -16\n\tsd ra, 8(sp)\n\t"
	"call alignment_step\n\t"
	".balign 32\n"
	".globl alignment_one, alignment_two, alignment_three\n"
	".hidden alignment_one, alignment_two, alignment_three\n"
	"alignment_one:\tcall alignment_step\n\t"
	".balign 16\n"
	"alignment_two:\tcall alignment_step\n\t"
	"addi a0, a0, 1\n\t"
	".balign 64\n"
	"alignment_three:\tld ra, 8(sp)\n\taddi sp, sp, 16\n\tret\n"
	ASM_FUNCTION(alignment_skip)
	"beqz a0, 1f\n\taddi a0, a0, 1\n\t.balign 128\n"
	"1:\taddi a0, a0, 7\n\tret\n"
	".globl alignment_step\n.hidden alignment_step\n"
	"alignment_step:\tslli a0, a0, 1\n\tret\n"
	".balign 8\n"
	".globl alignment_table\n.hidden alignment_table\n"
	"alignment_table:\tret\n\t.balign 4\n\tret\n");
// clang-format on

MATRIX(alignment)
{
	CHECK(((uintptr_t)alignment_one & 31) == 0);
	CHECK(((uintptr_t)alignment_two & 15) == 0);
	CHECK(((uintptr_t)alignment_three & 63) == 0);
	CHECK(((uintptr_t)alignment_table & 7) == 0);
	CHECK(alignment_run(1) == 9 && alignment_run(5) == 41);
	CHECK(alignment_skip(0) == 7 && alignment_skip(2) == 10);
	return 0;
}
