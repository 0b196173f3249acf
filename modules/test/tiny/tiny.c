/* SPDX-License-Identifier: MIT */
/*
 * A module that exports nothing, so that it can be loaded under many names at
 * once: for tests of very many modules.
 */
#include <tenon/module.h>

static long starts;

static int __init tiny_init(void)
{
	return starts++ == 0 ? 0 : -1;
}

static void __exit tiny_exit(void)
{
	starts = 0;
}

module_init(tiny_init);
module_exit(tiny_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("exports nothing");
MODULE_VERSION("1.0");
