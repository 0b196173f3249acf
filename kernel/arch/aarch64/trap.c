/* SPDX-License-Identifier: MIT */
/*
 * Decodes an exception at EL1: ESR_EL1 (Arm ARM D17.2.37) into the kernel's
 * struct k_fault.
 */
#include "arch.h"
#include "fault.h"
#include "frame.h"
#include "kernel.h"

struct arch_frame {
	uint64_t x[31];
	uint64_t sp;
	uint64_t pc;
	uint64_t spsr;
	uint64_t esr;
	uint64_t far;
};

_Static_assert(offsetof(struct arch_frame, sp) == FRAME_SP &&
		   offsetof(struct arch_frame, pc) == FRAME_PC &&
		   offsetof(struct arch_frame, spsr) == FRAME_SPSR &&
		   offsetof(struct arch_frame, esr) == FRAME_ESR &&
		   offsetof(struct arch_frame, far) == FRAME_FAR &&
		   sizeof(struct arch_frame) == FRAME_SIZE,
    "frame.h");

/* From trap.S. */
void arch_escape(const struct arch_context *context);
void arch_fault(struct arch_frame *frame, unsigned vector);

#define VECTOR_SYNC_SAME_EL 4

#define EC_UNKNOWN     0x00
#define EC_SIMD        0x07
#define EC_ILLEGAL     0x0e
#define EC_FETCH       0x21
#define EC_PC_ALIGN    0x22
#define EC_DATA        0x25
#define EC_SP_ALIGN    0x26
#define EC_BRK         0x3c
#define ESR_WRITE      (1u << 6)
#define FSC_ALIGNMENT  0x21
#define FSC_KIND(fsc)  ((fsc) >> 2)
#define FSC_SIZE       0
#define FSC_UNMAPPED   1
#define FSC_ACCESSED   2
#define FSC_PERMISSION 3

static const char *abort_text(unsigned fsc)
{
	if (fsc == FSC_ALIGNMENT)
		return "misaligned";
	switch (FSC_KIND(fsc)) {
	case FSC_SIZE: return "address size";
	case FSC_UNMAPPED: return "no translation";
	case FSC_ACCESSED: return "access flag";
	case FSC_PERMISSION: return "no permission";
	default: return "bus error";
	}
}

static const char *class_text(unsigned ec)
{
	switch (ec) {
	case EC_UNKNOWN: return "undefined instruction";
	case EC_SIMD: return "floating-point instruction";
	case EC_ILLEGAL: return "illegal execution state";
	case EC_PC_ALIGN: return "misaligned pc";
	case EC_SP_ALIGN: return "misaligned stack pointer";
	case EC_BRK: return "breakpoint instruction";
	default: return "unexpected exception";
	}
}

void arch_fault(struct arch_frame *frame, unsigned vector)
{
	const unsigned ec = (unsigned)(frame->esr >> 26) & 0x3f;
	struct k_fault f = { .pc = frame->pc, .address = frame->far };

	if (vector != VECTOR_SYNC_SAME_EL) {
		f.cause = "interrupt, or exception from another level";
	} else if (ec == EC_FETCH || ec == EC_DATA) {
		f.access = frame->esr & ESR_WRITE ? FAULT_STORE : FAULT_LOAD;
		if (ec == EC_FETCH)
			f.access = FAULT_FETCH;
		f.cause = abort_text((unsigned)frame->esr & 0x3f);
	} else {
		f.cause = class_text(ec);
	}
	k_fault_enter(&f, frame);
}

void arch_frame_escape(
    struct arch_frame *frame, const struct arch_context *context)
{
	frame->x[0] = (uintptr_t)context;
	frame->pc = (uintptr_t)arch_escape;
}

void arch_frame_print(const struct arch_frame *frame)
{
	for (unsigned i = 0; i < 31; i++)
		k_printf("  x%-2u %016lx%s", i, (unsigned long)frame->x[i],
		    i % 4 == 3 ? "\n" : "");
	k_printf("  sp  %016lx\n", (unsigned long)frame->sp);
	k_printf("  pc  %016lx  spsr %016lx  esr %016lx  far %016lx\n",
	    (unsigned long)frame->pc, (unsigned long)frame->spsr,
	    (unsigned long)frame->esr, (unsigned long)frame->far);
}
