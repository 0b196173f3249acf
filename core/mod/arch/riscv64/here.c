/* SPDX-License-Identifier: MIT */
/*
 * What modules of this machine need besides cells and stubs.
 */
#include "load.h"

const struct load_relaxing *const load_relaxing_here = &load_relaxing;
