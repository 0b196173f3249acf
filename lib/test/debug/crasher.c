// SPDX-License-Identifier: MIT
/*
 * A module that is debugged: test_debug.py looks for its marked lines.
 */
#include <tenon/module.h>

int crasher_poke(long addr);
int crasher_sum(int n);

static __attribute__((noinline)) int poke(volatile int *p)
{
	*p = 7; /* LINE poke */
	return *p;
}

int crasher_poke(long addr)
{
	const int x = poke((volatile int *)addr); /* LINE call */

	return x + 1;
}
EXPORT_SYMBOL(crasher_poke);

static __attribute__((noinline)) int square(int x)
{
	return x * x; /* LINE square */
}

int crasher_sum(int n)
{
	int sum = 0;

	for (int i = 1; i <= n; i++)
		sum += square(i); /* LINE sum */
	return sum;
}
EXPORT_SYMBOL(crasher_sum);

static int __init crasher_init(void)
{
	return 0;
}

static void __exit crasher_exit(void)
{
}

module_init(crasher_init);
module_exit(crasher_exit);
MODULE_LICENSE("Dual MIT/GPL");
