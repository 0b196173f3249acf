/* SPDX-License-Identifier: MIT */
/*
 * QEMU's aarch64 "virt" board. The addresses are fixed by the board; RAM
 * begins at 1 GiB with the device tree, the image follows 2 MiB above it.
 */
#pragma once

#define PLAT_NAME "qemu virt"

#define PLAT_UART_BASE 0x09000000u /* PL011 */

/* A page of registers each. */
#define PLAT_DEVICES PLAT_UART_BASE
