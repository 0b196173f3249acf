/* SPDX-License-Identifier: MIT */
/*
 * A branch target of 32 bits, to the world and to this file. The binutils of
 * the matrix do not know the type: build.py renumbers PREL32 in .rodata.plt.
 */
#include "matrix.h"

HIDDEN int branch_word_own(int a, int b);

NOINLINE LIVE HIDDEN int branch_word_own(int a, int b)
{
	return world_add(a, b) + 100;
}

extern const HIDDEN int32_t branch_word_table[2];
__asm__(".pushsection .rodata.plt, \"a\", %progbits\n"
	".balign 4\n"
	".globl branch_word_table\n.hidden branch_word_table\n"
	"branch_word_table:\n\t"
	".reloc ., R_AARCH64_PREL32, world_mul\n\t.4byte 0\n\t"
	".reloc ., R_AARCH64_PREL32, branch_word_own\n\t.4byte 0\n"
	".popsection\n");

static NOINLINE int call(const int32_t *word, int a, int b)
{
	OPAQUE(word);
	return ((int (*)(int a, int b))((intptr_t)word + *word))(a, b);
}

MATRIX(branch_word)
{
	CHECK(world_mul(2, 3) == 6);
	CHECK(call(&branch_word_table[0], 6, 7) == 42);
	CHECK(call(&branch_word_table[1], 6, 7) == 113);
	return 0;
}
