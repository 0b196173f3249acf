/* SPDX-License-Identifier: MIT */
/*
 * Linked with -z nodelete: dlclose does not unmap it.
 */
#include <tenon/plugin.h>

#include "actor.h"

SCRIPTED("sticky");
