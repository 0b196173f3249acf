/* SPDX-License-Identifier: MIT */
/*
 * The ground under <tenon/module.h>: what differs between C and C++, the
 * visibility of imports, and .modinfo (docs/module-format.md, 2.3 and 7).
 * Module authors include <tenon/module.h>.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define TENON_C             extern "C"
#define TENON_STATIC_ASSERT static_assert
#else
#define TENON_C             extern
#define TENON_STATIC_ASSERT _Static_assert
#endif

/*
 * Declarations of symbols that other modules or the engine define (2.3):
 * C names, default visibility whatever the compiler was told.
 */
#ifdef __cplusplus
#define TENON_IMPORTS_BEGIN                                                    \
	_Pragma("GCC visibility push(default)") extern "C"                     \
	{
#define TENON_IMPORTS_END                                                      \
	}                                                                      \
	_Pragma("GCC visibility pop")
#else
#define TENON_IMPORTS_BEGIN _Pragma("GCC visibility push(default)")
#define TENON_IMPORTS_END   _Pragma("GCC visibility pop")
#endif

/* A declaration that another source of the same module defines. */
#define __module_local __attribute__((visibility("hidden")))

#define TENON_STRING_(...) #__VA_ARGS__
#define TENON_STRING(...)  TENON_STRING_(__VA_ARGS__)
#define TENON_JOIN_(a, b)  a##b
#define TENON_JOIN(a, b)   TENON_JOIN_(a, b)

/* .modinfo (7). */
#define MODULE_INFO(tag, text)                                                 \
	static const char TENON_JOIN(__modinfo_, __COUNTER__)[]                \
	    __attribute__((section(".modinfo"), used, aligned(1))) =           \
		TENON_STRING(tag) "=" text

#define MODULE_LICENSE(text)     MODULE_INFO(license, text)
#define MODULE_AUTHOR(text)      MODULE_INFO(author, text)
#define MODULE_DESCRIPTION(text) MODULE_INFO(description, text)
#define MODULE_VERSION(text)     MODULE_INFO(version, text)
#define MODULE_ALIAS(text)       MODULE_INFO(alias, text)
#define MODULE_SOFTDEP(text)     MODULE_INFO(softdep, text)
#define MODULE_IMPORT_NS(ns)     MODULE_INFO(import_ns, TENON_STRING(ns))

/*
 * Dependencies by declaration, what else than its name it can be found by,
 * what kind of module it is, and exports that will go (7.3 to 7.6):
 *
 *	MODULE_DEPENDS("provider >= 1.2 < 2, ?log");
 *	MODULE_PROVIDES("scheduler, clock");
 *	MODULE_FLAGS("essential, scheduler");
 *	MODULE_DEPRECATED(old_way, "use new_way");
 */
#define MODULE_DEPENDS(text)  MODULE_INFO(tenon.depends, text)
#define MODULE_PROVIDES(text) MODULE_INFO(tenon.provides, text)
#define MODULE_FLAGS(text)    MODULE_INFO(tenon.flags, text)
#define MODULE_DEPRECATED(sym, text)                                           \
	MODULE_INFO(tenon.deprecated, #sym ":" text)
