/* SPDX-License-Identifier: MIT */
/*
 * Distances from the word itself: eight, four and two bytes wide, to code and
 * data of this file and, eight wide, to the world.
 */
#include "matrix.h"

HIDDEN int selfrel_code(int x);
HIDDEN volatile int selfrel_data = 0x5a;

NOINLINE LIVE HIDDEN int selfrel_code(int x)
{
	OPAQUE(x);
	return x + 0x11;
}

struct distances {
	int64_t code, data, world, past;
	int32_t short_code, short_data, short_past, near;
	int32_t end;
};

extern const HIDDEN struct distances selfrel_table;
__asm__(".pushsection .rodata.selfrel, \"a\", %progbits\n"
	".balign 8\n"
	".globl selfrel_table\n"
	".hidden selfrel_table\n"
	"selfrel_table:\n\t"
	".8byte selfrel_code - .\n\t"
	".8byte selfrel_data - .\n\t"
	".8byte world_add - .\n\t"
	".8byte selfrel_data + 4 - .\n\t"
	".4byte selfrel_code - .\n\t"
	".4byte selfrel_data - .\n\t"
	".4byte selfrel_data + 4 - .\n\t"
	".4byte selfrel_near - .\n\t"
	".4byte 0x77\n"
	".popsection\n"
	".pushsection .rodata.selfrel_near, \"a\", %progbits\n"
	"selfrel_near: .4byte 0x66\n"
	".popsection\n");

#define AT(field) ((uintptr_t)&t->field + (uintptr_t)(int64_t)t->field)

MATRIX(selfrel)
{
	const struct distances *t = &selfrel_table;

	OPAQUE(t);
	CHECK(AT(code) == (uintptr_t)&selfrel_code);
	CHECK(AT(data) == (uintptr_t)&selfrel_data);
	CHECK(((int (*)(int a, int b))AT(world))(2, 3) == 5);
	CHECK(AT(past) == (uintptr_t)(&selfrel_data + 1));
	CHECK(AT(short_code) == (uintptr_t)&selfrel_code);
	CHECK(((int (*)(int x))AT(short_code))(1) == 0x12);
	CHECK(AT(short_data) == AT(data) && AT(short_past) == AT(past));
	CHECK(*(const uint32_t *)AT(near) == 0x66 && t->end == 0x77);
	return 0;
}
