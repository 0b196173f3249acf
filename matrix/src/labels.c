/* SPDX-License-Identifier: MIT */
/*
 * Addresses of labels: computed goto by absolute addresses and by differences
 * of labels, which riscv leaves to the linker (ADD32, SUB32).
 */
#include "matrix.h"

/* Op codes: 0 add one, 1 double, 2 call the world, 3 end. */
static NOINLINE int run_absolute(const uint8_t *code, int x)
{
	static const void *const jump[] = { &&add, &&twice, &&call, &&end };

	goto *jump[*code++];
add:
	x++;
	goto *jump[*code++];
twice:
	x *= 2;
	goto *jump[*code++];
call:
	x = world_add(x, 100);
	goto *jump[*code++];
end:
	return x;
}

static NOINLINE int run_relative(const uint8_t *code, int x)
{
	static const int jump[] = { &&add - &&add, &&twice - &&add,
		&&call - &&add, &&end - &&add };

	goto *(&&add + jump[*code++]);
add:
	x++;
	goto *(&&add + jump[*code++]);
twice:
	x *= 2;
	goto *(&&add + jump[*code++]);
call:
	x = world_mul(x, 3);
	goto *(&&add + jump[*code++]);
end:
	return x;
}

MATRIX(labels)
{
	static const volatile uint8_t program[] = { 0, 1, 2, 1, 0, 3 };
	uint8_t code[sizeof(program)];

	for (unsigned i = 0; i < sizeof(program); i++)
		code[i] = program[i];
	CHECK(run_absolute(code, 4) == 221);
	CHECK(run_relative(code, 4) == 61);
	return 0;
}
