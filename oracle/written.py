# SPDX-License-Identifier: MIT
"""Relocation types that the corpus does not have, written in assembly.

Each text uses every type that an assembler can be made to emit and that links
near its symbols: `d` is data, `f` and `g` are functions, all undefined; `small`
is an absolute number.  They go through the same comparison as the corpus.
"""

import os

import elf
import tools

X86 = r"""
	.text
	.globl start, local_global
start:
	call *f@GOTPCREL(%rip)
	jmp *f@GOTPCREL(%rip)
	movl d@GOTPCREL(%rip), %eax
	movq d@GOTPCREL(%rip), %r9
	testq %r10, d@GOTPCREL(%rip)
	cmpq d@GOTPCREL(%rip), %rdi
	addl d@GOTPCREL(%rip), %ebx
	pushq d@GOTPCREL(%rip)
	movq local_global@GOTPCREL(%rip), %rcx
	movl $d, %eax
	movl $d, %esi
	movq $d, %rdi
	jne g
	leaq d+12(%rip), %rax
	movl $1, d(%rip)
local_global:
	ret
	.data
	.long d
	.quad d+5, local_global
	.long d - .
	.quad d - .
	.long local_global - .
	.section .rodata
	.reloc ., R_X86_64_PC8, small_place
small_place: .byte 0
	.set small, 100
	.globl small
	.reloc ., R_X86_64_16, small
	.word 0
	.reloc ., R_X86_64_8, small
	.byte 0
	.reloc ., R_X86_64_PC16, start
	.word 0
"""

ARM = r"""
	.text
	.globl start
start:
	movz x0, #:abs_g0_nc:d
	movz x0, #:abs_g0:small
	movk x0, #:abs_g1_nc:d
	movk x0, #:abs_g2_nc:d
	movk x0, #:abs_g3:d
	movz x1, #:abs_g1:d
	movz x1, #:abs_g2:d
	movz x2, #:abs_g1_s:d
	movz x2, #:abs_g2_s:d
	movz x3, #:prel_g1:d
	movk x3, #:prel_g0_nc:d
	movk x3, #:prel_g1_nc:d
	movk x3, #:prel_g2_nc:d
	movz x3, #:prel_g2:d
	movz x3, #:prel_g3:d
	adrp x4, :pg_hi21_nc:d
	ldr x5, close
	adr x6, close
	tbz x7, #3, there
	tbnz w7, #3, there
	b.ne f
	cbz x1, f
	b g
	bl g
	ldrb w1, [x0, :lo12:d]
	ldrh w1, [x0, :lo12:d]
	ldr w1, [x0, :lo12:d]
	ldr x1, [x0, :lo12:d]
	ldr q1, [x0, :lo12:d]
	add x0, x0, :lo12:d+7
	adrp x1, :got:d
	ldr x1, [x1, :got_lo12:d]
	adrp x2, :got:start
	ldr x3, [x2, :got_lo12:start]
	adrp x9, _GLOBAL_OFFSET_TABLE_
	ldr x9, [x9, #:gotpage_lo15:d]
	.section near,"ax"
there:	ret
	.hword close - .
	.balign 8
close:	.quad d, d - .
	.word d, d - .
	.reloc ., R_AARCH64_PREL16, there
	.hword 0
	.reloc ., R_AARCH64_ABS16, small
	.hword 0
	.set small, 0x1234
	.globl small
"""

RISCV = r"""
	.option pic
	.text
	.globl start
start:
	lui a0, %hi(d)
	addi a0, a0, %lo(d)
	ld a1, %lo(d+8)(a0)
	sd a1, %lo(d+16)(a0)
1:	auipc a2, %pcrel_hi(d)
	ld a3, %pcrel_lo(1b)(a2)
	sd a3, %pcrel_lo(1b)(a2)
	addi a3, a2, %pcrel_lo(1b)
	la a4, d
	lla a5, d
	call f
	.reloc ., R_RISCV_CALL, f
	auipc ra, 0
	jalr ra, ra, 0
	tail f
	j there
	beqz a0, there
	c.j there
	c.beqz a0, there
	.balign 8
	.balign 16
there:	ret
	.section .data
	.byte there - start
	.half there - start
	.word there - start
	.dword there - start
	.word d, d - ., start
	.dword d+3
	.uleb128 there - start
	.reloc ., R_RISCV_SET32, d
	.word 0
"""

TEXT = {elf.X86_64: X86, elf.AARCH64: ARM, elf.RISCV: RISCV}


def assembler(oracle, machine):
    """The assembler beside the linker of a machine."""
    command = [oracle.ld[machine][-1].replace("ld.bfd", "as")]
    command = oracle.ld[machine][:-1] + command
    return command + (["-march=rv64gc"] if machine == elf.RISCV else [])


# Numbers of sections reach across those that the format reserves, 0xff00 on.
MANY = 0x10010
CROWD = """
	.altmacro
	.macro one i
	.section .text.\\i, "ax", %%progbits
	.globl f\\i
f\\i:	call f0
	call away
	.endm
	.set n, 0
	.rept %d
	one %%n
	.set n, n + 1
	.endr
""" % MANY


def assemble(oracle, machine, work, text=None):
    """The bytes of an object file; of the other types unless told what."""
    with open(os.path.join(work, "in.s"), "w", encoding="ascii") as file:
        file.write(text or TEXT[machine])
    status, words = tools.run(assembler(oracle, machine)
                              + ["in.s", "-o", "in.o"], cwd=work)
    if status:
        raise tools.ToolError("as: " + words)
    with open(os.path.join(work, "in.o"), "rb") as file:
        return file.read()
