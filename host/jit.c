/* SPDX-License-Identifier: MIT */
/*
 * GDB's JIT compilation interface: a descriptor and a function with names that
 * gdb knows. It has a breakpoint in the function, and then reads the entry
 * that the descriptor points to; when it attaches later it reads the list.
 * Registering is a few stores and a call, however many modules there are.
 *
 * What gdb is given is a copy of the module's file with the addresses of its
 * sections filled in, as LLVM does it; debug information is relocated by gdb.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/link.h>

#include "debug.h"

enum {
	JIT_NOACTION,
	JIT_REGISTER,
	JIT_UNREGISTER
};

struct jit_descriptor {
	uint32_t version;
	uint32_t action;
	struct jit_code_entry *relevant, *first;
};

/* NOLINTBEGIN(readability-identifier-naming): gdb's names */
extern struct jit_descriptor __jit_debug_descriptor;
void __jit_debug_register_code(void);

struct jit_descriptor __jit_debug_descriptor = { .version = 1 };

__attribute__((noinline)) void __jit_debug_register_code(void)
{
	__asm__ volatile("" : : : "memory");
}
/* NOLINTEND(readability-identifier-naming) */

void *jit_symfile(const struct tn_linked *file, size_t *size)
{
	struct tn_linked_section sec;
	struct tn_linked_file info;
	uint32_t at = 0;
	char *copy;

	tn_linked_file(file, &info);
	if (info.is_shared)
		return NULL;
	copy = malloc(info.data_size);
	if (!copy)
		return NULL;
	memcpy(copy, info.data, info.data_size);

	/* The engine has checked the headers. */
	Elf64_Ehdr eh;

	memcpy(&eh, copy, sizeof(eh));
	while (tn_linked_section(file, &at, &sec)) {
		char *sh = copy + eh.e_shoff + at * sizeof(Elf64_Shdr);

		memcpy(sh + offsetof(Elf64_Shdr, sh_addr), &sec.addr,
		    sizeof(sec.addr));
	}
	*size = info.data_size;
	return copy;
}

static void tell(uint32_t action, struct jit_code_entry *e)
{
	__jit_debug_descriptor.relevant = e;
	__jit_debug_descriptor.action = action;
	__jit_debug_register_code();
	__jit_debug_descriptor.action = JIT_NOACTION;
	__jit_debug_descriptor.relevant = NULL;
}

void jit_register(struct jit_code_entry *e)
{
	e->prev = NULL;
	e->next = __jit_debug_descriptor.first;
	if (e->next)
		e->next->prev = e;
	__jit_debug_descriptor.first = e;
	tell(JIT_REGISTER, e);
}

void jit_unregister(struct jit_code_entry *e)
{
	if (e->next)
		e->next->prev = e->prev;
	if (e->prev)
		e->prev->next = e->next;
	else
		__jit_debug_descriptor.first = e->next;
	tell(JIT_UNREGISTER, e);
}
