/* SPDX-License-Identifier: MIT */
/*
 * Of the hosted profile: floating point and the C library of the process.
 */
#include <tenon/module.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *text;

static int __init hostlib_init(void)
{
	text = malloc(64);
	return text != NULL ? 0 : -1;
}

static void __exit hostlib_exit(void)
{
	free(text);
}

long hostlib_length(long x);

/* Digits of x / 8 with three decimals. */
long hostlib_length(long x)
{
	volatile double eighth = (double)x / 8;

	snprintf(text, 64, "%.3f", eighth);
	return (long)strlen(text);
}
EXPORT_SYMBOL(hostlib_length);

module_init(hostlib_init);
module_exit(hostlib_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("floating point and the C library");
