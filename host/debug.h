/* SPDX-License-Identifier: MIT */
/*
 * What debuggers are told about modules: see <host/debug.h>. Inside of it.
 */
#pragma once

#include <base/compiler.h>
#include <tenon/inspect.h>

/* --- jit.c: gdb's own interface ("JIT Compilation Interface" in its manual) */

/* As gdb reads it. */
struct jit_code_entry {
	struct jit_code_entry *next, *prev;
	const char *symfile;
	uint64_t size;
};

/*
 * An ELF file whose sections have the addresses that they were loaded at, or
 * NULL: no memory, or an ET_DYN file, which gdb cannot be told about this way.
 */
void *jit_symfile(const struct tn_linked *file, size_t *size) MUST_CHECK;

/* Links @e in or out and calls gdb. The lock of debug.c. */
void jit_register(struct jit_code_entry *e);
void jit_unregister(struct jit_code_entry *e);
