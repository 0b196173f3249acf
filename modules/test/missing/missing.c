/* SPDX-License-Identifier: MIT */
/*
 * Imports names that nobody exports: slips of the pen, each in its way.
 */
#include <tenon/module.h>

TENON_IMPORTS_BEGIN
int prntk(const char *fmt, ...);
void *memcopy(void *dst, const void *src, size_t n);
size_t strlne(const char *s);
extern long nothing_like_it_anywhere;
TENON_IMPORTS_END

long missing_use(long x);

long missing_use(long x)
{
	char copy[8];

	memcopy(copy, "missing", sizeof(copy));
	prntk("%s\n", copy);
	return x + (long)strlne(copy) + nothing_like_it_anywhere;
}
EXPORT_SYMBOL(missing_use);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("must be refused: missing symbols");
MODULE_INFO(tenon.expect, "missing_symbol");
