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
	addi	a1, a1, -16
	sd	a2, 0(a1)
	sd	a3, 8(a1)
	li	a2, 0
	li	a3, 0
	li	a4, 0
	li	a7, 220			/* clone */
	ecall
	beqz	a0, 1f
	ret
1:	li	s0, 0
	ld	a1, 0(sp)
	ld	a0, 8(sp)
	addi	sp, sp, 16
	jalr	a1
	li	a7, 93			/* exit */
	ecall
	ebreak
	.size worker_clone, . - worker_clone
	.section .note.GNU-stack, "", %progbits
