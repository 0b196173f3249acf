# SPDX-License-Identifier: MIT
"""Writes golden_*.h: what other people's assembler and linker make of each
relocation type, at the edges of its range and one step beyond.

    python3 core/reloc/test/gen_golden.py

A case (golden_cases.py) is one section with one relocation against a symbol
of its own.  All cases of a machine are assembled into one object; a linker
script puts the section, the symbol and the GOT where the case wants them.
The bytes before and after the link, or the linker's refusal, become a row.
"""
import collections
import concurrent.futures
import os
import re
import struct
import subprocess
import sys
import tempfile

import golden_cases as gc

TOOLS = {"x86_64": "x86_64-linux-gnu-", "aarch64": "aarch64-linux-gnu-",
         "riscv64": "riscv64-linux-gnu-"}
AS_FLAGS = {"riscv64": ["-march=rv64gc", "-mno-relax"]}
EM = {"x86_64": "EM_X86_64", "aarch64": "EM_AARCH64", "riscv64": "EM_RISCV"}
REFUSAL = re.compile("truncated|out of range|overflow|unaligned|align|"
                     "dangerous|improper")
ELF_H = "/usr/include/elf.h"
# elf.h counts its types, and keeps two names that the psABI has given away.
NOT_TYPES = re.compile("_NUM$|_GNU_VT|_P32_")

Row = collections.namedtuple(
    "Row", "machine type table verdict size off s a p g got before after")


def run(*args):
    return subprocess.run(args, capture_output=True, text=True, check=False)


def read_elf(path):
    """name -> (addr, bytes), and section -> [(offset, type, addend)]"""
    with open(path, "rb") as f:
        data = f.read()
    shoff, = struct.unpack_from("<Q", data, 40)
    count, names = struct.unpack_from("<HH", data, 60)
    heads = [struct.unpack_from("<IIQQQQIIQQ", data, shoff + 64 * i)
             for i in range(count)]
    base = heads[names][4]

    def name(h):
        return data[base + h[0]:data.index(b"\0", base + h[0])].decode()

    def body(h):
        return data[h[4]:h[4] + h[5]]

    sections = {name(h): (h[3], body(h)) for h in heads if h[1] == 1}
    relas = {name(heads[h[7]]): [(o, i & 0xffffffff, a) for o, i, a
                                 in struct.iter_unpack("<QQq", body(h))]
             for h in heads if h[1] == 4}
    return sections, relas


def patch_type(path, section, rtype):
    """Gives the relocation of a section a type that gas cannot write."""
    with open(path, "rb") as f:
        data = bytearray(f.read())
    offset, old, addend = read_elf(path)[1][section][0]
    for at in range(0, len(data) - 23, 8):
        o, info, a = struct.unpack_from("<QQq", data, at)
        if (o, info & 0xffffffff, a) == (offset, old, addend):
            struct.pack_into("<I", data, at + 8, rtype)
    with open(path, "wb") as f:
        f.write(data)


class Linker:
    """Links one case after the other, each in its own files."""

    def __init__(self, machine, folder):
        self.machine, self.folder = machine, folder
        self.cases = gc.CASES[machine]()

    def assemble(self, path, c, code):
        text = code.format(s="sym", e=f"sym{c.addend:+d}")
        text = f'.section .t,"ax",@progbits\n{text}\n'
        if c.table == gc.WEAK:
            text += ".weak sym\n"
        if c.table == gc.RELAX:
            text += '.section .d,"ax",@progbits\n.globl sym\n'
            text += ".type sym,@function\nsym: .byte 0\n"
        with open(path + ".s", "w", encoding="ascii") as f:
            f.write(text)
        done = run(TOOLS[self.machine] + "as",
                   *AS_FLAGS.get(self.machine, []), path + ".s", "-o", path)
        if done.returncode:
            sys.exit(f"{c.name}: {done.stderr}")
        if c.patch:
            patch_type(path, ".t", c.patch)

    def operands(self, c, offset):
        """P and S (or the cell) that give the expression its value."""
        p = c.at if c.kind == gc.LOW else c.at + offset
        s = c.value - c.addend
        if c.kind == gc.PAGE:
            s += p & ~0xfff
        elif c.kind != gc.ABS:
            s += p
        return p, s & (1 << 64) - 1

    def link(self, path, c, s, got):
        """The sections of the output, or None when the linker refuses."""
        lines = [f".t {c.at:#x} : {{ *(.t) }}",
                 f".got {got:#x} : {{ *(.got .got.plt) }}",
                 "/DISCARD/ : { *(.note* .eh_frame .riscv*) }"]
        if c.table == gc.RELAX:
            lines.append(f".d {s:#x} : {{ *(.d) }}")
        elif c.table != gc.WEAK:
            lines.append(f"sym = {s:#x};")
        with open(path + ".lds", "w", encoding="ascii") as f:
            f.write("SECTIONS {\n" + "\n".join(lines) + "\n}\n")
        ld = "ld.lld" if c.lld else TOOLS[self.machine] + "ld"
        done = run(ld, "-e", "0", "-T", path + ".lds", *c.flags,
                   path + ".twin" if c.twin else path, "-o", path + ".out")
        if done.returncode == 0:
            return read_elf(path + ".out")[0]
        if not REFUSAL.search(done.stderr):
            sys.exit(f"{self.machine} {c.name} {c.value:#x}: {done.stderr}")
        return None

    def link_got(self, path, c, cell):
        """As link(), with the symbol's GOT cell at the address @cell."""
        marker = 0x1122334455667788
        got = c.at + 0x100000
        for _ in range(2):
            out = self.link(path, c, marker, got)
            if out is None:
                return None, got
            cells = out[".got"][1]
            got = cell - cells.index(struct.pack("<Q", marker))
        return out, got

    def row(self, n):
        c = self.cases[n]
        path = os.path.join(self.folder, f"{self.machine}{n}")
        self.assemble(path, c, c.code)
        if c.twin:
            self.assemble(path + ".twin", c, c.twin)
        before, relas = read_elf(path)
        offset, rtype, addend = relas[".t"][c.which]
        p, s = self.operands(c, offset)
        cell = got = 0
        if c.kind == gc.GOT:
            cell, s = s & ~7, 0
            c.value = cell + addend - p
            out, got = self.link_got(path, c, cell)
        else:
            out = self.link(path, c, s, c.at + 0x100000)
        start, size = offset, c.size
        if size == 0:
            start, size = 0, len(before[".t"][1])
        after = b""
        if out and len(out[".t"][1]) <= len(before[".t"][1]):  # no veneer
            after = out[".t"][1][start:start + size]
        return Row(self.machine, rtype, c.table, self.verdict(c, after), size,
                   offset - start, 0 if c.table == gc.WEAK else s,
                   0 if c.kind == gc.LOW else addend, p, cell, got,
                   before[".t"][1][start:start + size], after)

    def verdict(self, c, after):
        """What our encoder has to say, given what ld says."""
        if c.table == gc.RELAX:
            return "ACCEPTED" if c.relaxes else "REFUSED"
        ours = fits(c)
        if ours == bool(after):
            return "ACCEPTED" if ours else "REFUSED"
        if ours or (self.machine, c.name) not in gc.STRICTER:
            sys.exit(f"{self.machine} {c.name}: {c.value:#x} is "
                     f"{'refused' if ours else 'accepted'} by the linker")
        return "STRICTER"


def fits(c):
    if c.limits is None:
        return True
    low, end, unit = c.limits
    return c.value % unit == 0 and (low is None or low <= c.value < end)


def rows(machine):
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(2) as pool:
        linker = Linker(machine, folder)
        return list(pool.map(linker.row, range(len(linker.cases))))


def names():
    """(machine, type, name) of every type in the C library's elf.h"""
    out = []
    with open(ELF_H, encoding="utf-8") as f:
        for line in f:
            m = re.match(r"#define\s+(R_(X86_64|AARCH64|RISCV)_\w+)\s+(\d+)",
                         line)
            if m and not NOT_TYPES.search(m[1]):
                out.append(("EM_" + m[2], int(m[3]), m[1]))
    return out


def c_bytes(data):
    return "{ " + ", ".join(f"0x{b:02x}" for b in data or b"\0") + " }"


def c_row(r):
    numbers = f"{r.type}, {r.table.upper()}, {r.verdict}, {r.size}, {r.off}"
    operands = ", ".join(f"{v:#x}" for v in (r.s, r.p, r.g, r.got))
    data = [c_bytes(r.before) + ",", c_bytes(r.after) + " },"]
    gap = " " if len(data[0] + data[1]) < 80 else "\n\t  "
    return (f"\t{{ {EM[r.machine]}, {numbers}, {operands}, {r.a},\n"
            f"\t  {gap.join(data)}\n")


HEAD = """/* SPDX-License-Identifier: MIT */
/*
 * Generated; do not edit. Regenerate with
 *	python3 core/reloc/test/gen_golden.py
 */
// clang-format off
"""


def files():
    """name -> contents"""
    out = {}
    for machine in gc.CASES:
        body = "".join(map(c_row, rows(machine)))
        out[f"golden_{machine}.h"] = (
            f"{HEAD}static const struct golden golden_{machine}[] = {{\n"
            f"{body}}};\n")
    body = "".join(f'\t{{ {m}, {t}, "{n}" }},\n' for m, t, n in names())
    out["golden_names.h"] = (
        f"{HEAD}static const struct golden_name golden_names[] = {{\n"
        f"{body}}};\n")
    return out


if __name__ == "__main__":
    for name, text in files().items():
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
