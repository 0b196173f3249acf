/* SPDX-License-Identifier: MIT */
/*
 * Access to device registers: volatile, of the register's own width. Device
 * memory keeps the order of accesses to one device by itself.
 */
#pragma once

#include <stdint.h>

static inline uint8_t mmio_read8(uintptr_t reg)
{
	return *(volatile uint8_t *)reg;
}

static inline void mmio_write8(uintptr_t reg, uint8_t v)
{
	*(volatile uint8_t *)reg = v;
}

static inline uint32_t mmio_read32(uintptr_t reg)
{
	return *(volatile uint32_t *)reg;
}

static inline void mmio_write32(uintptr_t reg, uint32_t v)
{
	*(volatile uint32_t *)reg = v;
}
