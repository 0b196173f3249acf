/* SPDX-License-Identifier: MIT */
/*
 * The four visibilities, defined here and used here. A default-visible
 * definition is reached through the GOT in position-independent code; the
 * cell must hold our own address.
 */
#include "matrix.h"

#define PROTECTED __attribute__((visibility("protected")))
#define INTERNAL  __attribute__((visibility("internal")))

VISIBLE volatile int visibility_default = 1;
HIDDEN volatile int visibility_hidden = 2;
PROTECTED volatile int visibility_protected = 3;
INTERNAL volatile int visibility_internal = 4;
VISIBLE volatile char visibility_bytes[3000] = { [2999] = 5 };

VISIBLE int visibility_call(int x);
HIDDEN int visibility_call_hidden(int x);
PROTECTED int visibility_call_protected(int x);

NOINLINE VISIBLE int visibility_call(int x)
{
	OPAQUE(x);
	return x + 1;
}

NOINLINE HIDDEN int visibility_call_hidden(int x)
{
	OPAQUE(x);
	return x + 2;
}

NOINLINE PROTECTED int visibility_call_protected(int x)
{
	OPAQUE(x);
	return x + 3;
}

static NOINLINE volatile int *address(int n)
{
	OPAQUE(n);
	switch (n) {
	case 0: return &visibility_default;
	case 1: return &visibility_hidden;
	case 2: return &visibility_protected;
	default: return &visibility_internal;
	}
}

MATRIX(visibility)
{
	int (*volatile fn)(int x) = visibility_call;

	CHECK(visibility_default == 1 && visibility_hidden == 2);
	CHECK(visibility_protected == 3 && visibility_internal == 4);
	for (int n = 0; n < 4; n++)
		*address(n) += 10;
	CHECK(visibility_default == 11 && visibility_hidden == 12);
	CHECK(visibility_protected == 13 && visibility_internal == 14);
	CHECK(visibility_bytes[2999] == 5 && visibility_bytes[2998] == 0);
	CHECK(visibility_call(1) == 2 && visibility_call_hidden(1) == 3);
	CHECK(visibility_call_protected(1) == 4);
	CHECK(fn(4) == 5);
	fn = visibility_call_hidden;
	CHECK(fn(4) == 6);
	return 0;
}
