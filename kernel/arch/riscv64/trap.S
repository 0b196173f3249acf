/* SPDX-License-Identifier: MIT */
/*
 * The trap vector of S-mode, and the call that a fault can leave. Only faults
 * arrive here: interrupts are masked. sscratch always holds the top of the
 * fault stack, so that an unusable stack pointer does no harm.
 */
#include "frame.h"

	.macro SAVE n
	sd	x\n, FRAME_X + 8 * \n(sp)
	.endm
	.macro LOAD n
	ld	x\n, FRAME_X + 8 * \n(sp)
	.endm

	.text
	.balign 4
	.global arch_vector
	.type arch_vector, %function
arch_vector:
	csrrw	sp, sscratch, sp
	addi	sp, sp, -FRAME_SIZE
	SAVE	1
	.irp	n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
	SAVE	\n
	.endr
	.irp	n, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	SAVE	\n
	.endr
	addi	t0, sp, FRAME_SIZE
	csrrw	t0, sscratch, t0	/* the old sp, and the top again */
	sd	t0, FRAME_X + 8 * 2(sp)
	csrr	t0, sepc
	sd	t0, FRAME_PC(sp)
	csrr	t0, sstatus
	sd	t0, FRAME_STATUS(sp)
	csrr	t0, scause
	sd	t0, FRAME_CAUSE(sp)
	csrr	t0, stval
	sd	t0, FRAME_VALUE(sp)
	.option push
	.option norelax
	la	gp, __global_pointer$
	.option pop
	li	s0, 0
	mv	a0, sp
	call	arch_fault

	ld	t0, FRAME_PC(sp)
	csrw	sepc, t0
	ld	t0, FRAME_STATUS(sp)
	csrw	sstatus, t0
	LOAD	1
	.irp	n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
	LOAD	\n
	.endr
	.irp	n, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	LOAD	\n
	.endr
	LOAD	2
	sret
	.size arch_vector, . - arch_vector

/*
 * bool arch_call_escapable(struct arch_context *, fn, arg): keeps what a
 * called function preserves, calls fn(arg), returns false. The context is
 * ra, sp, gp, tp, s0 to s11, in this order.
 */
	.global arch_call_escapable
	.type arch_call_escapable, %function
arch_call_escapable:
	sd	ra, 0(a0)
	sd	sp, 8(a0)
	sd	gp, 16(a0)
	sd	tp, 24(a0)
	sd	s0, 32(a0)
	sd	s1, 40(a0)
	sd	s2, 48(a0)
	sd	s3, 56(a0)
	sd	s4, 64(a0)
	sd	s5, 72(a0)
	sd	s6, 80(a0)
	sd	s7, 88(a0)
	sd	s8, 96(a0)
	sd	s9, 104(a0)
	sd	s10, 112(a0)
	sd	s11, 120(a0)
	addi	sp, sp, -16
	sd	ra, 8(sp)
	sd	s0, 0(sp)
	addi	s0, sp, 16
	mv	a0, a2
	jalr	a1
	ld	ra, 8(sp)
	ld	s0, 0(sp)
	addi	sp, sp, 16
	li	a0, 0
	ret
	.size arch_call_escapable, . - arch_call_escapable

/* Returns true from the call whose context is a0. */
	.global arch_escape
	.type arch_escape, %function
arch_escape:
	ld	ra, 0(a0)
	ld	sp, 8(a0)
	ld	gp, 16(a0)
	ld	tp, 24(a0)
	ld	s0, 32(a0)
	ld	s1, 40(a0)
	ld	s2, 48(a0)
	ld	s3, 56(a0)
	ld	s4, 64(a0)
	ld	s5, 72(a0)
	ld	s6, 80(a0)
	ld	s7, 88(a0)
	ld	s8, 96(a0)
	ld	s9, 104(a0)
	ld	s10, 112(a0)
	ld	s11, 120(a0)
	li	a0, 1
	ret
	.size arch_escape, . - arch_escape
	.section .note.GNU-stack, "", %progbits
