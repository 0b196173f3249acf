/* SPDX-License-Identifier: MIT */
/*
 * Has a symbol that is one in the whole process, as C++ inline variables are:
 * glibc does not unmap a library whose symbol has been bound to.
 */
#include <tenon/plugin.h>

__asm__(".data\n"
	".globl unique_counter\n"
	".type unique_counter, %gnu_unique_object\n"
	".size unique_counter, 4\n"
	".balign 4\n"
	"unique_counter: .long 7\n"
	".text\n");
extern int unique_counter;

static int process(void *data)
{
	(void)data;
	return unique_counter;
}

struct plugin_ops plugin_ops = { .name = "unique", .process = process };
