# SPDX-License-Identifier: MIT
"""Chooses addresses: where an image goes and where its undefined symbols are.

Every choice is made from names alone (SHA-256), so a run repeats exactly.

    near   symbols lie in two windows, below and above the image, within reach
           of a call, so no stub is needed; those that a conditional branch or
           a jump refers to lie close below it
    far    symbols that are only reached through a GOT cell, a branch or a full
           word lie 2^40 away: every cell and every stub is needed

Of the weak undefined symbols every second one is left undefined, because that
case has rules of its own in each psABI.
"""

import collections
import hashlib

import elf
import reloc

KERNEL_BASE = {
    elf.X86_64: 0xFFFFFFFFC0000000,     # The window that Linux itself uses.
    elf.AARCH64: 0xFFFF800040000000,
    elf.RISCV: 0xFFFFFFFFC0000000,
}
USER_BASE = 0x40000000  # Below 2 GiB: 32-bit fields hold addresses.
FAR_BASE = 0x7F0040000000       # Zero, too, is out of reach.

# (distance of a window from the image, its length, the linker's own GOT).
WINDOWS = {
    elf.X86_64: (0x10000000, 0x20000000, 0x0C000000),
    elf.AARCH64: (0x02000000, 0x04000000, 0x01C00000),
    elf.RISCV: (0x10000000, 0x20000000, 0x0C000000),
}
CLOSE_DISTANCE, CLOSE_LENGTH = 0x90000, 0x80000
ALIGN = {elf.X86_64: 1, elf.AARCH64: 16, elf.RISCV: 4}
FAR = 0x0000010000000000
MASK = (1 << 64) - 1


def hash_of(name):
    """A number that depends on the name alone."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "little")


class Places:
    """The addresses for one file: `base`, `symbols`, `undefined_weak`."""

    def __init__(self, obj, kernel, far=False):
        self.machine = obj.machine
        self.base = USER_BASE
        if kernel:
            self.base = KERNEL_BASE[obj.machine]
        elif far:
            self.base = FAR_BASE
        self.distance, self.length, got = WINDOWS[obj.machine]
        self.linker_got = self.base + got
        self.low = self.base - self.distance - self.length
        self.high = self.base + self.distance
        self.close = self.base - CLOSE_DISTANCE
        self.symbols = {}
        self.undefined_weak = set()
        far_kinds = reloc.FAR_KINDS[obj.machine]
        self.far = undefined_names(
            obj, lambda kinds: kinds <= far_kinds) if far else set()
        self.near_by = undefined_names(
            obj, lambda kinds: kinds & reloc.CLOSE_KINDS[obj.machine])
        self._place(obj, far)

    def _place(self, obj, far):
        taken = set()
        wanted = sorted((s.name, s.bind) for s in obj.global_symbols()
                        if s.shndx == elf.SHN_UNDEF and s.name
                        and s.name != "_GLOBAL_OFFSET_TABLE_")
        for name, bind in wanted:
            number = hash_of(name)
            if bind == elf.STB_WEAK and number & 1 and (
                    not far or name in self.far):
                self.undefined_weak.add(name)
                continue
            address = self._address(number >> 1, name)
            while address in taken:
                address += 16
            taken.add(address)
            self.symbols[name] = address

    def windows(self):
        """[(first address, length)] of where symbols of the near pass are."""
        return [(self.low, self.length), (self.close, CLOSE_LENGTH),
                (self.high, self.length)]

    def _address(self, number, name):
        align = ALIGN[self.machine]
        window, length = self.windows()[2 if number & 1 else 0]
        if name in self.far:
            window = self.low - FAR
        elif name in self.near_by:
            window, length = self.windows()[1]
        room = length - length // 16    # The rest is for those moved on.
        return (window + (number >> 1) % room // align * align) & MASK

    def system_map(self):
        """The symbols as lines of a System.map."""
        return "".join("%016x T %s\n" % (address, name) for name, address
                       in sorted(self.symbols.items()))


def undefined_names(obj, fits):
    """Undefined symbols whose set of relocation types fits."""
    kinds = collections.defaultdict(set)
    for table, target in obj.relocation_sections():
        if reloc.is_loaded(target):
            for kind, symbol in set(zip(obj.relocation_column(table, 2),
                                        obj.relocation_column(table, 3))):
                kinds[symbol].add(kind)
    return {s.name for s in obj.global_symbols()
            if s.shndx == elf.SHN_UNDEF and fits(kinds[s.index])}
