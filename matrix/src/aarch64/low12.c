/* SPDX-License-Identifier: MIT */
/*
 * ADRP (checked and unchecked) with every kind of low half: add, and loads and
 * stores of 1 to 16 bytes; one ADRP for several of them; GOT cells of code
 * that does not use the form that a loader may relax.
 */
#include "matrix.h"

extern HIDDEN volatile uint8_t low12_data[64];
__asm__(".pushsection .data.low12, \"aw\", %progbits\n"
	".balign 16\n"
	".globl low12_data\n.hidden low12_data\n"
	"low12_data:\n\t"
	".8byte 0x8182838485868788, 0x9192939495969798\n\t"
	".8byte 0, 0, 0, 0, 0, 0\n"
	".popsection\n");

uint64_t low12_byte(void), low12_signed_byte(void), low12_half(void);
uint64_t low12_signed_word(void), low12_wide(void), low12_vector(void);
const volatile void *low12_add(void), *low12_unchecked(void);
void low12_store(uint64_t x);
uint64_t low12_got_pair(void), low12_got_load(void);

#define PAGE_OF(symbol) "adrp x1, " symbol "\n\t"

// clang-format off
__asm__(".text\n\t.balign 4\n"
	ASM_FUNCTION(low12_byte)
	PAGE_OF("low12_data + 1")
	"ldrb w0, [x1, #:lo12:low12_data + 1]\n\tret\n"
	ASM_FUNCTION(low12_signed_byte)
	PAGE_OF("low12_data") "ldrsb x0, [x1, #:lo12:low12_data]\n\tret\n"
	ASM_FUNCTION(low12_half)
	PAGE_OF("low12_data + 2")
	"ldrh w0, [x1, #:lo12:low12_data + 2]\n\tret\n"
	ASM_FUNCTION(low12_signed_word)
	PAGE_OF("low12_data + 4")
	"ldrsw x0, [x1, #:lo12:low12_data + 4]\n\tret\n"
	ASM_FUNCTION(low12_wide)
	PAGE_OF("low12_data + 8")
	"ldr x0, [x1, #:lo12:low12_data + 8]\n\tret\n"
	ASM_FUNCTION(low12_vector)
	PAGE_OF("low12_data")
	"ldr q0, [x1, #:lo12:low12_data]\n\tmov x0, v0.d[1]\n\tret\n"
	ASM_FUNCTION(low12_add)
	PAGE_OF("low12_data + 5")
	"add x0, x1, #:lo12:low12_data + 5\n\tret\n"
	ASM_FUNCTION(low12_unchecked)
	"adrp x1, :pg_hi21_nc:low12_data\n\t"
	"add x0, x1, #:lo12:low12_data\n\tret\n"
	ASM_FUNCTION(low12_store)
	PAGE_OF("low12_data + 16")
	"strb w0, [x1, #:lo12:low12_data + 16]\n\t"
	"strh w0, [x1, #:lo12:low12_data + 18]\n\t"
	"str w0, [x1, #:lo12:low12_data + 20]\n\t"
	"str x0, [x1, #:lo12:low12_data + 24]\n\t"
	"dup v0.2d, x0\n\t"
	"str q0, [x1, #:lo12:low12_data + 32]\n\tret\n"
	ASM_FUNCTION(low12_got_pair)
	"adrp x1, :got:world_u64\n\tadrp x2, :got:world_u32\n\t"
	"ldr x0, [x1, #:got_lo12:world_u64]\n\t"
	"ldr x2, [x2, #:got_lo12:world_u32]\n\t"
	"ldr x0, [x0]\n\tldr w2, [x2]\n\tadd x0, x0, x2\n\tret\n"
	/* The page goes through another register. */
	ASM_FUNCTION(low12_got_load)
	"adrp x3, :got:world_u64\n\tmov x4, x3\n\t"
	"ldr x5, [x4, #:got_lo12:world_u64]\n\tldr x0, [x5]\n\tret\n");
// clang-format on

MATRIX(low12)
{
	CHECK(low12_byte() == 0x87);
	CHECK(low12_signed_byte() == (uint64_t)-0x78);
	CHECK(low12_half() == 0x8586);
	CHECK(low12_signed_word() == 0xffffffff81828384);
	CHECK(low12_wide() == 0x9192939495969798);
	CHECK(low12_vector() == 0x9192939495969798);
	CHECK(low12_add() == low12_data + 5);
	CHECK(low12_unchecked() == low12_data);
	low12_store(0x0102030405060708);
	CHECK(low12_data[16] == 8 && low12_data[17] == 0);
	CHECK(low12_data[18] == 8 && low12_data[19] == 7);
	CHECK(low12_data[20] == 8 && low12_data[23] == 5);
	CHECK(low12_data[24] == 8 && low12_data[31] == 1);
	CHECK(low12_data[32] == 8 && low12_data[47] == 1);
	CHECK(low12_data[48] == 0);
	CHECK(low12_got_pair() == world_u64 + world_u32);
	CHECK(low12_got_load() == world_u64);
	return 0;
}
