/* SPDX-License-Identifier: MIT */
/*
 * Is linked with another plugin, actor.so, and calls a function of it.
 */
#include <tenon/plugin.h>

int actor_level(void);

static int process(void *data)
{
	(void)data;
	return actor_level();
}

struct plugin_ops plugin_ops = { .name = "user", .process = process };
