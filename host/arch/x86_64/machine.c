/* SPDX-License-Identifier: MIT */
/* A process on x86_64. */
#include <host/machine.h>

/* mov $N, %eax; ret */
static const uint8_t return_1[] = { 0xb8, 1, 0, 0, 0, 0xc3 };
static const uint8_t return_2[] = { 0xb8, 2, 0, 0, 0, 0xc3 };

const struct host_machine host_machine = {
	.elf_machine = 62,      /* EM_X86_64 */
	.keeps_fetched = false, /* stores are seen by what has been fetched */
	.return_1 = return_1,
	.return_2 = return_2,
	.code_size = sizeof(return_1),
};
