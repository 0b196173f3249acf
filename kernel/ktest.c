/* SPDX-License-Identifier: MIT */
/*
 * The image that runs the tests of the freestanding components, and the
 * kernel's own, on the bare machine. Each test is named before it runs: a
 * fault report behind the name ends the run.
 */
#include <test/test.h>

#include "kernel.h"

void test_write(const char *s, size_t n)
{
	k_write(s, n);
}

enum k_status k_main(void)
{
	return test_main(NULL, true, NULL) == 0 ? K_PASS : K_FAIL;
}
