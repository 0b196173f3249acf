/* SPDX-License-Identifier: MIT */
/*
 * Declares to need another plugin.
 */
#include <tenon/module_info.h>
#include <tenon/plugin.h>

struct plugin_ops plugin_ops = { .name = "depends" };

MODULE_DEPENDS("actor >= 1.2 < 2");
