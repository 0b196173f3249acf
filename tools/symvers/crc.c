/* SPDX-License-Identifier: MIT */
/*
 * CRC-32, reflected, polynomial 0x04c11db7 (IEEE 802.3, 3.2.9): bit by bit, as
 * a description has few bytes.
 */
#include <symvers/types.h>

unsigned long types_crc(const char *text, size_t n)
{
	unsigned long crc = 0xffffffff;

	for (size_t i = 0; i < n; i++) {
		crc ^= (unsigned char)text[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return crc ^ 0xffffffff;
}
