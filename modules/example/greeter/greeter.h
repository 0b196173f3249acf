/* SPDX-License-Identifier: MIT */
/*
 * What greeter offers to other modules.
 */
#pragma once

#include <tenon/module.h>

TENON_IMPORTS_BEGIN

/* Says hello to @name in the log, as often as the parameter `times` says. */
int greeter_greet(const char *name);

TENON_IMPORTS_END
