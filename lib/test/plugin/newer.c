/* SPDX-License-Identifier: MIT */
/*
 * Declares to need a later version of another plugin than there is.
 */
#include <tenon/module_info.h>
#include <tenon/plugin.h>

struct plugin_ops plugin_ops = { .name = "newer" };

MODULE_DEPENDS("actor >= 2");
