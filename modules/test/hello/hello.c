/* SPDX-License-Identifier: MIT */
/*
 * The smallest useful module: says hello, says goodbye, exports one function.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#include <tenon/module.h>

long hello_add(long a, long b);

long hello_add(long a, long b)
{
	return a + b;
}
EXPORT_SYMBOL(hello_add);

static int __init hello_init(void)
{
	pr_info("hello\n");
	return 0;
}

static void __exit hello_exit(void)
{
	pr_info("goodbye\n");
}

module_init(hello_init);
module_exit(hello_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("says hello and adds two numbers");
MODULE_AUTHOR("The Tenon authors");
MODULE_VERSION("1.0");
