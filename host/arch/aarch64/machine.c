/* SPDX-License-Identifier: MIT */
/* A process on aarch64. */
#include <host/machine.h>

/* mov w0, #N; ret */
static const uint8_t return_1[] = { 0x20, 0x00, 0x80, 0x52, 0xc0, 0x03, 0x5f,
	0xd6 };
static const uint8_t return_2[] = { 0x40, 0x00, 0x80, 0x52, 0xc0, 0x03, 0x5f,
	0xd6 };

const struct host_machine host_machine = {
	.elf_machine = 183,    /* EM_AARCH64 */
	.keeps_fetched = true, /* IC IVAU empties caches, not pipelines */
	.return_1 = return_1,
	.return_2 = return_2,
	.code_size = sizeof(return_1),
};
