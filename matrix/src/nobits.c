/* SPDX-License-Identifier: MIT */
/*
 * Several sections without bytes in the file, between sections with bytes and
 * with alignments of their own.
 */
#include "matrix.h"

static PLACED(".bss.first") char first[100];
PLACED(".data.between") volatile int nobits_between = 77;
static PLACED(".bss.second") uint64_t second[33];
static PLACED(".bss.third") __attribute__((aligned(1024))) char third[3];
static char plain[5000];
static PLACED(".bss.last") char last[1];

extern HIDDEN uint32_t nobits_raw[16];
__asm__(".pushsection .raw_zeros, \"aw\", %nobits\n"
	".balign 16\n"
	"nobits_raw: .skip 64\n"
	".hidden nobits_raw\n"
	".globl nobits_raw\n"
	".popsection\n");

static NOINLINE int is_zero(const void *p, size_t n)
{
	const volatile char *at = (const volatile char *)p;

	while (n-- > 0)
		if (*at++ != 0)
			return 0;
	return 1;
}

MATRIX(nobits)
{
	CHECK(is_zero(first, sizeof(first)) && is_zero(second, sizeof(second)));
	CHECK(is_zero(third, sizeof(third)) && is_zero(plain, sizeof(plain)));
	CHECK(is_zero(last, sizeof(last)) && is_zero(nobits_raw, 64));
	CHECK(nobits_between == 77);
	CHECK(((uintptr_t)third & 1023) == 0);
	((volatile char *)first)[99] = 1;
	((volatile uint64_t *)second)[32] = 2;
	((volatile char *)plain)[4999] = 3;
	((volatile uint32_t *)nobits_raw)[15] = 4;
	((volatile char *)last)[0] = 5;
	CHECK(is_zero(first, 99) && is_zero(second, 32 * 8));
	CHECK(is_zero(third, 3) && is_zero(plain, 4999));
	CHECK(is_zero(nobits_raw, 60) && nobits_between == 77);
	CHECK(first[99] + second[32] + plain[4999] + nobits_raw[15] + last[0] ==
	      15);
	return 0;
}
