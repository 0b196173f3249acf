/* SPDX-License-Identifier: MIT */
/*
 * Seeds of hash tables: see seed.h.
 */
#include "seed.h"

#include <sys/auxv.h>
#include <sys/random.h>

#include <base/span.h>

/* Secret bits: from the system now, else those given to the process. */
uint64_t lib_seed(void)
{
	uint64_t seed = 0;
	const uint8_t *start;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == sizeof(seed))
		return seed;
	/* The first eight bytes are the stack protector's. */
	start = (const uint8_t *)(uintptr_t)getauxval(AT_RANDOM);
	return start ? get_le64(start + 8) : 0;
}
