// SPDX-License-Identifier: MIT
/*
 * A module without exports, which can be loaded under many names.
 */
#include <tenon/module.h>

static int count;

static int __init plain_init(void)
{
	count++;
	return 0;
}

static void __exit plain_exit(void)
{
	count--;
}

module_init(plain_init);
module_exit(plain_exit);
MODULE_LICENSE("Dual MIT/GPL");
