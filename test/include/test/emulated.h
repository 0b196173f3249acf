/* SPDX-License-Identifier: MIT */
/*
 * For tests of what emulators of a processor do otherwise than systems do.
 */
#pragma once

#include <stdbool.h>

/* This program is run by qemu-user. */
bool test_is_emulated(void);
