/* SPDX-License-Identifier: MIT */
/*
 * Built for an engine that does not exist yet.
 */
#include <tenon/plugin.h>

struct plugin_ops plugin_ops = { .name = "future" };

PLUGIN_ABI(99, 1);
