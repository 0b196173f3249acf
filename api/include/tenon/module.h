/* SPDX-License-Identifier: MIT */
/*
 * What the author of a loadable module includes. The names are the field's
 * own: module_init, EXPORT_SYMBOL, MODULE_LICENSE, module_param ...
 *
 * Everything here ends up in the file's sections as docs/module-format.md
 * describes them; the numbers of its sections are given below. Compiles as
 * C11 and C++17 with gcc and clang. Nothing here differs between the worlds
 * in which a module runs.
 *
 *	#include <tenon/module.h>
 *
 *	static int __init hello_init(void)
 *	{
 *		pr_info("hello\n");
 *		return 0;
 *	}
 *	module_init(hello_init);
 *	MODULE_LICENSE("Dual MIT/GPL");
 */
#pragma once

#include <stdarg.h>

#include <tenon/module_info.h>
#include <tenon/module_ops.h>
#include <tenon/module_param.h>

/* Where code and data live (9.1). */
#define __init          __attribute__((section(".init.text"), cold))
#define __exit          __attribute__((section(".exit.text"), cold))
#define __initdata      __attribute__((section(".init.data")))
#define __initconst     __attribute__((section(".init.rodata")))
#define __ro_after_init __attribute__((section(".data..ro_after_init")))

TENON_IMPORTS_BEGIN

/* The engine's record of a module; its layout is nobody else's business. */
struct module;
extern struct module __this_module;
#define THIS_MODULE (&__this_module)

/* What the three below call: @holder takes and gives. */
bool __module_hold(struct module *holder, struct module *module);
void __module_release(struct module *holder, struct module *module);

/*
 * Writes to the world's log: printf's subset without floating point. A level
 * of KERN_* may stand first. Any context. Returns the length of the text.
 */
int printk(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int vprintk(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

int init_module(void);
void cleanup_module(void);

TENON_IMPORTS_END

/*
 * Takes a reference on @module, which then cannot be unloaded: the refusal
 * names this module, and where and when it took the last. False when @module is
 * about to go (do not enter it), or there is no memory for this module's first
 * reference on it. NULL is always there. Any context that may take a short
 * lock.
 */
static inline bool try_module_get(struct module *module)
{
	const bool got = __module_hold(THIS_MODULE, module);

	/* A call, never a jump: the place that is noted is the caller's. */
	__asm__ volatile("");
	return got;
}

/* One more, when this module holds one: that cannot fail. As try_module_get. */
static inline void __module_get(struct module *module)
{
	(void)try_module_get(module);
}

/*
 * Gives one back. Only this module's own: what others hold is theirs, and to
 * give back more than one has is reported in the log and does nothing. What a
 * module has when it has been unloaded, or its init has failed, is given back
 * by the engine. As try_module_get.
 */
static inline void module_put(struct module *module)
{
	__module_release(THIS_MODULE, module);
}

/* Levels: a byte 1 and a digit in front of the format. */
#define KERN_SOH     "\001"
#define KERN_EMERG   KERN_SOH "0"
#define KERN_ALERT   KERN_SOH "1"
#define KERN_CRIT    KERN_SOH "2"
#define KERN_ERR     KERN_SOH "3"
#define KERN_WARNING KERN_SOH "4"
#define KERN_NOTICE  KERN_SOH "5"
#define KERN_INFO    KERN_SOH "6"
#define KERN_DEBUG   KERN_SOH "7"
#define KERN_CONT    KERN_SOH "c"

/* Define pr_fmt before the include to put a prefix before each text. */
#ifndef pr_fmt
#define pr_fmt(fmt) fmt
#endif
#define pr_emerg(fmt, ...)  printk(KERN_EMERG pr_fmt(fmt), ##__VA_ARGS__)
#define pr_alert(fmt, ...)  printk(KERN_ALERT pr_fmt(fmt), ##__VA_ARGS__)
#define pr_crit(fmt, ...)   printk(KERN_CRIT pr_fmt(fmt), ##__VA_ARGS__)
#define pr_err(fmt, ...)    printk(KERN_ERR pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn(fmt, ...)   printk(KERN_WARNING pr_fmt(fmt), ##__VA_ARGS__)
#define pr_notice(fmt, ...) printk(KERN_NOTICE pr_fmt(fmt), ##__VA_ARGS__)
#define pr_info(fmt, ...)   printk(KERN_INFO pr_fmt(fmt), ##__VA_ARGS__)
#define pr_debug(fmt, ...)  printk(KERN_DEBUG pr_fmt(fmt), ##__VA_ARGS__)
#define pr_cont(fmt, ...)   printk(KERN_CONT fmt, ##__VA_ARGS__)

/*
 * The entries (3). They are small functions around the author's, because an
 * alias would need the mangled name in C++.
 */
#define module_init(fn)                                                        \
	TENON_C int __init init_module(void)                                   \
	{                                                                      \
		int (*const entry)(void) = fn;                                 \
		return entry();                                                \
	}                                                                      \
	TENON_STATIC_ASSERT(true, "a semicolon follows")

#define module_exit(fn)                                                        \
	TENON_C void __exit cleanup_module(void)                               \
	{                                                                      \
		void (*const entry)(void) = fn;                                \
		entry();                                                       \
	}                                                                      \
	TENON_STATIC_ASSERT(true, "a semicolon follows")

/*
 * Exports (4.1): @sym must be a global definition with C linkage. The entry
 * is assembled, because C cannot say "distance from here"; riscv64 has whole
 * addresses, as Linux has them there. The assertion checks that @sym is
 * declared.
 */
#ifdef __riscv
#define TENON_KSYM_ALIGN    ".balign 8"
#define TENON_KSYM_REF(sym) ".quad " #sym "\n\t"
#define TENON_KSYM_NONE     ".quad 0\n\t"
#else
#define TENON_KSYM_ALIGN    ".balign 4"
#define TENON_KSYM_REF(sym) ".long " #sym " - .\n\t"
#define TENON_KSYM_NONE     ".long 0\n\t"
#endif

#define TENON_EXPORT(sym, table, ns_string, ns_field)                          \
	TENON_STATIC_ASSERT(sizeof(&(sym)) == 8, "an address");                \
	__asm__(                                                               \
	    ".pushsection __ksymtab_strings, \"a\", %progbits\n"               \
	    ".Lkstrtab_" #sym ":\n\t"                                          \
	    ".asciz \"" #sym "\"\n\t" ns_string ".popsection\n\t"              \
	    ".pushsection " table ", \"a\", %progbits\n\t" TENON_KSYM_ALIGN    \
	    "\n\t" TENON_KSYM_REF(sym) TENON_KSYM_REF(.Lkstrtab_##sym)         \
		ns_field ".popsection\n")
#define TENON_EXPORT_NS(sym, table, ns)                                        \
	TENON_EXPORT(sym, table,                                               \
	    ".Lkstrtabns_" #sym ":\n\t.asciz \"" ns "\"\n\t",                  \
	    TENON_KSYM_REF(.Lkstrtabns_##sym))

#define EXPORT_SYMBOL(sym) TENON_EXPORT(sym, "__ksymtab", "", TENON_KSYM_NONE)
#define EXPORT_SYMBOL_GPL(sym)                                                 \
	TENON_EXPORT(sym, "__ksymtab_gpl", "", TENON_KSYM_NONE)
#define EXPORT_SYMBOL_NS(sym, ns)                                              \
	TENON_EXPORT_NS(sym, "__ksymtab", TENON_STRING(ns))
#define EXPORT_SYMBOL_NS_GPL(sym, ns)                                          \
	TENON_EXPORT_NS(sym, "__ksymtab_gpl", TENON_STRING(ns))
