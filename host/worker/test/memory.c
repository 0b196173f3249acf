/* SPDX-License-Identifier: MIT */
/*
 * Allocations that fail when a test wants it: the linker sends all of this
 * program's here, those of the engine included.
 */
#include "memory.h"

#include <stdlib.h>

static unsigned made, fail_at;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

void memory_fail_at(unsigned n)
{
	__atomic_store_n(&made, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&fail_at, n, __ATOMIC_RELAXED);
}

unsigned memory_made(void)
{
	return __atomic_load_n(&made, __ATOMIC_RELAXED);
}

static bool fails(void)
{
	return __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED) ==
	       __atomic_load_n(&fail_at, __ATOMIC_RELAXED);
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}
