/* SPDX-License-Identifier: MIT */
/* A process on riscv64. */
#include <host/machine.h>

/* li a0, N; ret */
static const uint8_t return_1[] = { 0x13, 0x05, 0x10, 0x00, 0x67, 0x80, 0x00,
	0x00 };
static const uint8_t return_2[] = { 0x13, 0x05, 0x20, 0x00, 0x67, 0x80, 0x00,
	0x00 };

const struct host_machine host_machine = {
	.elf_machine = 243,     /* EM_RISCV */
	.keeps_fetched = false, /* riscv_flush_icache: fence.i on all harts */
	.return_1 = return_1,
	.return_2 = return_2,
	.code_size = sizeof(return_1),
};
