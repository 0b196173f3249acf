/* SPDX-License-Identifier: MIT */
/*
 * What every part of the kernel may use: the console, the end, and the
 * places of the image that image.ld names.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>

/* How the machine ends; the status of the emulator's process. */
enum k_status {
	K_PASS = 0,
	K_FAIL = 1,
	K_FAULT = 2,
	K_PANIC = 3
};

/*
 * Any context, also without translation. Text beyond 511 bytes is cut off;
 * k_vprintf returns the length of the whole.
 */
void k_printf(const char *fmt, ...) PRINTF_LIKE(1, 2);
size_t k_vprintf(const char *fmt, va_list ap) PRINTF_LIKE(1, 0);
void k_write(const char *s, size_t n);

/* Ends the machine. */
_Noreturn void k_exit(enum k_status status);
_Noreturn void k_panic(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Entered once by the architecture, without translation, .bss cleared. */
_Noreturn void k_start(void);

/* The program that this image was linked for; its status ends the machine. */
enum k_status k_main(void);

/* Set by image.ld; only the addresses mean something. */
extern char image_text[], image_text_end[];
extern char image_rodata[], image_rodata_end[];
extern char image_data[], image_data_end[];
extern char boot_stack[], boot_stack_end[];
extern char fault_stack[], fault_stack_end[];
extern char image_pool[], image_pool_end[];
