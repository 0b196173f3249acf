/* SPDX-License-Identifier: MIT */
/*
 * Calls every guaranteed symbol once and looks at the result, so that both
 * worlds are known to implement api/exports.list. Helpers of the compiler
 * are declared under names of our own with the real one as assembler name,
 * because compilers do not let their builtins be declared.
 */
#include <tenon/module.h>
#include <tenon/string.h>

#include "helpers.h"

/* Inputs that the compiler cannot see through. */
static volatile uint64_t seven = 7;

static bool memory_works(void)
{
	char a[32], b[32];

	memset(a, 'x', sizeof(a));
	memcpy(b, a, sizeof(b));
	b[31] = 'y';
	memmove(b + 1, b, 31);
	return b[1] == 'x' && memcmp(a, b, sizeof(a)) == 0;
}

static bool strings_work(void)
{
	static const char text[] = "a module, a world";
	char out[32];

	return strlen(text) == 17 && strnlen(text, (size_t)seven) == 7 &&
	       strcmp(text, "a model") > 0 && strncmp(text, "a mod", 5) == 0 &&
	       strchr(text, 'm') == text + 2 &&
	       strrchr(text, 'o') == text + 13 &&
	       strstr(text, "world") == text + 12 &&
	       snprintf(out, sizeof(out), "%s-%04lx", "id", (long)seven) == 7 &&
	       strcmp(out, "id-0007") == 0;
}

static int formatted(char *out, size_t cap, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	const int n = vsnprintf(out, cap, fmt, ap);
	va_end(ap);
	return n;
}

static int logged(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	const int n = vprintk(fmt, ap);
	va_end(ap);
	return n;
}

static bool log_works(void)
{
	char out[8];

	return printk(KERN_DEBUG "guaranteed: %d\n", (int)seven) > 0 &&
	       logged(KERN_DEBUG "guaranteed: %d\n", (int)seven) > 0 &&
	       formatted(out, sizeof(out), "%d", (int)seven) == 1;
}

TENON_IMPORTS_BEGIN

/* What the header's functions stand in front of. */
bool bare_try_get(struct module *module) __asm__("try_module_get");
void bare_get(struct module *module) __asm__("__module_get");
void bare_put(struct module *module) __asm__("module_put");

TENON_IMPORTS_END

/* By the place of a call this module is the holder, too. */
static bool references_work(void)
{
	if (!try_module_get(THIS_MODULE))
		return false;
	__module_get(THIS_MODULE);
	bare_put(THIS_MODULE);
	bare_get(THIS_MODULE);
	module_put(THIS_MODULE);
	module_put(THIS_MODULE);
	if (!bare_try_get(THIS_MODULE))
		return false;
	bare_put(THIS_MODULE);
	return true;
}

static bool bits_work(void)
{
	const uint64_t x = seven << 40 | seven;
	const uint32_t w = (uint32_t)x << 4;

	return popcountdi2(x) == 6 && popcountsi2(w) == 3 && clzdi2(x) == 21 &&
	       clzsi2(w) == 25 && ctzdi2(x << 9) == 9 && ctzsi2(w) == 4 &&
	       ffsdi2(x) == 1 && paritydi2(x) == 0 && paritysi2(w) == 1 &&
	       bswapsi2(w) == 0x70000000 && bswapdi2(x) == 0x0700000000070000;
}

static bool wide_integers_work(void)
{
	const i128 big = (i128)1 << 100;
	const i128 x = multi3(big, (i128)seven);
	i128 rest;
	u128 urest;

	if (divmodti4(-x - 5, big, &rest) != -7 || rest != -5 ||
	    udivmodti4((u128)x + 9, (u128)big, &urest) != 7 || urest != 9)
		return false;
	return ashlti3((i128)seven, 100) == x && ashrti3(-x, 100) == -7 &&
	       lshrti3((u128)x, 99) == 14 && divti3(-x, big) == -7 &&
	       modti3(-x - 5, big) == -5 && udivti3((u128)x, (u128)big) == 7 &&
	       umodti3((u128)x + 9, (u128)big) == 9;
}

static bool bytes_work(void)
{
	uint8_t b[4] = { 1, 2, 3, 4 };
	uint8_t expected = 9;

	return load_1(&b[1], SEQ) == 2 && exchange_1(&b[1], 250, SEQ) == 2 &&
	       fetch_add_1(&b[1], 10, SEQ) == 250 &&
	       fetch_sub_1(&b[1], 5, SEQ) == 4 &&
	       fetch_and_1(&b[1], 0xf0, SEQ) == 255 &&
	       fetch_or_1(&b[1], 9, SEQ) == 0xf0 &&
	       fetch_xor_1(&b[1], 0xf0, SEQ) == 0xf9 &&
	       compare_exchange_1(&b[1], &expected, 7, SEQ, SEQ) &&
	       (store_1(&b[1], 2, SEQ), memcmp(b, "\1\2\3\4", 4) == 0);
}

static bool halfwords_work(void)
{
	uint16_t h[2] = { 1, 2 };
	uint16_t expected = 9;

	return load_2(&h[1], SEQ) == 2 && exchange_2(&h[1], 65530, SEQ) == 2 &&
	       fetch_add_2(&h[1], 10, SEQ) == 65530 &&
	       fetch_sub_2(&h[1], 5, SEQ) == 4 &&
	       fetch_and_2(&h[1], 0xf0, SEQ) == 65535 &&
	       fetch_or_2(&h[1], 9, SEQ) == 0xf0 &&
	       fetch_xor_2(&h[1], 0xf0, SEQ) == 0xf9 &&
	       compare_exchange_2(&h[1], &expected, 7, SEQ, SEQ) &&
	       (store_2(&h[1], 2, SEQ), h[0] == 1 && h[1] == 2);
}

static bool odd_sizes_work(void)
{
	struct odd {
		char c[11];
	} a = { "0123456789" }, b = { "abcdefghij" }, old;

	atomic_exchange(sizeof(a), &a, &b, &old, SEQ);
	if (memcmp(&old, "0123456789", 11) != 0)
		return false;
	atomic_store(sizeof(a), &a, &old, SEQ);
	if (atomic_compare_exchange(sizeof(a), &a, &b, &b, SEQ, SEQ))
		return false;
	atomic_load(sizeof(a), &a, &old, SEQ);
	return memcmp(&b, &old, sizeof(b)) == 0;
}

long guaranteed_check(void);

/* 0, or one bit for each group that does not work. */
long guaranteed_check(void)
{
	static bool (*const groups[])(void) = { memory_works, strings_work,
		log_works, references_work, bits_work, wide_integers_work,
		bytes_work, halfwords_work, odd_sizes_work, interfaces_work,
		resources_work };
	long failed = 0;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (!groups[i]())
			failed |= 1l << i;
	return failed;
}
EXPORT_SYMBOL(guaranteed_check);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("calls every guaranteed symbol");
