/* SPDX-License-Identifier: MIT */
/*
 * Section groups (COMDAT), as C++ and some C compilers make them: data and
 * code that belong together and refer to each other.
 */
#include "matrix.h"

struct grouped {
	const struct grouped *self;
	const char *name;
	int64_t value;
};

extern const HIDDEN struct grouped groups_table;
extern HIDDEN volatile int groups_variable;

__asm__(".pushsection .data.rel.ro.grouped, \"awG\", %progbits, "
	"groups_signature, comdat\n"
	".balign 8\n"
	".weak groups_table\n"
	".hidden groups_table\n"
	"groups_table:\n\t"
	".8byte groups_table\n\t"
	".8byte groups_name + 1\n\t"
	".8byte 42\n"
	".popsection\n"
	".pushsection .rodata.grouped, \"aG\", %progbits, "
	"groups_signature, comdat\n"
	"groups_name: .asciz \"grouped\"\n"
	".popsection\n"
	".pushsection .data.grouped, \"awG\", %progbits, "
	"groups_other, comdat\n"
	".balign 4\n"
	".weak groups_variable\n"
	".hidden groups_variable\n"
	"groups_variable: .4byte 43\n"
	".popsection\n");

MATRIX(groups)
{
	CHECK(groups_table.self == &groups_table);
	CHECK(groups_table.name[0] == 'r' && groups_table.name[5] == 'd');
	CHECK(groups_table.value == 42);
	groups_variable = groups_variable + 1;
	CHECK(groups_variable == 44);
	return 0;
}
