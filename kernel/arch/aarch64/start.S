/* SPDX-License-Identifier: MIT */
/*
 * Entry of the image on aarch64: one CPU at EL1 or EL2, translation off, the
 * image clean in the caches (as Linux's boot protocol has it). x0 may hold
 * the device tree; nothing here uses it yet. Leaves EL2, sets the vectors,
 * the boot stack and clears .bss; then k_start, which does not return.
 */
#define EL2            2
#define SCTLR_EL1_OFF  0x30d00800 /* the RES1 bits of Armv8.0, all else off */
#define HCR_RW         (1 << 31)  /* EL1 is AArch64 */
#define CPTR_EL2_RES1  0x33ff     /* traps nothing to EL2 */
#define CNTHCTL_EL1    3          /* EL1 may use counter and timer */
#define SPSR_EL1H_DAIF 0x3c5      /* EL1 with its own stack, all masked */

	.section .text.start, "ax"
	.global _start
	.type _start, %function
_start:
	msr	daifset, #15
	mrs	x0, CurrentEL
	lsr	x0, x0, #2
	cmp	x0, #EL2
	b.ne	1f
	bl	leave_el2
1:
	ldr	x0, =SCTLR_EL1_OFF
	msr	sctlr_el1, x0
	adrp	x0, arch_vectors
	add	x0, x0, :lo12:arch_vectors
	msr	vbar_el1, x0
	msr	cpacr_el1, xzr		/* no floating point */
	isb
	adrp	x0, boot_stack_end
	add	x0, x0, :lo12:boot_stack_end
	mov	sp, x0
	mov	x29, xzr		/* no frame above this one */
	mov	x30, xzr

	adrp	x0, image_bss
	add	x0, x0, :lo12:image_bss
	adrp	x1, image_bss_end
	add	x1, x1, :lo12:image_bss_end
2:	cmp	x0, x1
	b.hs	3f
	stp	xzr, xzr, [x0], #16
	b	2b
3:	bl	k_start
	.size _start, . - _start

/* Returns at EL1; clobbers x0. */
	.type leave_el2, %function
leave_el2:
	mov	x0, #HCR_RW
	msr	hcr_el2, x0
	mov	x0, #CPTR_EL2_RES1
	msr	cptr_el2, x0
	mov	x0, #CNTHCTL_EL1
	msr	cnthctl_el2, x0
	msr	cntvoff_el2, xzr
	msr	hstr_el2, xzr
	msr	vttbr_el2, xzr
	mrs	x0, midr_el1
	msr	vpidr_el2, x0
	mrs	x0, mpidr_el1
	msr	vmpidr_el2, x0
	ldr	x0, =SCTLR_EL1_OFF
	msr	sctlr_el1, x0
	mov	x0, #SPSR_EL1H_DAIF
	msr	spsr_el2, x0
	msr	elr_el2, x30
	eret
	.size leave_el2, . - leave_el2
	.section .note.GNU-stack, "", %progbits
