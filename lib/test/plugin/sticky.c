/* SPDX-License-Identifier: MIT */
/*
 * Linked with -z nodelete: dlclose does not unmap it.
 */
#include <tenon/plugin.h>

#include "actor.h"

SCRIPTED("sticky");

/* What makes it large; a build of it may differ at the end alone. */
extern const char sticky_ballast[1 << 17];
const char sticky_ballast[1 << 17] = { [(1 << 17) - 5] = 'O', 'm', 'g', 'a' };
