/* SPDX-License-Identifier: MIT */
/*
 * A user: imports from greeter, which is loaded before it and cannot be
 * unloaded while this module is there.
 */
#include "../greeter/greeter.h"

int guest_visit(void);

int guest_visit(void)
{
	return greeter_greet("guest");
}
EXPORT_SYMBOL(guest_visit);

static int __init guest_init(void)
{
	return guest_visit() > 0 ? 0 : -1;
}

static void __exit guest_exit(void)
{
	pr_info("guest: leaves\n");
}

module_init(guest_init);
module_exit(guest_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DEPENDS("greeter >= 1.2 < 2");
MODULE_DESCRIPTION("a user of greeter");
