/* SPDX-License-Identifier: MIT */
/*
 * What an architecture supplies to the kernel. kernel/arch/NAME implements
 * this list, and its arch_pte.h the format of page-table entries; nothing
 * above names a CPU. All of it concerns the calling CPU, and there is one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "aarch64", and e_machine of the modules that run here. */
extern const char arch_name[];
extern const unsigned arch_elf_machine;

/* --- memory */

/*
 * Turns translation on with the table of level 1 at @root, caches included.
 * The code that runs, its stack and its data are mapped where they are.
 */
void arch_mmu_enable(const uint64_t *root);

/* The level 1 table that the CPU uses now, NULL while translation is off. */
uint64_t *arch_mmu_root(void);

/*
 * Makes stores to page-table entries visible to the walker and forgets the
 * old translations of the pages of [va, va + size).
 */
void arch_tlb_flush(uintptr_t va, size_t size);

/*
 * Makes instructions written at [text, text + size) visible to instruction
 * fetch. The bytes must be mapped readable.
 */
void arch_sync_text(const void *text, size_t size);

/* --- time */

/* A counter that runs from reset at a constant rate, and its rate. */
uint64_t arch_ticks(void);
uint64_t arch_ticks_per_second(void);

/* --- control */

/* What a call must restore when it is left by a fault. */
struct arch_context {
	uint64_t reg[16];
};

/* The registers at a fault, in a form of the architecture's own. */
struct arch_frame;

/*
 * Calls fn(arg). Returns false when it returned, true when it was left by
 * arch_frame_escape with the same @context.
 */
bool arch_call_escapable(
    struct arch_context *context, void (*fn)(void *), void *arg);

/* Lets the end of the fault handler return from arch_call_escapable. */
void arch_frame_escape(
    struct arch_frame *frame, const struct arch_context *context);

/* Prints every register. */
void arch_frame_print(const struct arch_frame *frame);

/* Stops for ever. */
_Noreturn void arch_halt(void);
