/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel starts a worker, and where a signal handler would return to.
 */
	.text
	.global _start
	.type _start, %function
_start:
	.option push
	.option norelax
	la	gp, __global_pointer$
	.option pop
	mv	s0, zero
	andi	sp, sp, -16
	call	worker_main
	ebreak

	.global worker_restorer
	.type worker_restorer, %function
worker_restorer:
	li	a7, 139			/* rt_sigreturn */
	ecall
	ebreak
	.section .note.GNU-stack, "", %progbits
