/* SPDX-License-Identifier: MIT */
/*
 * Unwind tables: the description that .eh_frame holds of each function starts
 * at the function, is as long as it, and advances within it.
 */
#include "unwind.h"

UNWIND_START(unwind_frame);

VISIBLE int unwind_first(int x);
HIDDEN int unwind_second(int x);

NOINLINE HIDDEN int unwind_second(int x)
{
	volatile int room[9] = { x };

	room[8] = world_add(room[0], 3);
	return room[8] + world_mul(x, 2);
}

NOINLINE VISIBLE int unwind_first(int x)
{
	volatile int room[5] = { x };

	for (int i = 0; i < x; i++)
		room[i % 5] += unwind_second(i);
	return room[0] + room[4];
}

/* Does the table describe @function? No function here is long. */
static NOINLINE int is_described(uintptr_t function)
{
	struct unwind u;
	uint64_t advanced = 0, step;

	OPAQUE(function);
	CHECK(unwind_find(unwind_frame, function, &u));
	CHECK(u.size > 8 && u.size < 4096);
	while ((step = unwind_advance(&u)) != 0)
		advanced += step;
	CHECK(advanced > 0 && advanced <= u.size);
	return 0;
}

MATRIX(unwind)
{
	CHECK(unwind_first(6) == 42);
	CHECK(is_described((uintptr_t)&unwind_first) == 0);
	CHECK(is_described((uintptr_t)&unwind_second) == 0);
	return 0;
}
