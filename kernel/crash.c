/* SPDX-License-Identifier: MIT */
/*
 * An image that overflows its stack: proves that a fault nobody expects, on
 * a stack that cannot be used any more, prints a report and ends the machine
 * with its own status.
 */
#include "kernel.h"

/* Far more than the stack holds, if nothing stops it. */
#define DEPTH 1000000u

/* Deeper at each call; not a tail call, and its frame is really written. */
__attribute__((noinline)) static unsigned long deeper(unsigned long n)
{
	volatile unsigned long frame[32];

	frame[n % 32] = n;
	return n == DEPTH ? 0 : deeper(n + 1) + frame[n % 32];
}

enum k_status k_main(void)
{
	k_printf("crash: running off the stack\n");
	k_printf("crash: survived with %lu\n", deeper(0));
	return K_PASS;
}
