/* SPDX-License-Identifier: MIT */
/*
 * The compiler's helpers, under names that may be declared in C.
 */
#pragma once

#include <tenon/module.h>

#define SEQ        __ATOMIC_SEQ_CST
#define REAL(name) __asm__(#name)

__extension__ typedef __int128 i128;
__extension__ typedef unsigned __int128 u128;

TENON_IMPORTS_BEGIN

int popcountsi2(uint32_t x) REAL(__popcountsi2);
int popcountdi2(uint64_t x) REAL(__popcountdi2);
int clzsi2(uint32_t x) REAL(__clzsi2);
int clzdi2(uint64_t x) REAL(__clzdi2);
int ctzsi2(uint32_t x) REAL(__ctzsi2);
int ctzdi2(uint64_t x) REAL(__ctzdi2);
int ffsdi2(uint64_t x) REAL(__ffsdi2);
int paritysi2(uint32_t x) REAL(__paritysi2);
int paritydi2(uint64_t x) REAL(__paritydi2);
uint32_t bswapsi2(uint32_t x) REAL(__bswapsi2);
uint64_t bswapdi2(uint64_t x) REAL(__bswapdi2);

i128 multi3(i128 a, i128 b) REAL(__multi3);
i128 divti3(i128 a, i128 b) REAL(__divti3);
i128 modti3(i128 a, i128 b) REAL(__modti3);
u128 udivti3(u128 a, u128 b) REAL(__udivti3);
u128 umodti3(u128 a, u128 b) REAL(__umodti3);
i128 divmodti4(i128 a, i128 b, i128 *rest) REAL(__divmodti4);
u128 udivmodti4(u128 a, u128 b, u128 *rest) REAL(__udivmodti4);
i128 ashlti3(i128 a, int n) REAL(__ashlti3);
i128 ashrti3(i128 a, int n) REAL(__ashrti3);
u128 lshrti3(u128 a, int n) REAL(__lshrti3);

void atomic_load(size_t n, const volatile void *at, void *to, int order)
    REAL(__atomic_load);
void atomic_store(size_t n, volatile void *at, const void *from, int order)
    REAL(__atomic_store);
void atomic_exchange(size_t n, volatile void *at, const void *from, void *old,
    int order) REAL(__atomic_exchange);
bool atomic_compare_exchange(size_t n, volatile void *at, void *expected,
    const void *desired, int success, int failure)
    REAL(__atomic_compare_exchange);

#define FETCH(op, n, type)                                                     \
	type fetch_##op##_##n(volatile void *at, type v, int order)            \
	    REAL(__atomic_fetch_##op##_##n);
#define SIZED(n, type)                                                         \
	type load_##n(const volatile void *at, int order)                      \
	    REAL(__atomic_load_##n);                                           \
	void store_##n(volatile void *at, type v, int order)                   \
	    REAL(__atomic_store_##n);                                          \
	type exchange_##n(volatile void *at, type v, int order)                \
	    REAL(__atomic_exchange_##n);                                       \
	bool compare_exchange_##n(volatile void *at, void *expected,           \
	    type desired, int success, int failure)                            \
	    REAL(__atomic_compare_exchange_##n);                               \
	FETCH(add, n, type)                                                    \
	FETCH(sub, n, type)                                                    \
	FETCH(and, n, type) FETCH(or, n, type) FETCH(xor, n, type)

SIZED(1, uint8_t)
SIZED(2, uint16_t)

TENON_IMPORTS_END

/* engine.c */
bool interfaces_work(void) __module_local;
bool resources_work(void) __module_local;
