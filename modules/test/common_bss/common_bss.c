/* SPDX-License-Identifier: MIT */
/*
 * Memory that is in no file: COMMON symbols (the rules ask for -fcommon),
 * .bss, and further NOBITS sections with alignments of their own.
 */
#include <tenon/module.h>

#define PAGE 4096

long common_small;
char common_large[3 * PAGE + 1];
long common_aligned __attribute__((aligned(256)));

static char plain[100];
static char page[PAGE] __attribute__((section(".bss.page"), aligned(PAGE)));
static short odd[3] __attribute__((section(".bss.odd")));

static bool zero(const volatile char *p, size_t n)
{
	while (n != 0)
		if (p[--n] != 0)
			return false;
	return true;
}

/* The compiler would believe in the alignment: it must not see the address. */
static bool aligned(const void *p, uintptr_t n)
{
	__asm__("" : "+r"(p));
	return ((uintptr_t)p & (n - 1)) == 0;
}

long common_bss_check(void);

/* 0, or the number of the first thing that is wrong. */
long common_bss_check(void)
{
	if (common_small != 0 || common_aligned != 0)
		return 1;
	if (!zero(common_large, sizeof(common_large)))
		return 2;
	if (!zero(plain, sizeof(plain)) || !zero(page, sizeof(page)) ||
	    !zero((const volatile char *)odd, sizeof(odd)))
		return 3;
	if (!aligned(&common_aligned, 256) || !aligned(page, PAGE) ||
	    !aligned(&common_small, sizeof(long)))
		return 4;
	return 0;
}
EXPORT_SYMBOL(common_bss_check);

long common_bss_fill(void);

/* Writes every byte, so that a part that is too small is noticed. */
long common_bss_fill(void)
{
	common_small = -1;
	common_aligned = -1;
	for (size_t i = 0; i < sizeof(common_large); i++)
		common_large[i] = (char)i;
	for (size_t i = 0; i < sizeof(page); i++)
		page[i] = (char)i;
	plain[sizeof(plain) - 1] = 1;
	odd[2] = 1;
	return common_large[3 * (size_t)PAGE] + plain[sizeof(plain) - 1] +
	       odd[2];
}
EXPORT_SYMBOL(common_bss_fill);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("COMMON and several NOBITS sections");
