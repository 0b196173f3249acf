/* SPDX-License-Identifier: MIT */
/*
 * The console: text to the platform's UART, and the two ways to end. There
 * is one CPU and interrupts are off, so lines do not mix.
 */
#include <base/format.h>
#include <base/string.h>

#include "arch.h"
#include "kernel.h"
#include "plat.h"

void k_write(const char *s, size_t n)
{
	for (; n != 0; n--, s++) {
		if (*s == '\n')
			plat_putc('\r');
		plat_putc(*s);
	}
}

size_t k_vprintf(const char *fmt, va_list ap)
{
	char line[512];
	const size_t n = text_vformat(line, sizeof(line), fmt, ap);

	k_write(line, n < sizeof(line) ? n : sizeof(line) - 1);
	return n;
}

void k_printf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)k_vprintf(fmt, ap); /* the length does not matter */
	va_end(ap);
}

void k_exit(enum k_status status)
{
	plat_exit(status);
	arch_halt();
}

void k_panic(const char *fmt, ...)
{
	va_list ap;

	k_printf("panic: ");
	va_start(ap, fmt);
	(void)k_vprintf(fmt, ap); /* the length does not matter */
	va_end(ap);
	k_printf("\n");
	k_exit(K_PANIC);
}
