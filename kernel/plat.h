/* SPDX-License-Identifier: MIT */
/*
 * What a platform (a board) supplies: a way to say something and a way to
 * stop. Addresses are in platform.h, one per board.
 */
#pragma once

/* Before the first plat_putc; also without translation. */
void plat_uart_init(void);

/* Writes one byte; waits while the transmitter is full. */
void plat_putc(char c);

/* Ends the machine; an emulator's process exits with @status (0 to 255). */
void plat_exit(unsigned status);
