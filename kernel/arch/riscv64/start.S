/* SPDX-License-Identifier: MIT */
/*
 * Entry of the image on riscv64: one hart in S-mode, translation off, the
 * others parked in the SBI firmware. a0 is the hart, a1 the device tree;
 * nothing here uses them yet. Sets the vector, gp, the boot stack, clears
 * .bss; then k_start, which does not return.
 */
#define SSTATUS_SIE 2
#define SSTATUS_FS  (3 << 13)

	.section .text.start, "ax"
	.global _start
	.type _start, %function
_start:
	csrw	sie, zero
	csrci	sstatus, SSTATUS_SIE
	li	t0, SSTATUS_FS
	csrc	sstatus, t0		/* no floating point */
	.option push
	.option norelax
	la	gp, __global_pointer$
	.option pop
	la	t0, arch_vector
	csrw	stvec, t0
	la	t0, fault_stack_end
	csrw	sscratch, t0
	la	sp, boot_stack_end
	li	s0, 0			/* no frame above this one */
	li	ra, 0

	la	t0, image_bss
	la	t1, image_bss_end
1:	bgeu	t0, t1, 2f
	sd	zero, 0(t0)
	addi	t0, t0, 8
	j	1b
2:	call	k_start
	.size _start, . - _start
	.section .note.GNU-stack, "", %progbits
