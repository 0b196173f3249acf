/* SPDX-License-Identifier: MIT */
/*
 * Instructions that read a GOT cell: those that a loader may turn into direct
 * ones (mov, call, jmp) and those that it must leave alone (arithmetic on the
 * address, comparisons, push, an immediate behind the displacement).
 */
#include "matrix.h"

typedef int operation(int a, int b);

VISIBLE volatile int got_own = 31;

operation got_call, got_jmp;
uintptr_t got_mov(void), got_mov32(void), got_mov_own(void), got_push(void);
uintptr_t got_add(uintptr_t x), got_sub(uintptr_t x), got_xor(uintptr_t x);
uintptr_t got_and(uintptr_t x), got_or(uintptr_t x), got_sbb(uintptr_t x);
int got_cmp(uintptr_t x), got_test(uintptr_t x), got_cmp_imm(void);

#define RAX_AND_CELL(op)                                                       \
	"movq %rdi, %rax\n\t" op " world_u64@GOTPCREL(%rip), %rax\n\tret\n"

// clang-format off
__asm__(".text\n" ASM_FUNCTION(got_mov)
	"movq world_u64@GOTPCREL(%rip), %rax\n\tret\n"
	ASM_FUNCTION(got_mov32)
	"movl world_u64@GOTPCREL(%rip), %eax\n\tret\n"
	ASM_FUNCTION(got_mov_own)
	"movq got_own@GOTPCREL(%rip), %r11\n\tmovq %r11, %rax\n\tret\n"
	ASM_FUNCTION(got_push)
	"pushq world_u64@GOTPCREL(%rip)\n\tpopq %rax\n\tret\n"
	ASM_FUNCTION(got_call)
	"subq $8, %rsp\n\tcall *world_sub@GOTPCREL(%rip)\n\t"
	"addq $8, %rsp\n\tret\n"
	ASM_FUNCTION(got_jmp)
	"jmp *world_mul@GOTPCREL(%rip)\n\t"
	"ud2\n"
	ASM_FUNCTION(got_add) RAX_AND_CELL("addq")
	ASM_FUNCTION(got_sub) RAX_AND_CELL("subq")
	ASM_FUNCTION(got_xor) RAX_AND_CELL("xorq")
	ASM_FUNCTION(got_and) RAX_AND_CELL("andq")
	ASM_FUNCTION(got_or) RAX_AND_CELL("orq")
	ASM_FUNCTION(got_sbb) "clc\n\t" RAX_AND_CELL("sbbq")
	ASM_FUNCTION(got_cmp)
	"xorl %eax, %eax\n\tcmpq %rdi, world_u64@GOTPCREL(%rip)\n\t"
	"sete %al\n\tret\n"
	ASM_FUNCTION(got_test)
	"xorl %eax, %eax\n\ttestq %rdi, world_u64@GOTPCREL(%rip)\n\t"
	"setne %al\n\tret\n"
	ASM_FUNCTION(got_cmp_imm)
	"xorl %eax, %eax\n\tcmpq $0, world_add@GOTPCREL(%rip)\n\t"
	"sete %al\n\tret\n");
// clang-format on

MATRIX(got_forms)
{
	const uintptr_t cell = (uintptr_t)&world_u64;

	CHECK(got_mov() == cell && got_push() == cell);
	CHECK(got_mov32() == (uint32_t)cell);
	CHECK(got_mov_own() == (uintptr_t)&got_own);
	CHECK(*(volatile int *)got_mov_own() == 31);
	CHECK(got_call(9, 4) == 5 && got_jmp(9, 4) == 36);
	CHECK(got_add(5) == cell + 5 && got_sub(cell + 7) == 7);
	CHECK(got_xor(cell) == 0 && got_and(0xfff8) == (cell & 0xfff8));
	CHECK(got_or(7) == (cell | 7) && got_sbb(cell) == 0);
	CHECK(got_cmp(cell) == 1 && got_cmp(cell + 1) == 0);
	CHECK(got_test(cell) == 1 && got_test(0) == 0);
	CHECK(got_cmp_imm() == 0);
	return 0;
}
