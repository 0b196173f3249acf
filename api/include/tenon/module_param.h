/* SPDX-License-Identifier: MIT */
/*
 * Parameters of a module: module_param and its relatives. Module authors
 * include <tenon/module.h>.
 *
 * Each parameter leaves `parmtype=` (and `parm=`) in .modinfo for tools and
 * one struct tenon_param in the section __tenon_param for the engine
 * (docs/module-format.md, 8). The pointer check makes a wrong type a
 * compile-time error in C++ and a warning in C.
 *
 *	static unsigned int depth = 4;
 *	module_param_range(depth, uint, 0444, 1, 64);
 *	MODULE_PARM_DESC(depth, "entries in the queue");
 */
#pragma once

#include <tenon/module_info.h>

enum tenon_param_type {
	TENON_PARAM_byte = 1,
	TENON_PARAM_short = 2,
	TENON_PARAM_ushort = 3,
	TENON_PARAM_int = 4,
	TENON_PARAM_uint = 5,
	TENON_PARAM_long = 6,
	TENON_PARAM_ulong = 7,
	TENON_PARAM_llong = 8,
	TENON_PARAM_ullong = 9,
	TENON_PARAM_bool = 10,
	TENON_PARAM_charp = 11,
	TENON_PARAM_string = 12,
};

#define TENON_PARAM_ARRAY 1u /* .count and .capacity are of an array */
#define TENON_PARAM_RANGE 2u /* .min and .max hold */

struct tenon_param {
	uint16_t type; /* enum tenon_param_type */
	uint16_t perm;
	uint32_t flags;
	const char *name;
	void *value;
	unsigned int *count; /* receives the number of elements, or NULL */
	uint32_t capacity;   /* elements; bytes of a string */
	uint32_t size;       /* of one element */
	int64_t min, max;
	uint64_t reserved;
};

TENON_STATIC_ASSERT(sizeof(struct tenon_param) == 64, "module-format.md 8");
TENON_STATIC_ASSERT(offsetof(struct tenon_param, name) == 8, "8");
TENON_STATIC_ASSERT(offsetof(struct tenon_param, count) == 24, "8");
TENON_STATIC_ASSERT(offsetof(struct tenon_param, min) == 40, "8");

typedef unsigned char tenon_param_byte;
typedef short tenon_param_short;
typedef unsigned short tenon_param_ushort;
typedef int tenon_param_int;
typedef unsigned int tenon_param_uint;
typedef long tenon_param_long;
typedef unsigned long tenon_param_ulong;
typedef long long tenon_param_llong;
typedef unsigned long long tenon_param_ullong;
typedef bool tenon_param_bool;
typedef char *tenon_param_charp;

/*
 * The building blocks. A type's name is pasted in the outermost macro only,
 * because `bool` is itself a macro in C.
 */
/* clang-format off */
#define TENON_PARAM(pname, ptype, perm, flags, var, num, cap, min, max) \
	TENON_STATIC_ASSERT((perm) >= 0 && (perm) <= 0777 && \
	    ((perm) & 2) == 0, "permissions: not writable by others"); \
	static const char __param_name_##pname[] = #pname; \
	static const struct tenon_param __param_##pname \
	    __attribute__((section("__tenon_param"), used, aligned(8))) = { \
		ptype, (perm), (flags), __param_name_##pname, \
		(var), (num), (uint32_t)(cap), \
		(uint32_t)(sizeof(*(var))), (int64_t)(min), (int64_t)(max), 0 }
/* clang-format on */

/* Refuses an address of another type than the parameter's. */
#define TENON_PARAM_CHECK(pname, ctype, addr)                                  \
	static inline __attribute__((                                          \
	    unused)) __typeof__(ctype) *__param_check_##pname(void)            \
	{                                                                      \
		return (addr);                                                 \
	}                                                                      \
	TENON_STATIC_ASSERT(true, "a semicolon follows")

/* A parameter @name of @type; @perm as of a file. */
#define module_param(name, type, perm)                                         \
	TENON_PARAM_CHECK(name, tenon_param_##type, &(name));                  \
	TENON_PARAM(                                                           \
	    name, TENON_PARAM_##type, perm, 0, &(name), NULL, 1, 0, 0);        \
	MODULE_INFO(parmtype, #name ":" #type)

/* The same in the variable @var. */
#define module_param_named(name, var, type, perm)                              \
	TENON_PARAM_CHECK(name, tenon_param_##type, &(var));                   \
	TENON_PARAM(name, TENON_PARAM_##type, perm, 0, &(var), NULL, 1, 0, 0); \
	MODULE_INFO(parmtype, #name ":" #type)

/* With limits, which the engine checks before it sets the value. */
#define module_param_range(name, type, perm, min, max)                         \
	TENON_PARAM_CHECK(name, tenon_param_##type, &(name));                  \
	TENON_PARAM(name, TENON_PARAM_##type, perm, TENON_PARAM_RANGE,         \
	    &(name), NULL, 1, min, max);                                       \
	MODULE_INFO(parmtype, #name ":" #type);                                \
	MODULE_INFO(tenon.parmrange, #name ":" #min ":" #max)

/* An array; *@num (or NULL) receives how many elements were given. */
#define module_param_array(name, type, num, perm)                              \
	TENON_PARAM_CHECK(name, tenon_param_##type, &(name)[0]);               \
	TENON_PARAM(name, TENON_PARAM_##type, perm, TENON_PARAM_ARRAY,         \
	    &(name)[0], num, sizeof(name) / sizeof((name)[0]), 0, 0);          \
	MODULE_INFO(parmtype, #name ":array of " #type)

/* A text that is copied into the char array @buf of @len bytes. */
#define module_param_string(name, buf, len, perm)                              \
	TENON_PARAM(                                                           \
	    name, TENON_PARAM_string, perm, 0, &(buf)[0], NULL, len, 0, 0);    \
	MODULE_INFO(parmtype, #name ":string")

#define MODULE_PARM_DESC(name, text) MODULE_INFO(parm, #name ":" text)
