/* SPDX-License-Identifier: MIT */
/*
 * Differences as ULEB128 numbers of one to three bytes, keeping the length
 * that was reserved, and a branch target of 32 bits. The assemblers of the
 * matrix do not know these types yet: they are written as types they know, and
 * renumbered in the object file (build.py: SET8 and SUB8 in .rodata.uleb, and
 * 32_PCREL in .rodata.plt).
 */
#include "matrix.h"

struct leb {
	uint8_t one[1], two[2], three[3], padded[3];
};

extern const HIDDEN struct leb uleb_table;
extern const HIDDEN int32_t uleb_branch;
extern const HIDDEN char uleb_a[], uleb_b[], uleb_c[], uleb_d[];

#define DIFFERENCE(high, low, bytes)                                           \
	".reloc ., R_RISCV_SET8, " high "\n\t"                                 \
	".reloc ., R_RISCV_SUB8, " low "\n\t"                                  \
	".byte " bytes "\n\t"

// clang-format off
__asm__(".pushsection .rodata.uleb_space, \"a\", %progbits\n"
	".globl uleb_a, uleb_b, uleb_c, uleb_d\n"
	".hidden uleb_a, uleb_b, uleb_c, uleb_d\n"
	"uleb_a: .skip 100\nuleb_b: .skip 1000\nuleb_c: .skip 40000\n"
	"uleb_d: .byte 1\n"
	".popsection\n"
	".pushsection .rodata.uleb, \"a\", %progbits\n"
	".globl uleb_table\n.hidden uleb_table\n"
	"uleb_table:\n\t"
	DIFFERENCE("uleb_b", "uleb_a", "0")
	DIFFERENCE("uleb_c", "uleb_b", "0x80, 0")
	DIFFERENCE("uleb_d", "uleb_a", "0x80, 0x80, 0")
	DIFFERENCE("uleb_b + 1", "uleb_b", "0x80, 0x80, 0")
	".popsection\n"
	".pushsection .rodata.plt, \"a\", %progbits\n"
	".balign 4\n"
	".globl uleb_branch\n.hidden uleb_branch\n"
	"uleb_branch:\t.reloc ., R_RISCV_32_PCREL, world_mul\n\t.4byte 0\n"
	".popsection\n");
// clang-format on

static NOINLINE unsigned value(const uint8_t *p, unsigned n)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum |= (p[i] & 0x7fu) << (7 * i);
	for (unsigned i = 0; i < n; i++)
		if (p[i] >> 7 != (i + 1 < n))
			return ~0u; /* it has another length */
	return sum;
}

MATRIX(uleb)
{
	const struct leb *t = &uleb_table;
	const int32_t *branch = &uleb_branch;

	OPAQUE(t);
	OPAQUE(branch);
	CHECK(value(t->one, 1) == 100 && value(t->two, 2) == 1000);
	CHECK(value(t->three, 3) == 41100 && value(t->padded, 3) == 1);
	CHECK(world_mul(2, 3) == 6);
	CHECK(
	    ((int (*)(int a, int b))((intptr_t)branch + *branch))(6, 7) == 42);
	return 0;
}
