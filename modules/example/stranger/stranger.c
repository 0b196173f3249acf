/* SPDX-License-Identifier: MIT */
/*
 * Wants what greeter exports for GPL-compatible modules only, and is none.
 */
#include "../greeter/greeter.h"

static int __init stranger_init(void)
{
	return greeter_greet("stranger") > 0 ? 0 : -1;
}

static void __exit stranger_exit(void)
{
}

module_init(stranger_init);
module_exit(stranger_exit);
MODULE_LICENSE("Proprietary");
MODULE_DESCRIPTION("must be refused: a GPL-only import");
MODULE_INFO(tenon.expect, "gpl_only");
