/* SPDX-License-Identifier: MIT */
/*
 * Acts by the script of its test, and has all that a plugin can have besides.
 */
#include <tenon/module_param.h>
#include <tenon/plugin.h>

#include "actor.h"

SCRIPTED("actor");

static int level = 3;
module_param_range(level, int, 0644, 1, 9);
MODULE_PARM_DESC(level, "how loud it is");

MODULE_VERSION("1.4");
MODULE_DESCRIPTION("does what a test says");
PLUGIN_ABI(TN_ABI_MAJOR, TN_ABI_MINOR);

int actor_level(void);

int actor_level(void)
{
	return level;
}
