/* SPDX-License-Identifier: MIT */
/*
 * Exception tables: the description of a function with a handler names its
 * table of call sites and, through a pointer that every object brings in a
 * group of its own, the personality routine. Nothing is thrown here.
 */
#include "unwind.h"

UNWIND_START(except_frame);

/*
 * What a C++ runtime would bring; none of it is called. The names are known to
 * the compilers, with types of their own.
 */
#define RUNTIME(name)                                                          \
	__asm__(#name) __attribute__((weak, visibility("hidden"), used))

extern "C" {
int except_personality() RUNTIME(__gxx_personality_v0);
void *except_begin(void *thrown) RUNTIME(__cxa_begin_catch);
void except_end() RUNTIME(__cxa_end_catch);
void except_resume() RUNTIME(_Unwind_Resume);
HIDDEN int except_guarded(int x);
}

int except_personality()
{
	return 0;
}

void *except_begin(void *thrown)
{
	return thrown;
}

void except_end()
{
}

void except_resume()
{
}

static int caught;

extern "C" NOINLINE HIDDEN int except_guarded(int x)
{
	try {
		return world_add(x, 1);
	} catch (...) {
		caught++;
	}
	return world_sub(x, caught);
}

MATRIX(except)
{
	struct unwind u;

	CHECK(except_guarded(4) == 5);
	CHECK(unwind_find(except_frame, (uintptr_t)&except_guarded, &u));
	CHECK(u.size > 8 && u.size < 4096);
	CHECK(u.personality == (uintptr_t)&except_personality);
	/* The table begins with the mark of no start of landing pads. */
	CHECK(u.sites != 0);
	CHECK(*(const unsigned char *)u.sites == 0xff);
	return 0;
}
