/* SPDX-License-Identifier: MIT */
/*
 * GDB's JIT compilation interface: a descriptor and a function with names that
 * gdb knows. It has a breakpoint in the function, and then reads the entry
 * that the descriptor points to; when it attaches later it reads the list.
 */
#include "jit.h"

#include <stddef.h>

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
