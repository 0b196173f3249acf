/* SPDX-License-Identifier: MIT */
/*
 * Branches of all reaches to another section: twelve, twenty and 32 bits, and
 * the compressed ones of eight and eleven, which reach so little that source
 * and target must be neighbours. The bytes are spelt out where the assembler
 * would take a longer form.
 */
#include "matrix.h"

int branches_beq(long a, long b), branches_bltu(long a, long b);
int branches_jal(int x), branches_tail(int a, int b), branches_call(int x);
int branches_short(long a, long b), branches_jump(int x);

// clang-format off
__asm__(".pushsection .text.branches_one, \"ax\", %progbits\n"
	".balign 4\n"
	".globl branches_no, branches_yes, branches_add\n"
	".hidden branches_no, branches_yes, branches_add\n"
	"branches_no:\tli a0, 0\n\tret\n"
	"branches_yes:\tli a0, 1\n\tret\n"
	"branches_add:\taddi a0, a0, 100\n\taddi a0, a0, 10\n\tret\n"
	".popsection\n"
	".pushsection .text.branches_two, \"ax\", %progbits\n"
	".balign 4\n"
	ASM_FUNCTION(branches_beq)
	".reloc ., R_RISCV_BRANCH, branches_yes\n\t"
	".4byte 0x00b50063\n\t" /* beq a0, a1 */
	"li a0, 2\n\tret\n"
	ASM_FUNCTION(branches_bltu)
	".reloc ., R_RISCV_BRANCH, branches_no\n\t"
	".4byte 0x00b56063\n\t" /* bltu a0, a1 */
	"li a0, 2\n\tret\n"
	ASM_FUNCTION(branches_jal)
	"mv t2, ra\n\t"
	".reloc ., R_RISCV_JAL, branches_add\n\t"
	".4byte 0x000000ef\n\t" /* jal ra */
	"mv ra, t2\n\t"
	".reloc ., R_RISCV_JAL, branches_add + 4\n\t"
	".4byte 0x0000006f\n" /* j */
	ASM_FUNCTION(branches_tail) "tail world_sub\n"
	ASM_FUNCTION(branches_call)
	"addi sp, sp, -16\n\tsd ra, 8(sp)\n\t"
	"call branches_add\n\tli a1, 1000\n\tcall world_add\n\t"
	"ld ra, 8(sp)\n\taddi sp, sp, 16\n\tret\n"
	".popsection\n");
// clang-format on

#ifdef __riscv_compressed
#define SHORT_BRANCH                                                           \
	"sub a0, a0, a1\n\t"                                                   \
	".reloc ., R_RISCV_RVC_BRANCH, branches_equal\n\t"                     \
	".2byte 0xc101\n\t" /* c.beqz a0 */
#define SHORT_JUMP                                                             \
	".reloc ., R_RISCV_RVC_JUMP, branches_join\n\t"                        \
	".2byte 0xa001\n\t" /* c.j */
#else
#define SHORT_BRANCH "beq a0, a1, branches_equal\n\t"
#define SHORT_JUMP   "j branches_join\n\t"
#endif

// clang-format off
__asm__(".pushsection .text.branches_two, \"ax\", %progbits\n"
	ASM_FUNCTION(branches_short) SHORT_BRANCH
	"li a0, 2\n\tret\n"
	ASM_FUNCTION(branches_jump)
	SHORT_JUMP
	"li a0, 3\n\tret\n"
	".popsection\n"
	".pushsection .text.branches_two, \"ax\", %progbits\n"
	".globl branches_equal, branches_join\n"
	".hidden branches_equal, branches_join\n"
	"branches_equal:\tli a0, 4\n\tret\n"
	"branches_join:\taddi a0, a0, 5\n\tret\n"
	".popsection\n");
// clang-format on

MATRIX(branches)
{
	CHECK(branches_beq(5, 5) == 1 && branches_beq(5, 6) == 2);
	CHECK(branches_bltu(5, 6) == 0 && branches_bltu(6, 5) == 2);
	CHECK(branches_jal(1) == 121);
	CHECK(branches_tail(7, 9) == -2 && branches_call(1) == 1111);
	CHECK(branches_short(3, 3) == 4 && branches_short(3, 4) == 2);
	CHECK(branches_jump(6) == 11);
	return 0;
}
