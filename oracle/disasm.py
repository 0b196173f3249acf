# SPDX-License-Identifier: MIT
"""Machine code read through the eyes of objdump.

Code holds the lines of a disassembly by address.  Three questions are asked of
it, each answered per architecture from the printed instructions alone: where a
branch goes, what a load through the offset table yields, and which cell a stub
jumps through.  A line that does not read as expected is a BadText.
"""

import bisect
import re
import struct

import elf

LINE = re.compile(r"^ *([0-9a-f]+):\t(.+)$", re.M)
MASK = (1 << 64) - 1


def bare(image):
    """The bytes of an image without its symbol table.

    objdump searches the symbols for each address that it prints, which for
    modules with a million labels takes all the time there is.
    """
    data = bytearray(image.data)
    if image.symtab:
        struct.pack_into("<I", data, image.shoff + image.symtab.index
                         * elf.SHDR.size + 4, elf.SHT_NULL)
    return data


class BadText(Exception):
    """The instruction at a place is not one that belongs there."""


class Code:
    """A disassembly: the instruction at, or around, an address."""

    def __init__(self, text):
        self.at = {int(address, 16): line
                   for address, line in LINE.findall(text)}
        self.order = sorted(self.at)

    def around(self, address):
        """The instruction that contains a byte."""
        index = bisect.bisect_right(self.order, address) - 1
        if index < 0:
            raise BadText("no code at %x" % address)
        return self.at[self.order[index]]

    def match(self, address, pattern):
        """The instruction at an address, which must match a pattern."""
        line = self.at.get(address, "nothing")
        found = re.match(pattern, line)
        if not found:
            raise BadText("%x: %s" % (address, line))
        return found


def upper_page(number):
    """The sign-extended value of auipc's 20-bit operand."""
    value = int(number, 16) << 12
    return value - (1 << 32) if value >> 31 else value


def x86_branch(code, place):
    """Target of the call or jump whose 32-bit field is at `place`."""
    line = code.around(place)
    found = re.search(r"\b(?:call|jmp|j[a-z]+)\s+(?:0x)?([0-9a-f]+)\b", line)
    if not found:
        raise BadText("%x: %s" % (place, line))
    return int(found[1], 16)


def arm_branch(code, place):
    """Target of bl or b; None for nop, the call of an undefined weak one."""
    found = code.match(place, r"(?:bl?)\t(?:0x)?([0-9a-f]+)|(nop)$")
    return int(found[1], 16) if found[1] else None


def riscv_branch(code, place):
    """Target of jal, or auipc and jalr; None if jalr goes to absolute zero."""
    short = re.match(r"(?:c\.)?j(?:al)?\t(?:\w+,)?(?:0x)?([0-9a-f]+)$",
                     code.at.get(place, ""))
    if short:
        return int(short[1], 16)
    high = code.match(place, r"auipc\t(\w+),0x([0-9a-f]+)")
    low = code.match(place + 4, r"jalr\t\w+,(-?\d+)\((\w+)\)")
    if low[2] == "zero":
        return None
    if low[2] != high[1]:
        raise BadText("%x: jalr through %s" % (place, low[2]))
    return (place + upper_page(high[2]) + int(low[1])) & MASK


def x86_stub(code, address):
    """The cell of `jmp *cell(%rip)`."""
    found = code.match(address,
                       r"(?:bnd )?jmp\s+\*.*\(%rip\)\s+# (?:0x)?([0-9a-f]+)")
    return int(found[1], 16)


def arm_stub(code, address):
    """The cell of adrp, ldr, br; through x16 or x17 (AAPCS64 6.1.1)."""
    page = code.match(address, r"adrp\t(x1[67]), (?:0x)?([0-9a-f]+)")
    load = code.match(address + 4, r"ldr\t(x1[67]), \[%s(?:, #(\d+))?\]"
                      % page[1])
    code.match(address + 8, r"br\t%s$" % load[1])
    return int(page[2], 16) + int(load[2] or 0)


def riscv_stub(code, address):
    """The cell of auipc, ld, jr; through a temporary register."""
    high = code.match(address, r"auipc\t(t\d),0x([0-9a-f]+)")
    load = code.match(address + 4, r"ld\t(t\d),(-?\d+)\(%s\)" % high[1])
    code.match(address + 8, r"(?:jalr\tzero,0\(%s\)|c\.jr\t%s)"
               % (load[1], load[1]))
    return (address + upper_page(high[2]) + int(load[2])) & MASK


def x86_load(code, place):
    """("cell" or "value", address) of an instruction with a %rip operand."""
    line = code.around(place)
    found = re.search(r"\(%rip\).*# (?:0x)?([0-9a-f]+)", line)
    if found:
        return ("value" if line.startswith("lea") else "cell",
                int(found[1], 16))
    return "value", x86_branch(code, place)


def arm_page(code, place):
    """The page of an adrp."""
    return int(code.match(place, r"adrp\tx\d+, (?:0x)?([0-9a-f]+)")[1], 16)


def arm_low(code, place):
    """("cell" or "value", low bits) of the ldr or add that follows an adrp."""
    found = code.match(place, r"ldr\tx\d+, \[x\d+(?:, #(\d+))?\]"
                       r"|add\tx\d+, x\d+, #0x([0-9a-f]+)")
    if found[2]:
        return "value", int(found[2], 16)
    return "cell", int(found[1] or 0)


def riscv_high(code, place):
    """The address that an auipc makes."""
    found = code.match(place, r"auipc\t\w+,0x([0-9a-f]+)")
    return place + upper_page(found[1])


def riscv_low(code, place):
    """("cell" or "value", low bits) of the ld or addi after an auipc."""
    found = code.match(place, r"ld\t\w+,(-?\d+)\(\w+\)"
                       r"|addi\t\w+,\w+,(-?\d+)")
    if found[2]:
        return "value", int(found[2])
    return "cell", int(found[1])


BRANCH = {elf.X86_64: x86_branch, elf.AARCH64: arm_branch,
          elf.RISCV: riscv_branch}
STUB = {elf.X86_64: x86_stub, elf.AARCH64: arm_stub, elf.RISCV: riscv_stub}
