/* SPDX-License-Identifier: MIT */
/*
 * National Semiconductor 16550 UART, transmit only, polled. OpenSBI has used
 * the same UART before and set the line speed.
 */
#include "mmio.h"
#include "plat.h"
#include "platform.h"

#define UART_THR     (PLAT_UART_BASE + 0)
#define UART_IER     (PLAT_UART_BASE + 1)
#define UART_FCR     (PLAT_UART_BASE + 2)
#define UART_LCR     (PLAT_UART_BASE + 3)
#define UART_LSR     (PLAT_UART_BASE + 5)
#define FCR_FIFO     (1u << 0)
#define LCR_8_BITS   (3u << 0)
#define LSR_TX_EMPTY (1u << 5)

void plat_uart_init(void)
{
	mmio_write8(UART_IER, 0);
	mmio_write8(UART_LCR, LCR_8_BITS);
	mmio_write8(UART_FCR, FCR_FIFO);
}

void plat_putc(char c)
{
	while (!(mmio_read8(UART_LSR) & LSR_TX_EMPTY))
		;
	mmio_write8(UART_THR, (uint8_t)c);
}
