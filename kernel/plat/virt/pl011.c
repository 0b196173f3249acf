/* SPDX-License-Identifier: MIT */
/*
 * Arm PL011 UART, transmit only, polled (Arm DDI 0183). The firmware or the
 * emulator has set the line speed.
 */
#include "mmio.h"
#include "plat.h"
#include "platform.h"

#define UART_DR      (PLAT_UART_BASE + 0x00)
#define UART_FR      (PLAT_UART_BASE + 0x18)
#define UART_LCR_H   (PLAT_UART_BASE + 0x2c)
#define UART_CR      (PLAT_UART_BASE + 0x30)
#define UART_IMSC    (PLAT_UART_BASE + 0x38)
#define FR_BUSY      (1u << 3)
#define FR_TX_FULL   (1u << 5)
#define LCR_H_FIFO   (1u << 4)
#define LCR_H_8_BITS (3u << 5)
#define CR_ENABLE    (1u << 0)
#define CR_TX_ENABLE (1u << 8)

/* Line control may change only while the UART is off and idle (3.3.7). */
void plat_uart_init(void)
{
	while (mmio_read32(UART_FR) & FR_BUSY)
		;
	mmio_write32(UART_CR, 0);
	mmio_write32(UART_IMSC, 0);
	mmio_write32(UART_LCR_H, LCR_H_FIFO | LCR_H_8_BITS);
	mmio_write32(UART_CR, CR_ENABLE | CR_TX_ENABLE);
}

void plat_putc(char c)
{
	while (mmio_read32(UART_FR) & FR_TX_FULL)
		;
	mmio_write32(UART_DR, (unsigned char)c);
}
