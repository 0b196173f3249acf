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
	stp	x2, x3, [x1, #-16]!
	mov	x2, #0
	mov	x3, #0
	mov	x4, #0
	mov	x8, #220		/* clone */
	svc	#0
	cbz	x0, 1f
	ret
1:	mov	x29, #0
	ldp	x1, x0, [sp], #16
	blr	x1
	mov	x8, #93			/* exit */
	svc	#0
	brk	#0
	.size worker_clone, . - worker_clone
	.section .note.GNU-stack, "", %progbits
