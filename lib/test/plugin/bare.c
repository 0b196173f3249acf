/* SPDX-License-Identifier: MIT */
/*
 * A table with a name and nothing else.
 */
#include <tenon/plugin.h>

struct plugin_ops plugin_ops = { .name = "bare" };
