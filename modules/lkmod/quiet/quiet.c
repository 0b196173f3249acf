/* SPDX-License-Identifier: MIT */
/*
 * No init at all; imports a symbol that slots do not offer unless they are
 * told to, and one that may be missing.
 */
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/* Symbols that are no functions, though text is where they point to. */
__asm__(".globl quiet_number\n\t.set quiet_number, 64");

extern int64_t quiet_import(int64_t a);
extern int64_t quiet_hook(int64_t a) __attribute__((weak));
EXPORT int64_t quiet_call(int64_t a, int64_t b, int64_t c, int64_t d);

int64_t quiet_call(int64_t a, int64_t b, int64_t c, int64_t d)
{
	if (quiet_hook != NULL)
		a = quiet_hook(a);
	return quiet_import(a) + b + c + d;
}
