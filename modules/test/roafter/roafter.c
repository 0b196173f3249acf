/* SPDX-License-Identifier: MIT */
/*
 * Data that init may write and nobody afterwards.
 */
#include <tenon/module.h>

static long chosen __ro_after_init = 1;

static int __init roafter_init(void)
{
	chosen = 41;
	chosen++;
	return 0;
}

static void __exit roafter_exit(void)
{
}

long roafter_value(void);

/* 42 after init. */
long roafter_value(void)
{
	return *(volatile long *)&chosen;
}
EXPORT_SYMBOL(roafter_value);

long roafter_poke(long x);

/* Writes to it: the machine must trap. */
long roafter_poke(long x)
{
	*(volatile long *)&chosen = x;
	return chosen;
}
EXPORT_SYMBOL(roafter_poke);

module_init(roafter_init);
module_exit(roafter_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("data that is read-only after init");
