/* SPDX-License-Identifier: MIT */
/*
 * High and low halves in every arrangement: many low halves of one high half,
 * low before high in the file, loads and stores, two pairs interleaved, GOT
 * cells read twice and not loaded from.
 */
#include "matrix.h"

struct pairs {
	uint32_t a, b;
	uint64_t c;
};

extern HIDDEN volatile struct pairs pairs_data;
__asm__(".pushsection .data.pairs, \"aw\", %progbits\n"
	".balign 16\n"
	".globl pairs_data\n.hidden pairs_data\n"
	"pairs_data:\t.4byte 0x11, 0x22\n\t.8byte 0x33\n"
	".popsection\n");

uint64_t pairs_many(void), pairs_backward(void), pairs_crossed(void);
uint64_t pairs_got_twice(void), pairs_got_own(void);
void pairs_store(uint64_t x);
uintptr_t pairs_la(void), pairs_lla(void);

// clang-format off
__asm__(".text\n\t.balign 4\n"
	ASM_FUNCTION(pairs_many)
	".Lmany: auipc a1, %pcrel_hi(pairs_data)\n\t"
	"lw a0, %pcrel_lo(.Lmany)(a1)\n\t"
	"addi a2, a1, %pcrel_lo(.Lmany)\n\t"
	"lw a3, 4(a2)\n\t"
	"lbu a4, %pcrel_lo(.Lmany)(a1)\n\t"
	"add a0, a0, a3\n\tadd a0, a0, a4\n\tret\n"
	ASM_FUNCTION(pairs_backward)
	"j 2f\n"
	"1:\tlw a0, %pcrel_lo(.Lback)(a1)\n\tret\n"
	"2:\n.Lback:\tauipc a1, %pcrel_hi(pairs_data + 4)\n\tj 1b\n"
	ASM_FUNCTION(pairs_crossed)
	".Lone: auipc a1, %pcrel_hi(pairs_data)\n"
	".Ltwo: auipc a2, %pcrel_hi(pairs_data + 8)\n\t"
	"lw a0, %pcrel_lo(.Lone)(a1)\n\t"
	"ld a3, %pcrel_lo(.Ltwo)(a2)\n\t"
	"add a0, a0, a3\n\tret\n"
	ASM_FUNCTION(pairs_store)
	".Lput: auipc a1, %pcrel_hi(pairs_data)\n\t"
	"sw a0, %pcrel_lo(.Lput)(a1)\n"
	".Lput8: auipc a1, %pcrel_hi(pairs_data + 8)\n\t"
	"sd a0, %pcrel_lo(.Lput8)(a1)\n\tret\n"
	ASM_FUNCTION(pairs_got_twice)
	".Lgot: auipc a1, %got_pcrel_hi(world_u64)\n\t"
	"ld a0, %pcrel_lo(.Lgot)(a1)\n\t"
	"ld a2, %pcrel_lo(.Lgot)(a1)\n\t"
	"ld a0, 0(a0)\n\tld a2, 0(a2)\n\tsub a0, a0, a2\n\tret\n"
	ASM_FUNCTION(pairs_got_own)
	".Lgot2: auipc a1, %got_pcrel_hi(pairs_data)\n\t"
	"addi a2, a1, %pcrel_lo(.Lgot2)\n\t" /* the cell's own address */
	"ld a0, 0(a2)\n\tlw a0, 0(a0)\n\tret\n"
	".option push\n\t.option pic\n"
	ASM_FUNCTION(pairs_la) "la a0, world_u64\n\tret\n"
	".option pop\n"
	ASM_FUNCTION(pairs_lla) "lla a0, pairs_data\n\tret\n");
// clang-format on

MATRIX(pairs)
{
	CHECK(pairs_many() == 0x11 + 0x22 + 0x11);
	CHECK(pairs_backward() == 0x22 && pairs_crossed() == 0x44);
	CHECK(pairs_got_own() == 0x11 && pairs_got_twice() == 0);
	pairs_store(0x7788);
	CHECK(pairs_data.a == 0x7788 && pairs_data.b == 0x22);
	CHECK(pairs_data.c == 0x7788);
	CHECK(pairs_la() == (uintptr_t)&world_u64);
	CHECK(pairs_lla() == (uintptr_t)&pairs_data);
	return 0;
}
