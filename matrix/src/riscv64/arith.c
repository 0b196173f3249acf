/* SPDX-License-Identifier: MIT */
/*
 * Sums and differences that the assembler leaves to the linker, of 6, 8, 16,
 * 32 and 64 bits, between labels whose distance relaxation may change; words
 * relative to their place; and absolute values (of a weak symbol that nobody
 * defines, 0, plus an addend).
 */
#include "matrix.h"

struct arith {
	uint8_t d8;
	uint8_t d6; /* upper bits are kept */
	uint16_t d16;
	uint32_t d32;
	uint64_t d64;
	int64_t backward;
	uint8_t set8;
	uint8_t set6;
	uint16_t set16;
	uint32_t set32;
	uint32_t word;
	int32_t place;
	int64_t far;
};

extern const HIDDEN struct arith arith_table;
extern const HIDDEN char arith_from[], arith_to[];

__asm__(".weak arith_absent\n"
	".text\n\t.balign 4\n"
	".globl arith_from, arith_to\n.hidden arith_from, arith_to\n"
	"arith_from:\tcall world_add\n\tret\n\t.balign 4\n"
	"arith_to:\tret\n"
	".pushsection .rodata.arith, \"a\", %progbits\n"
	".balign 8\n"
	".globl arith_table\n.hidden arith_table\n"
	"arith_table:\n\t"
	".byte arith_to - arith_from\n\t"
	".reloc ., R_RISCV_SET6, arith_to\n\t"
	".reloc ., R_RISCV_SUB6, arith_from\n\t"
	".byte 0x80\n\t"
	".2byte arith_to - arith_from\n\t"
	".4byte arith_to - arith_from\n\t"
	".8byte arith_to - arith_from\n\t"
	".8byte arith_from - arith_to\n\t"
	".reloc ., R_RISCV_SET8, arith_absent + 0x91\n\t.byte 0\n\t"
	".reloc ., R_RISCV_SET6, arith_absent + 0x3f\n\t.byte 0x40\n\t"
	".reloc ., R_RISCV_SET16, arith_absent + 0x9192\n\t.2byte 0\n\t"
	".reloc ., R_RISCV_SET32, arith_absent + 0x91929394\n\t.4byte 0\n\t"
	".reloc ., R_RISCV_32, arith_absent + 0x81828384\n\t.4byte 0\n\t"
	".reloc ., R_RISCV_32_PCREL, arith_from\n\t.4byte 0\n\t"
	".8byte world_u64 - .\n\t"
	".reloc ., R_RISCV_NONE, arith_from\n"
	".popsection\n");

intptr_t arith_high(void), arith_high_far(void), arith_upper(void);
intptr_t arith_upper_negative(void);

#ifdef __riscv_compressed
#define UPPER(value)                                                           \
	".reloc ., R_RISCV_RVC_LUI, arith_absent + " value "\n\t"              \
	".2byte 0x6505\n\tret\n" /* c.lui a0, 1 */
#else
#define UPPER(value) "li a0, " value " & 0xfffffffffffff000\n\tret\n"
#endif

/*
 * Absolute halves, with a low half that is negative and one that is not. ld
 * 2.40 would relax away the lui of an undefined symbol, addend or not.
 */
// clang-format off
__asm__(".text\n\t.option push\n\t.option norelax\n\t.balign 4\n"
	ASM_FUNCTION(arith_high)
	"lui a0, %hi(arith_absent + 0x12345678)\n\t"
	"addi a0, a0, %lo(arith_absent + 0x12345678)\n\tret\n"
	ASM_FUNCTION(arith_high_far)
	"lui a0, %hi(arith_absent + 0x12345fff)\n\t"
	"addi a0, a0, %lo(arith_absent + 0x12345fff)\n\tret\n"
	ASM_FUNCTION(arith_upper) UPPER("0x1f000")
	ASM_FUNCTION(arith_upper_negative) UPPER("-0x20000")
	".option pop\n");
// clang-format on

MATRIX(arith)
{
	const struct arith *t = &arith_table;
	const intptr_t distance = arith_to - arith_from;

	OPAQUE(t);
	CHECK(distance >= 8 && distance <= 16);
	CHECK(t->d8 == distance && t->d6 == (distance | 0x80));
	CHECK(t->d16 == distance && t->d32 == (uint32_t)distance);
	CHECK(t->d64 == (uint64_t)distance && t->backward == -distance);
	CHECK(t->set8 == 0x91 && t->set6 == 0x7f);
	CHECK(t->set16 == 0x9192 && t->set32 == 0x91929394);
	CHECK(t->word == 0x81828384);
	CHECK((uintptr_t)&t->place + (uintptr_t)(intptr_t)t->place ==
	      (uintptr_t)arith_from);
	CHECK((uintptr_t)&t->far + (uintptr_t)t->far == (uintptr_t)&world_u64);
	CHECK(arith_high() == 0x12345678 && arith_high_far() == 0x12345fff);
	CHECK(arith_upper() == 0x1f000 && arith_upper_negative() == -0x20000);
	return 0;
}
