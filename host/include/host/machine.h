/* SPDX-License-Identifier: MIT */
/*
 * What differs between the processors that a process may run on: one constant
 * per machine, in arch/.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct host_machine {
	unsigned elf_machine; /* e_machine */
	/*
	 * Another core may go on with instructions that it fetched before
	 * clear_cache, until it is told: see arena_image_seal.
	 */
	bool keeps_fetched;
	/* Two functions of @code_size bytes that return 1 and 2. */
	const uint8_t *return_1;
	const uint8_t *return_2;
	unsigned code_size;
};

extern const struct host_machine host_machine;
