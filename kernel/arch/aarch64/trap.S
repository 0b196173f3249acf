/* SPDX-License-Identifier: MIT */
/*
 * The exception vectors of EL1, and the call that a fault can leave. Only
 * faults arrive here: interrupts are masked. The frame is always the top of
 * the fault stack, so that an unusable stack pointer does no harm.
 */
#include "frame.h"

/*
 * One vector of 32 instructions: x0 and x1 are free behind it, x0 is the
 * frame, x1 the number of the vector. tpidrro_el0 holds the old x0.
 */
	.macro VECTOR number
	.balign 128
	msr	tpidrro_el0, x0
	adrp	x0, fault_stack_end - FRAME_SIZE
	add	x0, x0, :lo12:fault_stack_end - FRAME_SIZE
	str	x1, [x0, #FRAME_X + 8]
	mov	x1, #\number
	b	fault_common
	.endm

	.text
	.balign 2048
	.global arch_vectors
arch_vectors:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	VECTOR	\n
	.endr

	.type fault_common, %function
fault_common:
	stp	x2, x3, [x0, #FRAME_X + 16]
	stp	x4, x5, [x0, #FRAME_X + 32]
	stp	x6, x7, [x0, #FRAME_X + 48]
	stp	x8, x9, [x0, #FRAME_X + 64]
	stp	x10, x11, [x0, #FRAME_X + 80]
	stp	x12, x13, [x0, #FRAME_X + 96]
	stp	x14, x15, [x0, #FRAME_X + 112]
	stp	x16, x17, [x0, #FRAME_X + 128]
	stp	x18, x19, [x0, #FRAME_X + 144]
	stp	x20, x21, [x0, #FRAME_X + 160]
	stp	x22, x23, [x0, #FRAME_X + 176]
	stp	x24, x25, [x0, #FRAME_X + 192]
	stp	x26, x27, [x0, #FRAME_X + 208]
	stp	x28, x29, [x0, #FRAME_X + 224]
	mov	x2, sp
	stp	x30, x2, [x0, #FRAME_X + 240]
	mrs	x2, tpidrro_el0
	str	x2, [x0, #FRAME_X]
	mrs	x2, elr_el1
	mrs	x3, spsr_el1
	stp	x2, x3, [x0, #FRAME_PC]
	mrs	x2, esr_el1
	mrs	x3, far_el1
	stp	x2, x3, [x0, #FRAME_ESR]
	mov	sp, x0
	mov	x29, xzr
	bl	arch_fault

	mov	x0, sp
	ldp	x2, x3, [x0, #FRAME_PC]
	msr	elr_el1, x2
	msr	spsr_el1, x3
	ldr	x2, [x0, #FRAME_SP]
	mov	sp, x2
	ldp	x2, x3, [x0, #FRAME_X + 16]
	ldp	x4, x5, [x0, #FRAME_X + 32]
	ldp	x6, x7, [x0, #FRAME_X + 48]
	ldp	x8, x9, [x0, #FRAME_X + 64]
	ldp	x10, x11, [x0, #FRAME_X + 80]
	ldp	x12, x13, [x0, #FRAME_X + 96]
	ldp	x14, x15, [x0, #FRAME_X + 112]
	ldp	x16, x17, [x0, #FRAME_X + 128]
	ldp	x18, x19, [x0, #FRAME_X + 144]
	ldp	x20, x21, [x0, #FRAME_X + 160]
	ldp	x22, x23, [x0, #FRAME_X + 176]
	ldp	x24, x25, [x0, #FRAME_X + 192]
	ldp	x26, x27, [x0, #FRAME_X + 208]
	ldp	x28, x29, [x0, #FRAME_X + 224]
	ldr	x30, [x0, #FRAME_X + 240]
	ldp	x0, x1, [x0, #FRAME_X]
	eret
	.size fault_common, . - fault_common

/*
 * bool arch_call_escapable(struct arch_context *, fn, arg): keeps what a
 * called function preserves, calls fn(arg), returns false. The context is
 * x19 to x30 and sp, in this order.
 */
	.global arch_call_escapable
	.type arch_call_escapable, %function
arch_call_escapable:
	stp	x19, x20, [x0, #0]
	stp	x21, x22, [x0, #16]
	stp	x23, x24, [x0, #32]
	stp	x25, x26, [x0, #48]
	stp	x27, x28, [x0, #64]
	stp	x29, x30, [x0, #80]
	mov	x3, sp
	str	x3, [x0, #96]
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	mov	x0, x2
	blr	x1
	ldp	x29, x30, [sp], #16
	mov	w0, #0
	ret
	.size arch_call_escapable, . - arch_call_escapable

/* Returns true from the call whose context is x0. */
	.global arch_escape
	.type arch_escape, %function
arch_escape:
	ldp	x19, x20, [x0, #0]
	ldp	x21, x22, [x0, #16]
	ldp	x23, x24, [x0, #32]
	ldp	x25, x26, [x0, #48]
	ldp	x27, x28, [x0, #64]
	ldp	x29, x30, [x0, #80]
	ldr	x1, [x0, #96]
	mov	sp, x1
	mov	w0, #1
	ret
	.size arch_escape, . - arch_escape
	.section .note.GNU-stack, "", %progbits
