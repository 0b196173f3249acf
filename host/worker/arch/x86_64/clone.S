/* SPDX-License-Identifier: MIT */
/*
 * long worker_clone(unsigned long flags, void *stack, int (*fn)(void *),
 *     void *arg): clone(2) without a C library around it. The child runs
 * fn(arg) on @stack, which is aligned to 16, and ends with what that returns.
 */
	.text
	.global worker_clone
	.hidden worker_clone
	.type worker_clone, %function
worker_clone:
	subq	$16, %rsi
	movq	%rdx, (%rsi)
	movq	%rcx, 8(%rsi)
	xorl	%edx, %edx
	xorl	%r10d, %r10d
	xorl	%r8d, %r8d
	movl	$56, %eax		/* clone */
	syscall
	testq	%rax, %rax
	jz	1f
	ret
1:	xorl	%ebp, %ebp
	popq	%rax
	popq	%rdi
	call	*%rax
	movl	%eax, %edi
	movl	$60, %eax		/* exit */
	syscall
	ud2
	.size worker_clone, . - worker_clone
	.section .note.GNU-stack, "", %progbits
