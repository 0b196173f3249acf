/* SPDX-License-Identifier: MIT */
/*
 * Init fails: nothing of the module may be left, and exit must not run.
 */
#include <tenon/module.h>

#define NO_SUCH_DEVICE 19 /* ENODEV */

static int __init failing_init_init(void)
{
	pr_info("failing_init: init runs and fails\n");
	return -NO_SUCH_DEVICE;
}

static void __exit failing_init_exit(void)
{
	pr_err("failing_init: exit runs after a failed init\n");
}

long failing_init_answer(void);

long failing_init_answer(void)
{
	return 42;
}
EXPORT_SYMBOL(failing_init_answer);

module_init(failing_init_init);
module_exit(failing_init_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("must be refused: its init fails");
MODULE_INFO(tenon.expect, "init_failed");
