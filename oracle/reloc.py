# SPDX-License-Identifier: MIT
"""Relocation types by name, and what the oracle must know of each.

Sources: System V psABI AMD64 1.0 table 4.9, ELF for the Arm 64-bit
Architecture 2023Q3 section 5.7, RISC-V ELF psABI 1.0 chapter 8.  Only facts
about types stand here; what a linker does with them is the linker's business.
"""

import elf

X86 = """0 NONE 1 64 2 PC32 3 GOT32 4 PLT32 5 COPY 6 GLOB_DAT 7 JUMP_SLOT
8 RELATIVE 9 GOTPCREL 10 32 11 32S 12 16 13 PC16 14 8 15 PC8 16 DTPMOD64
17 DTPOFF64 18 TPOFF64 19 TLSGD 20 TLSLD 21 DTPOFF32 22 GOTTPOFF 23 TPOFF32
24 PC64 25 GOTOFF64 26 GOTPC32 27 GOT64 28 GOTPCREL64 29 GOTPC64 30 GOTPLT64
31 PLTOFF64 32 SIZE32 33 SIZE64 34 GOTPC32_TLSDESC 35 TLSDESC_CALL 36 TLSDESC
37 IRELATIVE 41 GOTPCRELX 42 REX_GOTPCRELX"""

ARM = """0 NONE 257 ABS64 258 ABS32 259 ABS16 260 PREL64 261 PREL32 262 PREL16
263 MOVW_UABS_G0 264 MOVW_UABS_G0_NC 265 MOVW_UABS_G1 266 MOVW_UABS_G1_NC
267 MOVW_UABS_G2 268 MOVW_UABS_G2_NC 269 MOVW_UABS_G3 270 MOVW_SABS_G0
271 MOVW_SABS_G1 272 MOVW_SABS_G2 273 LD_PREL_LO19 274 ADR_PREL_LO21
275 ADR_PREL_PG_HI21 276 ADR_PREL_PG_HI21_NC 277 ADD_ABS_LO12_NC
278 LDST8_ABS_LO12_NC 279 TSTBR14 280 CONDBR19 282 JUMP26 283 CALL26
284 LDST16_ABS_LO12_NC 285 LDST32_ABS_LO12_NC 286 LDST64_ABS_LO12_NC
287 MOVW_PREL_G0 288 MOVW_PREL_G0_NC 289 MOVW_PREL_G1 290 MOVW_PREL_G1_NC
291 MOVW_PREL_G2 292 MOVW_PREL_G2_NC 293 MOVW_PREL_G3 299 LDST128_ABS_LO12_NC
300 MOVW_GOTOFF_G0 301 MOVW_GOTOFF_G0_NC
302 MOVW_GOTOFF_G1 303 MOVW_GOTOFF_G1_NC 304 MOVW_GOTOFF_G2
305 MOVW_GOTOFF_G2_NC 306 MOVW_GOTOFF_G3 307 GOTREL64
308 GOTREL32 309 GOT_LD_PREL19 310 LD64_GOTOFF_LO15
311 ADR_GOT_PAGE 312 LD64_GOT_LO12_NC 313 LD64_GOTPAGE_LO15 314 PLT32
315 GOTPCREL32 513 TLSGD_ADR_PAGE21 514 TLSGD_ADD_LO12_NC
541 TLSIE_ADR_GOTTPREL_PAGE21 542 TLSIE_LD64_GOTTPREL_LO12_NC
549 TLSLE_ADD_TPREL_HI12 550 TLSLE_ADD_TPREL_LO12 551 TLSLE_ADD_TPREL_LO12_NC
562 TLSDESC_ADR_PAGE21 563 TLSDESC_LD64_LO12 564 TLSDESC_ADD_LO12
569 TLSDESC_CALL"""

RISCV = """0 NONE 1 32 2 64 3 RELATIVE 4 COPY 5 JUMP_SLOT 6 TLS_DTPMOD32
7 TLS_DTPMOD64 8 TLS_DTPREL32 9 TLS_DTPREL64 10 TLS_TPREL32 11 TLS_TPREL64
16 BRANCH 17 JAL 18 CALL 19 CALL_PLT 20 GOT_HI20 21 TLS_GOT_HI20
22 TLS_GD_HI20 23 PCREL_HI20 24 PCREL_LO12_I 25 PCREL_LO12_S 26 HI20 27 LO12_I
28 LO12_S 29 TPREL_HI20 30 TPREL_LO12_I 31 TPREL_LO12_S 32 TPREL_ADD 33 ADD8
34 ADD16 35 ADD32 36 ADD64 37 SUB8 38 SUB16 39 SUB32 40 SUB64 41 GOT32_PCREL
43 ALIGN 44 RVC_BRANCH 45 RVC_JUMP 46 RVC_LUI 47 GPREL_I
48 GPREL_S 51 RELAX 52 SUB6 53 SET6 54 SET8 55 SET16
56 SET32 57 32_PCREL 58 IRELATIVE 59 PLT32 60 SET_ULEB128 61 SUB_ULEB128
62 TLSDESC_HI20 63 TLSDESC_LOAD_LO12 64 TLSDESC_ADD_LO12 65 TLSDESC_CALL"""


def table(prefix, text):
    """{number: name} from pairs of words."""
    words = text.split()
    return {int(number): prefix + name
            for number, name in zip(words[::2], words[1::2])}


NAMES = {
    elf.X86_64: table("R_X86_64_", X86),
    elf.AARCH64: table("R_AARCH64_", ARM),
    elf.RISCV: table("R_RISCV_", RISCV),
}

# Types that go through a cell of the global offset table.
GOT_KINDS = {
    elf.X86_64: {9, 41, 42},
    elf.AARCH64: {311, 312, 313},
    elf.RISCV: {20},
}
# Types that reach any address: through a cell, a stub, or a 64-bit word.
FAR_KINDS = {
    elf.X86_64: {1, 4, 9, 41, 42},
    elf.AARCH64: {257, 282, 283, 311, 312, 313},
    elf.RISCV: {2, 17, 18, 19, 20, 51},
}
WORD_KIND = {elf.X86_64: 1, elf.AARCH64: 257, elf.RISCV: 2}
BRANCH_KINDS = {
    elf.X86_64: {4},
    elf.AARCH64: {282, 283},
    elf.RISCV: {17, 18, 19},
}
# Types that reach less than the windows for undefined symbols are away.
CLOSE_KINDS = {
    elf.X86_64: set(),
    elf.AARCH64: {273, 274, 279, 280},
    elf.RISCV: {16, 17, 44, 45},
}

# Bytes that a relocation may change, from its offset: 4 unless named here.
WIDTH = {
    elf.X86_64: {0: 0, 1: 8, 12: 2, 13: 2, 14: 1, 15: 1, 24: 8},
    elf.AARCH64: {0: 0, 257: 8, 259: 2, 260: 8, 262: 2},
    elf.RISCV: {0: 0, 2: 8, 18: 8, 19: 8, 33: 1, 34: 2, 36: 8, 37: 1, 38: 2,
                40: 8, 43: 0, 44: 2, 45: 2, 46: 2, 51: 0, 52: 1, 53: 1, 54: 1,
                55: 2, 60: 1, 61: 1},
}


def name_of(machine, kind):
    """The name of a type, or its number."""
    return NAMES[machine].get(kind, "type %d" % kind)


def width_of(machine, kind):
    """How many bytes from its offset a relocation of a type may change."""
    return WIDTH[machine].get(kind, 4)


def is_loaded(section):
    """Does the engine load this section?  (The contract of `tenon link`.)"""
    return bool(section.flags & elf.SHF_ALLOC
                and section.name not in (".modinfo", "__versions")
                and not section.name.startswith(".note."))
