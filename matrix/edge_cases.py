# SPDX-License-Identifier: MIT
"""The cases of edges.py: a source for each relocation type, and its reach.

The limits are those of the psABIs: System V AMD64 1.0 table 4.9, AAELF64
2023Q3 section 5.7, RISC-V ELF 1.0 chapter 8.
"""

import collections

import build

# value: "pc" S + A - P, "page" the same of pages, "abs" S + A, "low" S + A
# counted from the image.
# low, high: the values that fit, both included; unit: their alignment.
Case = collections.namedtuple(
    "Case", "kind compilers flags source value low high unit beyond")

CALL = "int target(int x); int edge(int x) { return target(x) + 1; }"
TAIL = "int target(int x); int edge(int x) { return target(x + 1); }"
LOAD = ("typedef int wide __attribute__((vector_size(16)));"
        "extern %s target; %s edge(void) { return target; }")
STORE = "extern int target; void edge(int x) { target = x; }"
ADDRESS = "extern char target[]; char *edge(void) { return target; }"
INDEX = ("extern __attribute__((visibility(\"hidden\"))) char target[];"
         "int edge(long i) { return target[i]; }")
TABLE = "extern char target[]; char *edge = target;"
BOTH = build.COMPILERS
FIXED = ["-fno-pic", "-fno-pie"]


def load(kind):
    """A source that reads a scalar."""
    return LOAD % (kind, kind)


def hidden(source):
    """The same source with its symbol declared hidden."""
    return source.replace("extern ", "extern __attribute__((visibility("
                          "\"hidden\"))) ")


def code(text, section=".text"):
    """A source of assembly."""
    return "__asm__(\"%s\\n.globl target\\n%s\\n\");" % (
        section, text.replace("\n", "\\n"))


def signed(bits, unit=1):
    """The values of a signed field."""
    return -(1 << bits - 1), (1 << bits - 1) - unit, unit


def unsigned(bits):
    """The values of an unsigned field."""
    return 0, (1 << bits) - 1, 1


def either(bits):
    """What fits as a signed or as an unsigned number."""
    return -(1 << bits - 1), (1 << bits) - 1, 1


HALVES = -(1 << 31) - 0x800, (1 << 31) - 0x801, 1  # riscv HI20 with LO12


def row(kind, source, value, limits, **more):
    """A line of the tables below."""
    return Case(kind, more.get("compilers", BOTH), more.get("flags", FIXED),
                source, value, *limits, more.get("beyond", "range"))


def word(prefix, kind, size, value, limits):
    """A word in data, spelt as a relocation."""
    text = ".reloc ., R_%s_%s, target + 3\n.zero %d" % (prefix, kind, size)
    return row(kind, code(text, ".data"), value, limits)


def got(kind, source, limits, *flags, value="pc"):
    """A load from the GOT, which becomes direct where the target reaches.

    A byte less than that: the jump that replaces x86_64's `jmp *cell` has its
    field a byte earlier, and all forms are judged alike.
    """
    low_end, high, unit = limits
    limits = low_end, high - (unit == 1), unit
    return row(kind, source, value, limits, flags=["-fPIC", *flags],
               beyond="cell")


def low(kind, source, unit):
    """The low half of an address whose high half reaches."""
    return row(kind, source, "low", (None, None, unit))


X86 = [
    row("PLT32", CALL, "pc", signed(32), beyond="stub"),
    row("PLT32", TAIL, "pc", signed(32), beyond="stub", flags=["-fPIC"]),
    row("PC32", hidden(load("int")), "pc", signed(32), flags=["-fPIE"]),
    row("PC32", hidden(ADDRESS), "pc", signed(32), flags=["-fPIC"]),
    row("32S", INDEX, "abs", signed(32)),
    row("32", ADDRESS, "abs", unsigned(32)),
    row("64", TABLE, "abs", (None, None, 1)),
    got("REX_GOTPCRELX", load("int"), signed(32)),
    got("REX_GOTPCRELX", ADDRESS, signed(32)),
    got("GOTPCRELX", CALL, signed(32), "-fno-plt"),
    got("GOTPCRELX", TAIL, signed(32), "-fno-plt"),
    word("X86_64", "PC64", 8, "pc", (None, None, 1)),
    word("X86_64", "16", 2, "abs", either(16)),
    word("X86_64", "8", 1, "abs", either(8)),
    word("X86_64", "PC16", 2, "pc", either(16)),
    word("X86_64", "PC8", 1, "pc", signed(8)),
]
ARM = [
    row("CALL26", CALL, "pc", signed(28, 4), beyond="stub"),
    row("JUMP26", TAIL, "pc", signed(28, 4), beyond="stub", flags=["-fPIC"]),
    row("ADR_PREL_PG_HI21", ADDRESS, "page", signed(33, 4096)),
    row("ADR_PREL_PG_HI21", load("long"), "page", signed(33, 4096)),
    low("ADD_ABS_LO12_NC", ADDRESS, 1),
    low("LDST8_ABS_LO12_NC", load("char"), 1),
    low("LDST16_ABS_LO12_NC", load("short"), 2),
    low("LDST32_ABS_LO12_NC", STORE, 4),
    low("LDST64_ABS_LO12_NC", load("long"), 8),
    low("LDST128_ABS_LO12_NC", load("wide"), 16),
    row("ABS64", TABLE, "abs", (None, None, 1)),
    got("ADR_GOT_PAGE", load("long"), signed(33, 4096), value="page"),
    row("ADR_PREL_LO21", ADDRESS, "pc", signed(21),
        flags=FIXED + ["-mcmodel=tiny"]),
    row("LD_PREL_LO19", load("int"), "pc", signed(21, 4),
        flags=FIXED + ["-mcmodel=tiny"], compilers=("clang",)),
    row("LD_PREL_LO19", code("ldr w0, target"), "pc", signed(21, 4)),
    row("TSTBR14", code("tbz x0, #3, target"), "pc", signed(16, 4)),
    row("CONDBR19", code("cbnz x0, target"), "pc", signed(21, 4)),
    row("CONDBR19", code("b.lt target"), "pc", signed(21, 4)),
    word("AARCH64", "PREL64", 8, "pc", (None, None, 1)),
    word("AARCH64", "PREL32", 4, "pc", either(32)),
    word("AARCH64", "PREL16", 2, "pc", either(16)),
    word("AARCH64", "ABS32", 4, "abs", either(32)),
    word("AARCH64", "ABS16", 2, "abs", either(16)),
    row("MOVW_UABS_G0", code("movz x0, #:abs_g0:target"), "abs",
        unsigned(16)),
    row("MOVW_UABS_G1", code("movz x0, #:abs_g1:target"), "abs",
        unsigned(32)),
    row("MOVW_UABS_G2", code("movz x0, #:abs_g2:target"), "abs",
        unsigned(48)),
    row("MOVW_SABS_G0", code("movz x0, #:abs_g0_s:target"), "abs",
        signed(17)),
    row("MOVW_SABS_G1", code("movz x0, #:abs_g1_s:target"), "abs",
        signed(33)),
    row("MOVW_SABS_G2", code("movz x0, #:abs_g2_s:target"), "abs",
        signed(49)),
    row("MOVW_PREL_G0", code("movz x0, #:prel_g0:target"), "pc", signed(17)),
    row("MOVW_PREL_G1", code("movz x0, #:prel_g1:target"), "pc", signed(33)),
    row("MOVW_PREL_G2", code("movz x0, #:prel_g2:target"), "pc", signed(49)),
]
NORELAX = ["-march=rv64gc", "-mno-relax"]
MEDANY = FIXED + NORELAX + ["-mcmodel=medany"]
MEDLOW = FIXED + NORELAX + ["-mcmodel=medlow"]


def riscv(kind, source, value, limits, flags=None, **more):
    """A line for riscv64; not compressed where assembly is spelt out."""
    return row(kind, source, value, limits,
               flags=flags or FIXED + ["-march=rv64g", "-mno-relax"], **more)


def branch(kind, size, bits):
    """An encoded branch of two or four bytes."""
    word_of = {"RVC_BRANCH": "0xc101", "RVC_JUMP": "0xa001",
               "BRANCH": "0x00b50063", "JAL": "0x000000ef"}[kind]
    return riscv(kind, code(".reloc ., R_RISCV_%s, target\n.%dbyte %s" % (
        kind, size, word_of)), "pc", signed(bits, 2), MEDANY,
        beyond="stub" if kind == "JAL" else "range")


RISCV = [
    riscv("CALL_PLT", CALL, "pc", HALVES, NORELAX + ["-fPIC"],
          beyond="stub"),
    riscv("CALL_PLT", TAIL, "pc", HALVES, NORELAX + ["-fPIC"],
          beyond="stub"),
    riscv("CALL", hidden("extern " + CALL), "pc", HALVES, MEDANY,
          beyond="stub", compilers=("clang",)),
    riscv("PCREL_HI20", load("int"), "pc", HALVES, MEDANY),
    riscv("PCREL_HI20", STORE, "pc", HALVES, MEDANY),
    riscv("HI20", load("int"), "abs", HALVES, MEDLOW),
    riscv("HI20", STORE, "abs", HALVES, MEDLOW),
    got("GOT_HI20", load("int"), HALVES, *NORELAX),
    got("GOT_HI20", ADDRESS, HALVES, *NORELAX),
    branch("JAL", 4, 21),
    branch("BRANCH", 4, 13),
    branch("RVC_BRANCH", 2, 9),
    branch("RVC_JUMP", 2, 12),
    riscv("RVC_LUI", code(".reloc ., R_RISCV_RVC_LUI, target\n"
                          ".2byte 0x6505"), "abs",
          (-(1 << 17) - 0x800, (1 << 17) - 0x801, 1), MEDANY),
    riscv("64", TABLE, "abs", (None, None, 1)),
    word("RISCV", "32", 4, "abs", either(32)),
    word("RISCV", "32_PCREL", 4, "pc", signed(32)),
]
CASES = {"x86_64": X86, "aarch64": ARM, "riscv64": RISCV}
