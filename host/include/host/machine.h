/* SPDX-License-Identifier: MIT */
/*
 * What differs between the processors that a process may run on: one constant
 * per machine, in arch/.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Where a thread was when a signal stopped it. */
struct host_frame {
	uint64_t pc, sp, fp;
	uint64_t lr; /* the register of return addresses, 0: there is none */
};

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
	/* From the third argument of a signal handler. Any context. */
	void (*frame)(const void *context, struct host_frame *out);
	/* Where the caller's frame pointer and the return address stand, from
	   the frame pointer on. */
	int frame_previous, frame_return;
	/* Can the last of these eight bytes be the end of a call? */
	bool (*ends_call)(const uint8_t *code);
};

extern const struct host_machine host_machine;
