# SPDX-License-Identifier: MIT
"""The cases of golden_*.h: an assembler line per relocation type, the range
that the psABI gives it, and the values at and beyond its edges."""

P0 = 0x40_0000_0000  # far from 0, so that nothing is reachable by accident
PC, PAGE, ABS, GOT, LOW = "pc", "page", "abs", "got", "low"
FIELD, RELAX, WEAK, STUB = "field", "relax", "weak", "stub"

# What ld accepts and we refuse, and why. (The other way round: nothing.)
STRICTER = {
    ("x86_64", "16"): "ld lets -2^16 wrap to another 16-bit number",
    ("x86_64", "PC16"): "ld lets -2^16 wrap to another 16-bit number",
    ("x86_64", "8"): "ld lets -2^8 wrap to another 8-bit number",
    ("aarch64", "TSTBR14"): "ld drops the low bits of a misaligned target",
    ("aarch64", "CONDBR19"): "ld drops the low bits of a misaligned target",
    ("aarch64", "JUMP26"): "ld drops the low bits of a misaligned target",
    ("aarch64", "CALL26"): "ld drops the low bits of a misaligned target",
    ("aarch64", "ADR_GOT_PAGE"): "ld does not check the type",
    ("riscv64", "32"): "ld does not check the type",
    ("riscv64", "32_PCREL"): "ld does not check the type",
}


class Case:
    """One row: how to assemble it, and where P, S and the GOT are."""

    def __init__(self, name, code, size, value, **more):
        self.name, self.code, self.size, self.value = name, code, size, value
        self.kind = more.get("kind", PC)      # what the value stands for
        self.limits = more.get("limits")      # None, or (low, end, unit)
        self.addend = more.get("addend", 0)
        self.which = more.get("which", 0)     # relocation of the section
        self.at = more.get("at", P0)
        self.flags = more.get("flags", [])    # of the linker
        self.lld = more.get("lld", False)
        self.patch = more.get("patch")        # type that gas cannot write
        self.table = more.get("table", FIELD)
        self.relaxes = more.get("relaxes", True)
        self.twin = more.get("twin")          # code to link in its stead


def signed(bits, unit=1, bias=0):
    return (-(1 << bits - 1) - bias, (1 << bits - 1) - bias, unit)


def unsigned(bits, unit=1):
    return (0, 1 << bits, unit)


def either(bits):
    return (-(1 << bits - 1), 1 << bits, 1)


THIRDS = (3, 5, 17, 257, 65537)  # 0x5555.., 0x3333.., 0x0f0f.., ...


def values(limits):
    """0, the edges, one step beyond each, patterns by whose bits every
    position can be told from every other, and misaligned ones."""
    if limits is None:
        return [0, 0x123456789ABCDEF0, -1] + [(1 << 64) // i for i in THIRDS]
    low, end, unit = limits
    if low is None:
        return [0x12345678 * 16, 0xFFF & -unit] + [
            (1 << 32) // i & -unit for i in THIRDS] + [
            0x5550 + i for i in sorted({1, unit // 2}) if i % unit]
    return [0, low, low - unit, end - unit, end] + [
        end // i & -unit for i in THIRDS] + [
        64 + i for i in sorted({1, unit // 2}) if i % unit]


def edges(name, code, size, limits=None, **more):
    return [Case(name, code, size, v, limits=limits, **more)
            for v in values(limits)
            if more.get("kind") != PAGE or v % 4096 == 0]


def word(prefix, name, size, limits=None, **more):
    code = f".reloc ., {prefix}{name}, {{e}}\n .zero {size}"
    return edges(name, code, size, limits, **more)


def x86_64():
    out = []
    for name, size, limits, kind in (
            ("64", 8, None, ABS), ("32", 4, unsigned(32), ABS),
            ("32S", 4, signed(32), ABS), ("16", 2, either(16), ABS),
            ("8", 1, either(8), ABS), ("PC64", 8, None, PC),
            ("PC32", 4, signed(32), PC), ("PC16", 2, either(16), PC),
            ("PC8", 1, signed(8), PC)):
        out += word("R_X86_64_", name, size, limits, kind=kind, addend=3)
    out += edges("PLT32", "call {s}", 4, signed(32), addend=-4)
    got = dict(kind=GOT, flags=["--no-relax"], addend=-4)
    for name, insn in (("REX_GOTPCRELX", "mov {s}@GOTPCREL(%rip), %r9"),
                       ("GOTPCRELX", "call *{s}@GOTPCREL(%rip)"),
                       ("GOTPCREL", "push {s}@GOTPCREL(%rip)")):
        out += [Case(name, insn, 4, v, limits=signed(32), **got)
                for v in (0x1000, 8 - (1 << 31), (1 << 31) - 8,
                          (1 << 31) + 8, -(1 << 31) - 8)]
    return out + x86_relax() + x86_weak() + [
        Case("PC32", "jmp *{s}(%rip)", 6, v, table=STUB, addend=-4,
             limits=signed(32))
        for v in (0x402, -0x3fe, (1 << 31) - 6, -(1 << 31) + 2, (1 << 31) + 2,
                  -(1 << 31) - 6)]


def x86_relax():
    """In position-independent output, as a module is."""
    more = dict(table=RELAX, flags=["-pie", "--no-dynamic-linker"], addend=-4)
    yes = ["mov {s}@GOTPCREL(%rip), %rax", "mov {s}@GOTPCREL(%rip), %r9",
           "mov {s}@GOTPCREL(%rip), %eax", "mov {s}@GOTPCREL(%rip), %r9d",
           "call *{s}@GOTPCREL(%rip)", "jmp *{s}@GOTPCREL(%rip)"]
    no = ["add {s}@GOTPCREL(%rip), %rax", "test %rax, {s}@GOTPCREL(%rip)",
          "cmp {s}@GOTPCREL(%rip), %ecx", "push {s}@GOTPCREL(%rip)",
          "mov %rax, {s}@GOTPCREL(%rip)", "sub {s}@GOTPCREL(%rip), %r9"]
    plain = ".byte {}\n .reloc ., R_X86_64_GOTPCREL, {{s}}-4\n .long 0"
    yes += [plain.format("0x48,0x8b,0x05"), plain.format("0x8b,0x0d")]
    no += [plain.format("0xff,0x15"), plain.format("0xff,0x25")]
    return [Case("relax", insn, 0, v, relaxes=ok, **more)
            for ok, group in ((True, yes), (False, no)) for insn in group
            for v in (0x1000, -0x2000)] + [
        Case("relax", "mov {s}@GOTPCREL+4(%rip), %rax", 0, 0x1000,
             relaxes=False, table=RELAX, flags=more["flags"])]


def x86_weak():
    return [Case("PLT32", "call {s}", 4, 0, table=WEAK, at=0x10000000),
            Case("64", ".quad {s}+5", 8, 0, table=WEAK),
            Case("32S", "mov ${s}, %rax", 4, 0, table=WEAK)]


A64_FIELDS = (
    ("ABS64", ".xword {e}", 8, None, ABS),
    ("ABS32", ".word {e}", 4, either(32), ABS),
    ("ABS16", ".hword {e}", 2, either(16), ABS),
    ("PREL64", ".xword {e} - .", 8, None, PC),
    ("PREL32", ".word {e} - .", 4, either(32), PC),
    ("PREL16", ".hword {e} - .", 2, either(16), PC),
    ("MOVW_UABS_G0", "movz x3, #:abs_g0:{e}", 4, unsigned(16), ABS),
    ("MOVW_UABS_G0_NC", "movk x3, #:abs_g0_nc:{e}", 4, None, ABS),
    ("MOVW_UABS_G1", "movz x3, #:abs_g1:{e}", 4, unsigned(32), ABS),
    ("MOVW_UABS_G1_NC", "movk x3, #:abs_g1_nc:{e}", 4, None, ABS),
    ("MOVW_UABS_G2", "movz x3, #:abs_g2:{e}", 4, unsigned(48), ABS),
    ("MOVW_UABS_G2_NC", "movk x3, #:abs_g2_nc:{e}", 4, None, ABS),
    ("MOVW_UABS_G3", "movz x3, #:abs_g3:{e}", 4, None, ABS),
    ("MOVW_SABS_G0", "movz x3, #:abs_g0_s:{e}", 4, signed(17), ABS),
    ("MOVW_SABS_G1", "movz x3, #:abs_g1_s:{e}", 4, signed(33), ABS),
    ("MOVW_SABS_G2", "movz x3, #:abs_g2_s:{e}", 4, signed(49), ABS),
    ("LD_PREL_LO19", "ldr x3, {e}", 4, signed(21, 4), PC),
    ("ADR_PREL_LO21", "adr x3, {e}", 4, signed(21), PC),
    ("ADR_PREL_PG_HI21", "adrp x3, {e}", 4, signed(33, 4096), PAGE),
    ("ADR_PREL_PG_HI21_NC", "adrp x3, :pg_hi21_nc:{e}", 4, None, PAGE),
    ("ADD_ABS_LO12_NC", "add x3, x4, :lo12:{e}", 4, (None, None, 1), ABS),
    ("LDST8_ABS_LO12_NC", "ldrb w3, [x4, :lo12:{e}]", 4, (None, None, 1),
     ABS),
    ("TSTBR14", "tbz x3, #33, {e}", 4, signed(16, 4), PC),
    ("CONDBR19", "cbnz x3, {e}", 4, signed(21, 4), PC),
    ("CONDBR19", "b.lt {e}", 4, signed(21, 4), PC),
    ("JUMP26", "b {e}", 4, signed(28, 4), PC),
    ("CALL26", "bl {e}", 4, signed(28, 4), PC),
    ("LDST16_ABS_LO12_NC", "ldrh w3, [x4, :lo12:{e}]", 4, (None, None, 2),
     ABS),
    ("LDST32_ABS_LO12_NC", "ldr w3, [x4, :lo12:{e}]", 4, (None, None, 4),
     ABS),
    ("LDST64_ABS_LO12_NC", "str x3, [x4, :lo12:{e}]", 4, (None, None, 8),
     ABS),
    ("LDST128_ABS_LO12_NC", "ldr q3, [x4, :lo12:{e}]", 4, (None, None, 16),
     ABS),
    ("MOVW_PREL_G0", "movz x3, #:prel_g0:{e}", 4, signed(17), PC),
    ("MOVW_PREL_G0_NC", "movk x3, #:prel_g0_nc:{e}", 4, None, PC),
    ("MOVW_PREL_G1", "movz x3, #:prel_g1:{e}", 4, signed(33), PC),
    ("MOVW_PREL_G1_NC", "movk x3, #:prel_g1_nc:{e}", 4, None, PC),
    ("MOVW_PREL_G2", "movz x3, #:prel_g2:{e}", 4, signed(49), PC),
    ("MOVW_PREL_G2_NC", "movk x3, #:prel_g2_nc:{e}", 4, None, PC),
    ("MOVW_PREL_G3", "movz x3, #:prel_g3:{e}", 4, None, PC),
)


def aarch64():
    out = []
    for name, code, size, limits, kind in A64_FIELDS:
        # ld.bfd takes words for signed or unsigned; AAELF64 says either
        out += edges(name, code, size, limits, kind=kind, addend=16,
                     lld=name in ("ABS32", "ABS16", "PREL32", "PREL16"))
    for v in (0, -(1 << 31), (1 << 31) - 4, 1 << 31, -(1 << 31) - 4):
        out.append(Case("PLT32", ".word {s} - .", 4, v, limits=signed(32),
                        patch=314, lld=True))  # ld.bfd 2.40 has no PLT32
    for v in (0x100, 0xff8, (1 << 32) - 0x1000, 1 << 32, -(1 << 32),
              -(1 << 32) - 0x1000):
        out.append(Case("ADR_GOT_PAGE", "adrp x3, :got:{s}", 4, v, kind=GOT,
                        limits=(-(1 << 32), 1 << 32, 1)))
    for v in (0x100, 0x7f8, 0xff8):
        out.append(Case("LD64_GOT_LO12_NC", "ldr x3, [x4, :got_lo12:{s}]", 4,
                        v, kind=GOT))
    for v in (0x100, 0x7f8, 0x1000):
        out.append(Case("LD64_GOTPAGE_LO15", "ldr x3, [x4, :gotpage_lo15:{s}]",
                        4, v, kind=GOT))
    return out + a64_relax() + a64_weak() + [
        Case("ADR_PREL_PG_HI21", "adrp x16, {s}\n ldr x16, [x16, :lo12:{s}]\n"
             " br x16", 12, v, table=STUB, at=P0 + 0x4c)
        for v in (0xfb4, -0x104c, 0xfffff000 + 0x7b4, -0xfffff04c)]


def a64_relax():
    """ld.bfd does not; lld does (and beyond: below 1 MiB it writes ADR)."""
    code = "adrp x20, :got:{s}\n ldr x20, [x20, :got_lo12:{s}]"
    return [Case("relax", code, 4, v, which=which, table=RELAX, lld=True)
            for which in (0, 1) for v in (0x212340, -0x254320, 0x7fff1238)]


def a64_weak():
    return [Case(name, code, 4, 0, table=WEAK, at=P0 + 0x124)
            for name, code in (
                ("CALL26", "bl {s}"), ("JUMP26", "b {s}"),
                ("CALL26", "bl {s}+8"), ("CONDBR19", "b.eq {s}"),
                ("CONDBR19", "cbz x1, {s}+8"), ("TSTBR14", "tbz x1, #3, {s}"),
                ("ADR_PREL_PG_HI21", "adrp x0, {s}"),
                ("ADR_PREL_PG_HI21", "adrp x0, {s}+0x5f00"),
                ("ADR_PREL_LO21", "adr x0, {s}"),
                ("LD_PREL_LO19", "ldr x0, {s}"),
                ("ADD_ABS_LO12_NC", "add x0, x0, :lo12:{s}+0x123"),
                ("LDST64_ABS_LO12_NC", "ldr x0, [x0, :lo12:{s}]"),
                ("MOVW_UABS_G0", "movz x0, #:abs_g0:{s}"),
                ("MOVW_PREL_G0", "movz x0, #:prel_g0:{s}"),
                ("PREL32", ".word {s} - ."), ("ABS32", ".word {s}"))]


RV_HI20 = signed(32, bias=0x800)
RV_FIELDS = (
    ("32", ".4byte 0", 4, either(32), ABS),
    ("64", ".8byte 0", 8, None, ABS),
    ("32_PCREL", ".4byte 0", 4, signed(32), PC),
    ("BRANCH", ".4byte 0x00b50063", 4, signed(13, 2), PC),
    ("JAL", ".4byte 0x000000ef", 4, signed(21, 2), PC),
    ("CALL", ".4byte 0x97, 0x80e7", 8, RV_HI20, PC),
    ("CALL_PLT", ".4byte 0x317, 0x30067", 8, RV_HI20, PC),
    ("PCREL_HI20", ".4byte 0x517", 4, RV_HI20, PC),
    ("HI20", ".4byte 0x537", 4, RV_HI20, ABS),
    ("LO12_I", ".4byte 0x00053583", 4, (None, None, 1), ABS),
    ("LO12_S", ".4byte 0x00b53023", 4, (None, None, 1), ABS),
    ("RVC_BRANCH", ".2byte 0xc101", 2, signed(9, 2), PC),
    ("RVC_JUMP", ".2byte 0xa001", 2, signed(12, 2), PC),
    ("RVC_LUI", ".2byte 0x6505", 2, signed(18, bias=0x800), ABS),
    ("ADD8", ".byte 0x91", 1, (None, None, 1), ABS),
    ("ADD16", ".2byte 0x9122", 2, (None, None, 1), ABS),
    ("ADD32", ".4byte 0x91223344", 4, (None, None, 1), ABS),
    ("ADD64", ".8byte 0x9122334455667788", 8, None, ABS),
    ("SUB8", ".byte 0x11", 1, (None, None, 1), ABS),
    ("SUB16", ".2byte 0x1122", 2, (None, None, 1), ABS),
    ("SUB32", ".4byte 0x11223344", 4, (None, None, 1), ABS),
    ("SUB64", ".8byte 0x1122334455667788", 8, None, ABS),
    ("SUB6", ".byte 0xc7", 1, (None, None, 1), ABS),
    ("SET6", ".byte 0xc7", 1, (None, None, 1), ABS),
    ("SET8", ".byte 0xc7", 1, (None, None, 1), ABS),
    ("SET16", ".2byte 0", 2, (None, None, 1), ABS),
    ("SET32", ".4byte 0", 4, (None, None, 1), ABS),
)
RV_LOW = ("\n1: auipc x10, %pcrel_hi({{e}})\n .reloc ., R_RISCV_{}, 1b\n"
          " .4byte {}")
RV_GOT = "\n1: .reloc ., R_RISCV_GOT_HI20, {s}\n .4byte 0x517\n" \
         " ld x11, %pcrel_lo(1b)(x10)"
RV_LLA = "\n1: auipc x10, %pcrel_hi({s})\n addi x11, x10, %pcrel_lo(1b)"
RV_STUB = ("\n.option norvc\n1: auipc t3, %pcrel_hi({s})\n"
           " ld t3, %pcrel_lo(1b)(t3)\n jr t3")


def riscv64():
    out = []
    for name, code, size, limits, kind in RV_FIELDS:
        # ld.bfd adds the addend of SUB; the psABI and lld subtract it
        out += edges(name, f".reloc ., R_RISCV_{name}, {{e}}\n {code}", size,
                     limits, kind=kind, addend=8, lld=name.startswith("SUB"))
    for v in (0, 0x7ff, 0x800, 0x12345fff, -0x801, -0x12345678, 0x7ffff7ff):
        out.append(Case("PCREL_LO12_I", RV_LOW.format(
            "PCREL_LO12_I", "0x00053583"), 4, v, kind=LOW, which=1))
        out.append(Case("PCREL_LO12_S", RV_LOW.format(
            "PCREL_LO12_S", "0x00b53023"), 4, v, kind=LOW, which=1))
    for v in (0x1000, 0x7ffff7f0, 0x7ffff800, -(1 << 31), -(1 << 31) - 0x808):
        out.append(Case("GOT_HI20", RV_GOT, 4, v, kind=GOT, limits=RV_HI20))
    return out + rv_relax() + rv_weak() + [
        Case("PCREL_HI20", RV_STUB, 12, v, table=STUB)
        for v in (0x7f8, 0x800, -0x800, -0x808, 0x7ffff7f8, -0x80000800)]


def rv_relax():
    """ld 2.40 does not: the after-image is that of the direct form."""
    return [Case("relax", RV_GOT, 4, v, which=which, table=RELAX, twin=RV_LLA,
                 kind=LOW if which else PC)
            for which in (0, 1) for v in (0x1000, 0x7fe, -0x2802, 0x7ffff7fe)]


def rv_weak():
    near, far = 0x10000, P0
    out = [Case("weak", code, size, 0, table=WEAK, at=at) for at, size, code in
           ((far, 8, ".reloc ., R_RISCV_CALL, {s}\n .4byte 0x97, 0x80e7"),
            (far, 8, "call {s}"), (near, 8, "tail {s}"), (far, 8, "call {s}+8"),
            (near, 4, ".reloc ., R_RISCV_JAL, {s}\n .4byte 0xef"),
            (near, 4, "auipc x10, %pcrel_hi({s}+0x1804)"),
            (far, 4, "auipc x10, %pcrel_hi({s}+0x1804)"),
            (far, 4, "auipc x11, %pcrel_hi({s})"),
            (far, 4, "lui x10, %hi({s}+0x12345)"),
            (near, 4, ".reloc ., R_RISCV_32_PCREL, {s}\n .4byte 0"),
            (far, 8, ".8byte {s}+5"))]
    return out


CASES = {"x86_64": x86_64, "aarch64": aarch64, "riscv64": riscv64}
