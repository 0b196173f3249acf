/* SPDX-License-Identifier: MIT */
/*
 * The checks of a program that tells a story; see check.h. A program that
 * checked nothing has not passed.
 */
#include "check.h"

static unsigned passed, failed;

bool k_check(bool ok, const char *fmt, ...)
{
	va_list ap;

	k_printf(ok ? "ok   " : "FAIL ");
	va_start(ap, fmt);
	(void)k_vprintf(fmt, ap); /* the length does not matter */
	va_end(ap);
	k_printf("\n");
	passed += ok;
	failed += !ok;
	return ok;
}

enum k_status k_check_result(const char *name)
{
	k_printf("%s: %u passed, %u failed\n", name, passed, failed);
	return passed != 0 && failed == 0 ? K_PASS : K_FAIL;
}
