/* SPDX-License-Identifier: MIT */
/*
 * Tables of a thousand addresses, of the world and of this file, each with an
 * addend of its own.
 */
#include "matrix.h"

static uint32_t own[512];

#define TWO(f, i)   f(i), f((i) + 1)
#define EIGHT(f, i) TWO(f, i), TWO(f, (i) + 2), TWO(f, (i) + 4), TWO(f, (i) + 6)
#define SIXTY(f, i)                                                            \
	EIGHT(f, i), EIGHT(f, (i) + 8), EIGHT(f, (i) + 16),                    \
	    EIGHT(f, (i) + 24), EIGHT(f, (i) + 32), EIGHT(f, (i) + 40),        \
	    EIGHT(f, (i) + 48), EIGHT(f, (i) + 56)
#define ALL(f)                                                                 \
	SIXTY(f, 0), SIXTY(f, 64), SIXTY(f, 128), SIXTY(f, 192),               \
	    SIXTY(f, 256), SIXTY(f, 320), SIXTY(f, 384), SIXTY(f, 448)
#define FOREIGN(i) &world_rows[511 - (i)]
#define OWN(i)     &own[i]

static uint32_t *const foreign_table[512] = { ALL(FOREIGN) };
static uint32_t *own_table[512] = { ALL(OWN) };

MATRIX(bigtable)
{
	volatile uint32_t bad = 0;

	for (uint32_t i = 0; i < 512; i++) {
		if (*foreign_table[i] != 7 * (511 - i) + 3)
			bad++;
		*(volatile uint32_t *)own_table[i] = i;
	}
	CHECK(bad == 0);
	for (uint32_t i = 0; i < 512; i++)
		if (((volatile uint32_t *)own)[i] != i)
			bad++;
	CHECK(bad == 0);
	return 0;
}
