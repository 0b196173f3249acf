/* SPDX-License-Identifier: MIT */
/*
 * The plugin that is measured: does nothing.
 */
#include <tenon/plugin.h>

static int process(void *data)
{
	return data != NULL;
}

struct plugin_ops plugin_ops = { .name = "noop", .process = process };
