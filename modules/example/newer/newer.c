/* SPDX-License-Identifier: MIT */
/*
 * Needs a later version of greeter than there is.
 */
#include <tenon/module.h>

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DEPENDS("greeter >= 2");
MODULE_DESCRIPTION("must be refused: its provider is too old");
MODULE_INFO(tenon.expect, "depends_old");
