/* SPDX-License-Identifier: MIT */
/*
 * The checks of a program that tells a story: a line each, and their count.
 */
#pragma once

#include <stdbool.h>

#include <base/compiler.h>

#include "kernel.h"

/* Prints "ok   ..." or "FAIL ..." and counts it. Returns @ok. */
bool k_check(bool ok, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Prints "NAME: N passed, N failed": K_PASS when none failed. */
enum k_status k_check_result(const char *name);
