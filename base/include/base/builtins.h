/* SPDX-License-Identifier: MIT */
/*
 * The functions behind the guaranteed symbols of modules (api/exports.list):
 * the C library's string functions and the helpers that compilers call
 * instead of emitting instructions. Names differ from the real ones, so that
 * nothing collides with the C library or libgcc of a process; the semantics
 * are exactly theirs. Any context.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>

__extension__ typedef __int128 base_i128;
__extension__ typedef unsigned __int128 base_u128;

/* --- strings: cstring.c */

size_t base_strlen(const char *s);
size_t base_strnlen(const char *s, size_t max);
int base_strcmp(const char *a, const char *b);
int base_strncmp(const char *a, const char *b, size_t n);
char *base_strchr(const char *s, int c);
char *base_strrchr(const char *s, int c);
char *base_strstr(const char *s, const char *find);
int base_snprintf(char *buf, size_t cap, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
int base_vsnprintf(char *buf, size_t cap, const char *fmt, va_list ap)
    PRINTF_LIKE(3, 0);

/* --- bits and 128-bit integers: builtins.c */

/* clz and ctz of 0 are the width of the type (libgcc: undefined). */
int base_popcountsi2(uint32_t x);
int base_popcountdi2(uint64_t x);
int base_clzsi2(uint32_t x);
int base_clzdi2(uint64_t x);
int base_ctzsi2(uint32_t x);
int base_ctzdi2(uint64_t x);
int base_ffsdi2(uint64_t x);
int base_paritysi2(uint32_t x);
int base_paritydi2(uint64_t x);
uint32_t base_bswapsi2(uint32_t x);
uint64_t base_bswapdi2(uint64_t x);

/* Division by zero gives 0 and the dividend as the remainder. */
base_i128 base_multi3(base_i128 a, base_i128 b);
base_i128 base_divti3(base_i128 a, base_i128 b);
base_i128 base_modti3(base_i128 a, base_i128 b);
base_u128 base_udivti3(base_u128 a, base_u128 b);
base_u128 base_umodti3(base_u128 a, base_u128 b);
base_i128 base_divmodti4(base_i128 a, base_i128 b, base_i128 *rest);
base_u128 base_udivmodti4(base_u128 a, base_u128 b, base_u128 *rest);
base_i128 base_ashlti3(base_i128 a, int n);
base_i128 base_ashrti3(base_i128 a, int n);
base_u128 base_lshrti3(base_u128 a, int n);

/* --- atomics: atomics.c */

void base_atomic_load(size_t n, const volatile void *at, void *to, int order);
void base_atomic_store(
    size_t n, volatile void *at, const void *from, int order);
void base_atomic_exchange(
    size_t n, volatile void *at, const void *from, void *old, int order);
bool base_atomic_compare_exchange(size_t n, volatile void *at, void *expected,
    const void *desired, int success, int failure);

#define BASE_ATOMIC_DECLARE(n, type)                                           \
	type base_atomic_load_##n(const volatile void *at, int order);         \
	void base_atomic_store_##n(volatile void *at, type v, int order);      \
	type base_atomic_exchange_##n(volatile void *at, type v, int order);   \
	bool base_atomic_compare_exchange_##n(volatile void *at,               \
	    void *expected, type desired, int success, int failure);           \
	type base_atomic_fetch_add_##n(volatile void *at, type v, int order);  \
	type base_atomic_fetch_sub_##n(volatile void *at, type v, int order);  \
	type base_atomic_fetch_and_##n(volatile void *at, type v, int order);  \
	type base_atomic_fetch_or_##n(volatile void *at, type v, int order);   \
	type base_atomic_fetch_xor_##n(volatile void *at, type v, int order)

BASE_ATOMIC_DECLARE(1, uint8_t);
BASE_ATOMIC_DECLARE(2, uint16_t);
