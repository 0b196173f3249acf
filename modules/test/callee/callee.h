/* SPDX-License-Identifier: MIT */
/*
 * What the module callee exports: callee_00 ... callee_3f, each of which
 * returns 2 * x plus its number.
 */
#pragma once

#include <tenon/module.h>

/* clang-format off */
#define CALLEE_ROW(do, r) do(r##0) do(r##1) do(r##2) do(r##3) do(r##4) \
	do(r##5) do(r##6) do(r##7) do(r##8) do(r##9) do(r##a) do(r##b) \
	do(r##c) do(r##d) do(r##e) do(r##f)
#define CALLEE_ALL(do) CALLEE_ROW(do, 0) CALLEE_ROW(do, 1) \
	CALLEE_ROW(do, 2) CALLEE_ROW(do, 3)
/* clang-format on */

TENON_IMPORTS_BEGIN
#define CALLEE_DECLARE(n) long callee_##n(long x);
CALLEE_ALL(CALLEE_DECLARE)
TENON_IMPORTS_END
