/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel starts a worker, and where a signal handler would return to.
 */
	.text
	.global _start
	.type _start, %function
_start:
	xorl	%ebp, %ebp
	andq	$-16, %rsp
	call	worker_main
	ud2

	.global worker_restorer
	.type worker_restorer, %function
worker_restorer:
	movl	$15, %eax		/* rt_sigreturn */
	syscall
	ud2
	.section .note.GNU-stack, "", %progbits
