/* SPDX-License-Identifier: MIT */
/*
 * What symbolize_bench loads many times: ten exported functions, whose names
 * hold a tag that it replaces by a number.
 */
#include <tenon/module.h>

#define FUNCTION(k)                                                            \
	int bench_TTTT_##k(int x);                                             \
	int bench_TTTT_##k(int x)                                              \
	{                                                                      \
		return x * (k + 3) + (x >> (k + 1));                           \
	}                                                                      \
	EXPORT_SYMBOL(bench_TTTT_##k)

FUNCTION(0);
FUNCTION(1);
FUNCTION(2);
FUNCTION(3);
FUNCTION(4);
FUNCTION(5);
FUNCTION(6);
FUNCTION(7);
FUNCTION(8);
FUNCTION(9);

static int __init bench_init(void)
{
	return 0;
}

static void __exit bench_exit(void)
{
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_LICENSE("Dual MIT/GPL");

__asm__(".pushsection .note.tenon, \"a\", %note\n\t.balign 4\n\t"
	".long 6, 16, 1\n\t.asciz \"Tenon\"\n\t.balign 4\n\t"
	".long 1, 1, 1, 0\n\t.popsection");
