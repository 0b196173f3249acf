/* SPDX-License-Identifier: MIT */
/*
 * Secret numbers, so that nobody outside can choose names that collide.
 */
#pragma once

#include <stdint.h>

uint64_t lib_seed(void);
