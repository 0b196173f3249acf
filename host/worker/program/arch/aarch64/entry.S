/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel starts a worker, and where a signal handler would return to.
 */
	.text
	.global _start
	.type _start, %function
_start:
	mov	x29, #0
	mov	x30, #0
	bl	worker_main
	brk	#0

	.global worker_restorer
	.type worker_restorer, %function
worker_restorer:
	mov	x8, #139		/* rt_sigreturn */
	svc	#0
	brk	#0
	.section .note.GNU-stack, "", %progbits
