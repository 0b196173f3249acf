/* SPDX-License-Identifier: MIT */
/*
 * GDB's JIT compilation interface ("JIT Compilation Interface" in its manual).
 * For batch.c, under the lock of debug.c.
 */
#pragma once

#include <stdint.h>

/* As gdb reads it. */
struct jit_code_entry {
	struct jit_code_entry *next, *prev;
	const char *symfile;
	uint64_t size;
};

/* Links @e in or out and calls gdb. */
void jit_register(struct jit_code_entry *e);
void jit_unregister(struct jit_code_entry *e);
