/* SPDX-License-Identifier: MIT */
/*
 * The author's kit: where it is, and which names modules may have.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

/* The path of the makefile fragment module.mk that belongs to this binary. */
bool kit_makefile(char path[PATH_MAX]);

/*
 * Why @name is no name for a new module, which its functions begin with too;
 * NULL: it is one.
 */
const char *kit_name_fault(const char *name);
