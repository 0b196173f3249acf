/* SPDX-License-Identifier: MIT */
/*
 * Init without exit: can be loaded and never unloaded.
 */
#include <tenon/module.h>

static int __init permanent_init(void)
{
	return 0;
}

long permanent_answer(void);

long permanent_answer(void)
{
	return 42;
}
EXPORT_SYMBOL(permanent_answer);

module_init(permanent_init);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("cannot be unloaded");
MODULE_INFO(tenon.expect, "no_exit");
