/* SPDX-License-Identifier: MIT */
/*
 * What every source of the compiler matrix starts with.
 *
 * A source NAME.c is one module with one export, matrix_NAME: it looks at
 * what its relocations have made of it and returns 0, or the line of the first
 * claim that does not hold. Nothing may be known to the compiler before
 * linking: values come from the world (world.h), from volatile objects, or
 * through OPAQUE.
 */
#pragma once

#include <tenon/module.h>

#include "world.h"

/* Makes the compiler forget what it knows about the variable. */
#define OPAQUE(x) __asm__ volatile("" : "+r"(x))

#define NOINLINE     __attribute__((noinline))
#define HIDDEN       __attribute__((visibility("hidden")))
#define VISIBLE      __attribute__((visibility("default")))
#define LIVE         __attribute__((used))
#define PLACED(name) __attribute__((section(name)))

#define CHECK(claim)                                                           \
	do {                                                                   \
		if (!(claim))                                                  \
			return __LINE__;                                       \
	} while (0)

#define MATRIX(name)                                                           \
	TENON_C int matrix_##name(void);                                       \
	EXPORT_SYMBOL(matrix_##name);                                          \
	TENON_C int matrix_##name(void)

/* A global function in assembly, reached without the GOT. */
#define ASM_FUNCTION(name)                                                     \
	".globl " #name "\n.hidden " #name "\n.type " #name                    \
	", %function\n" #name ":\n"
