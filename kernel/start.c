/* SPDX-License-Identifier: MIT */
/*
 * From the architecture's entry to the image's program. The fault vectors
 * are set, so that also a mistake in here prints a report.
 */
#include "arch.h"
#include "kernel.h"
#include "paging.h"
#include "plat.h"
#include "platform.h"

void k_start(void)
{
	plat_uart_init();
	k_paging_init();
	k_printf("tenon: %s on %s, image 0x%lx, pool %lu KiB\n", arch_name,
	    PLAT_NAME, (unsigned long)(uintptr_t)image_text,
	    (unsigned long)(image_pool_end - image_pool) / 1024);
	k_exit(k_main());
}
