/* SPDX-License-Identifier: MIT */
/*
 * The advances of unwind tables in relaxable code: 6, 8, 16 and 32 bits wide
 * (SET6 and SUB6 to SET32), which must lead exactly to labels in the code.
 */
#include "unwind.h"

UNWIND_START(cfi_frame);

extern const HIDDEN char cfi_at[], cfi_one[], cfi_two[], cfi_three[];
extern const HIDDEN char cfi_four[], cfi_end[];

/* The distances: below 64, 256 and 65536 bytes, and above. */
__asm__(".text\n\t.balign 4\n"
	".globl cfi_at, cfi_one, cfi_two, cfi_three, cfi_four, cfi_end\n"
	".hidden cfi_at, cfi_one, cfi_two, cfi_three, cfi_four, cfi_end\n"
	".cfi_sections .eh_frame\n"
	"cfi_at:\n\t.cfi_startproc\n\t"
	"call world_add\n"
	"cfi_one:\n\t.cfi_def_cfa_offset 16\n\t"
	"call world_add\n\t.skip 100\n"
	"cfi_two:\n\t.cfi_def_cfa_offset 32\n\t"
	"call world_add\n\t.skip 1000\n"
	"cfi_three:\n\t.cfi_def_cfa_offset 48\n\t"
	"call world_add\n\t.skip 70000\n"
	"cfi_four:\n\t.cfi_def_cfa_offset 64\n\tret\n"
	".cfi_endproc\n"
	"cfi_end:\n");

MATRIX(cfi)
{
	struct unwind u;

	CHECK(unwind_find(cfi_frame, (uintptr_t)cfi_at, &u));
	CHECK(u.size == (uintptr_t)(cfi_end - cfi_at));
	CHECK(unwind_advance(&u) == (uintptr_t)(cfi_one - cfi_at));
	CHECK(unwind_advance(&u) == (uintptr_t)(cfi_two - cfi_one));
	CHECK(unwind_advance(&u) == (uintptr_t)(cfi_three - cfi_two));
	CHECK(unwind_advance(&u) == (uintptr_t)(cfi_four - cfi_three));
	CHECK(unwind_advance(&u) == 0);
	return 0;
}
