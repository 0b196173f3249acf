/* SPDX-License-Identifier: MIT */
/*
 * The worker's program (program/), byte for byte.
 */
	.section .rodata.worker_program, "a", %progbits
	.balign 8
	.global worker_program
	.global worker_program_end
worker_program:
	.incbin "worker"
worker_program_end:
	.section .note.GNU-stack, "", %progbits
