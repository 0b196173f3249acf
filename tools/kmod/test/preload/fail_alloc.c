/* SPDX-License-Identifier: MIT */
/*
 * For LD_PRELOAD: allocation number $FAIL_ALLOC of the program fails, once. At
 * the end "no allocation" is said when there was none of that number. What the
 * loader and the library's start-up allocate does not count.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

static long countdown;

__attribute__((constructor)) static void start(void)
{
	const char *text = getenv("FAIL_ALLOC");

	countdown = text != NULL ? atol(text) : 0;
}

__attribute__((destructor)) static void end(void)
{
	static const char none[] = "no allocation of this number\n";

	if (countdown > 0)
		(void)!write(STDERR_FILENO, none, sizeof(none) - 1);
}

static int fails(void)
{
	if (countdown <= 0 || --countdown != 0)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}
