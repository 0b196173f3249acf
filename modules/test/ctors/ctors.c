/* SPDX-License-Identifier: MIT */
/*
 * The order of constructors, init, exit and destructors. Each step appends a
 * digit to a number; the last destructor prints it.
 */
#include <tenon/module.h>

static long order;

static void step(long digit)
{
	order = order * 10 + digit;
}

#define BEFORE(priority) __attribute__((constructor(priority)))
#define AFTER(priority)  __attribute__((destructor(priority)))

__attribute__((constructor)) static void build_last(void)
{
	step(3);
}

BEFORE(200) static void build_second(void)
{
	step(2);
}

BEFORE(101) static void build_first(void)
{
	step(1);
}

AFTER(101) static void destroy_last(void)
{
	step(8);
	pr_info("ctors: order %ld\n", order);
}

AFTER(200) static void destroy_second(void)
{
	step(7);
}

__attribute__((destructor)) static void destroy_first(void)
{
	step(6);
}

static int __init ctors_init(void)
{
	step(4);
	return 0;
}

static void __exit ctors_exit(void)
{
	step(5);
}

long ctors_order(void);

/* 1234 after a load. */
long ctors_order(void)
{
	return order;
}
EXPORT_SYMBOL(ctors_order);

module_init(ctors_init);
module_exit(ctors_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("order of constructors and destructors");
