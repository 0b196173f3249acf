/* SPDX-License-Identifier: MIT */
/*
 * A shared object with the two functions of Linux instead of lkmod's. The
 * linker is told an entry point: it must not be taken for an init.
 */
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int init_module(void);
EXPORT void cleanup_module(void);
EXPORT int64_t plain_state(int64_t a, int64_t b, int64_t c, int64_t d);
EXPORT int64_t lkmod_entry(int64_t a, int64_t b, int64_t c, int64_t d);

static int64_t state;

int init_module(void)
{
	state += 1;
	return 0;
}

void cleanup_module(void)
{
	state = 0;
}

int64_t plain_state(int64_t a, int64_t b, int64_t c, int64_t d)
{
	return state + a + b + c + d;
}

int64_t lkmod_entry(int64_t a, int64_t b, int64_t c, int64_t d)
{
	state += 100;
	return a + b + c + d;
}
