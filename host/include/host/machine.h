/* SPDX-License-Identifier: MIT */
/*
 * What differs between the processors that a process may run on: one constant
 * per machine, in arch/.
 */
#pragma once

#include <stdint.h>

struct host_machine {
	unsigned elf_machine; /* e_machine */
	/* Two functions of @code_size bytes that return 1 and 2. */
	const uint8_t *return_1;
	const uint8_t *return_2;
	unsigned code_size;
};

extern const struct host_machine host_machine;
