/* SPDX-License-Identifier: MIT */
/*
 * Weak undefined symbols, called and read: position-independent code looks
 * at their GOT cells, which must hold 0.
 */
#include <tenon/module.h>

TENON_IMPORTS_BEGIN
long weak_absent_function(long x) __attribute__((weak));
extern long weak_absent_data __attribute__((weak));
/* NOLINTNEXTLINE(readability-redundant-declaration): makes it weak */
int printk(const char *fmt, ...) __attribute__((weak));
TENON_IMPORTS_END

/* A weak definition is a definition. */
__attribute__((weak)) long weak_defined(long x);

long weak_defined(long x)
{
	return x + 4;
}

long weak_probe(void);

/* Bits: 1 absent function is null, 2 absent data, 4 present one is not. */
long weak_probe(void)
{
	long bits = 0;

	if (weak_absent_function == NULL)
		bits |= 1;
	else
		bits += weak_absent_function(100);
	if (&weak_absent_data == NULL)
		bits |= 2;
	else
		bits += weak_absent_data;
	if (printk != NULL)
		bits = weak_defined(bits);
	return bits;
}
EXPORT_SYMBOL(weak_probe);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("weak undefined symbols");
