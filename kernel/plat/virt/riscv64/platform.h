/* SPDX-License-Identifier: MIT */
/*
 * QEMU's riscv64 "virt" board. RAM begins at 2 GiB with OpenSBI, which
 * starts the image 2 MiB above it.
 */
#pragma once

#define PLAT_NAME "qemu virt"

#define PLAT_UART_BASE   0x10000000u /* ns16550a */
#define PLAT_TEST_BASE   0x00100000u /* sifive,test0 */
#define PLAT_TIMEBASE_HZ 10000000u

/* A page of registers each. */
#define PLAT_DEVICES PLAT_UART_BASE, PLAT_TEST_BASE
