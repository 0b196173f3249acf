/* SPDX-License-Identifier: MIT */
/*
 * Fields of 8, 16, 32 and 64 bits, absolute and relative to the place, in data
 * and in instructions. Absolute values are those of weak symbols that nobody
 * defines (0), plus an addend: they fit at any address.
 */
#include "matrix.h"

struct narrow {
	uint8_t abs8, abs8_negative;
	uint16_t abs16;
	uint32_t abs32;
	int32_t abs32s;
	int8_t pc8, pc8_back;
	int16_t pc16;
	int32_t pc32;
	int64_t pc64;
	uint64_t abs64;
} __attribute__((packed));

extern const HIDDEN struct narrow narrow_table;
extern const HIDDEN uint8_t narrow_label[2];
__asm__(".weak narrow_absent\n"
	".pushsection .rodata.narrow, \"a\", @progbits\n"
	".globl narrow_table, narrow_label\n"
	".hidden narrow_table, narrow_label\n"
	"narrow_table:\n\t"
	".reloc ., R_X86_64_8, narrow_absent + 0x7e\n\t.byte 0\n\t"
	".reloc ., R_X86_64_8, narrow_absent - 2\n\t.byte 0\n\t"
	".reloc ., R_X86_64_16, narrow_absent + 0xfedc\n\t.2byte 0\n\t"
	".reloc ., R_X86_64_32, narrow_absent + 0xfedcba98\n\t.4byte 0\n\t"
	".reloc ., R_X86_64_32S, narrow_absent - 0x7edcba98\n\t.4byte 0\n"
	"1:\t.reloc ., R_X86_64_PC8, narrow_label\n\t.byte 0\n\t"
	".reloc ., R_X86_64_PC8, narrow_table\n\t.byte 0\n\t"
	".reloc ., R_X86_64_PC16, narrow_label\n\t.2byte 0\n\t"
	".reloc ., R_X86_64_PC32, narrow_label\n\t.4byte 0\n\t"
	".reloc ., R_X86_64_PC64, narrow_label\n\t.8byte 0\n\t"
	".reloc ., R_X86_64_64, narrow_label\n\t.8byte 0\n\t"
	".reloc ., R_X86_64_NONE, narrow_label\n"
	"narrow_label: .byte 0x55, 0x66\n"
	".popsection\n");

int narrow_loop(long n);
uint64_t narrow_movabs(void);

/* LOOP has a displacement of eight bits and no longer form. */
// clang-format off
__asm__(".text\n" ASM_FUNCTION(narrow_loop)
	"movq %rdi, %rcx\n\txorl %eax, %eax\n"
	".weak narrow_again\n"
	".hidden narrow_again\n"
	"narrow_again:\n\t"
	"addl $3, %eax\n\t"
	".byte 0xe2\n\t"
	".reloc ., R_X86_64_PC8, narrow_again - 1\n\t.byte 0\n\t"
	"ret\n"
	ASM_FUNCTION(narrow_movabs)
	"movabsq $narrow_label, %rax\n\tret\n");
// clang-format on

#define AT(field) ((uintptr_t)&t->field + (uintptr_t)(int64_t)t->field)

MATRIX(narrow)
{
	const struct narrow *t = &narrow_table;
	const uintptr_t label = (uintptr_t)narrow_label;

	OPAQUE(t);
	CHECK(t->abs8 == 0x7e && t->abs8_negative == 0xfe);
	CHECK(t->abs16 == 0xfedc && t->abs32 == 0xfedcba98);
	CHECK(t->abs32s == -0x7edcba98);
	CHECK(AT(pc8) == label && AT(pc8_back) == (uintptr_t)t);
	CHECK(AT(pc16) == label && AT(pc32) == label && AT(pc64) == label);
	CHECK(t->abs64 == label && narrow_movabs() == label);
	CHECK(narrow_label[1] == 0x66);
	CHECK(narrow_loop(1) == 3 && narrow_loop(5) == 15);
	return 0;
}
