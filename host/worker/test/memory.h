/* SPDX-License-Identifier: MIT */
/*
 * Allocations that fail when a test wants it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The allocation number @n from now on fails; 0: none. */
void memory_fail_at(unsigned n);

/* How many there have been since. */
unsigned memory_made(void);
