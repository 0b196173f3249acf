# SPDX-License-Identifier: MIT
"""Instructions that go through the global offset table, followed by hand.

The engine and ld place their cells as they like, so such an instruction may
differ in the bits that say where the cell is, and in nothing else.  For each
relocation of a GOT kind the instruction is decoded in both images and followed
to its cell; the cell must hold the symbol's value.  A relaxed instruction
(mov -> lea, ldr -> add ...) must produce the value itself.  Whatever other bit
of the instruction differs from the input file is an error.

`decode_*` give (form, number): see FORMS.  Specs: psABI AMD64 B.2, Arm ELF64
5.7.8, RISC-V psABI 8.4.
"""

import collections
import struct

import elf
import reloc

Site = collections.namedtuple("Site", "section offset kind symbol addend first")

# Forms that load a cell; all others produce the value, or half of an address.
CELL_FORMS = ("cell", "ldr", "ld")
# Forms that depend on nothing but the value: two linkers agree on the bits.
DIRECT_FORMS = ("lea", "call", "jmp", "mov", "operand", "add", "addi")
MASK = (1 << 64) - 1
GOT_SYMBOL = "_GLOBAL_OFFSET_TABLE_"
ADR_PREL_PG_HI21, GOT_PAGE, GOT_LO12, GOTPAGE_LO15 = 275, 311, 312, 313
GOT_HI20, PCREL_LO12_I = 20, 24
NOP = 0xD503201F


class BadCode(Exception):
    """An instruction is not what its relocation allows."""


def signed(value, bits):
    """The two's complement number in the low bits of a value."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def window(kind):
    """(bytes before the relocated field, bytes from it) that may change."""
    return (3 if kind == 42 else 2, 4) if kind in (9, 41, 42) else (0, 4)


def decode_x86(site, before, after, place):
    """A 4-byte field behind two or three bytes of instruction."""
    lead = len(before) - 4
    disp = struct.unpack_from("<i", after, lead)[0]
    target = (place + disp - site.addend) & MASK
    old, new = before[lead - 2:lead], after[lead - 2:lead]
    if after[:lead] == before[:lead]:
        return "cell", target
    if after[:lead - 2] == before[:lead - 2]:
        if old[0] == 0x8B and new == bytes((0x8D, old[1])):
            return "lea", target
        if old == b"\xff\x15" and new == b"\x67\xe8":
            return "call", target
        if old == b"\xff\x25" and after[lead - 2] == 0xE9 and (
                after[-1] == 0x90):
            rel = struct.unpack_from("<i", after, lead - 1)[0]
            return "jmp", (place + 3 + rel) & MASK
    register = 0xC0 | old[1] >> 3 & 7
    if (old[0], *new) in ((0x8B, 0xC7, register), (0x85, 0xF7, register),
                          (old[0], 0x81, register | old[0] & 0x3C)):
        return "mov" if old[0] == 0x8B else "operand", immediate(
            before, after, disp)
    raise BadCode("%s became %s" % (before.hex(), after.hex()))


def immediate(before, after, disp):
    """An immediate operand: the register's high bit moves to REX.B."""
    if len(after) < 7:
        return disp & 0xFFFFFFFF
    wanted = before[0] & ~0x04 | before[0] >> 2 & 1
    if after[0] & ~0x08 != wanted & ~0x08:
        raise BadCode("REX %02x became %02x" % (before[0], after[0]))
    return disp & (MASK if after[0] & 0x08 else 0xFFFFFFFF)


def decode_arm(site, before, after, place):
    """One 32-bit instruction; a page and its low bits are joined later."""
    old, new = struct.unpack("<I", before)[0], struct.unpack("<I", after)[0]
    if site.kind in (GOT_PAGE, ADR_PREL_PG_HI21):
        if new == NOP:
            return "nop", 0
        if (old ^ new) & 0x9F00001F:
            raise BadCode("adrp %08x became %08x" % (old, new))
        pages = (new >> 5 & 0x7FFFF) << 2 | new >> 29 & 3
        return "page", ((place & ~0xFFF) + (signed(pages, 21) << 12)) & MASK
    if not (old ^ new) & 0xFFC003FF:
        return "ldr", (new >> 10 & 0xFFF) * 8
    if site.kind == GOT_LO12 and new & 0x9F000000 == 0x10000000 and (
            new & 0x1F == old & 0x1F):
        near = (new >> 5 & 0x7FFFF) << 2 | new >> 29 & 3
        return "adr", (place + signed(near, 21)) & MASK
    if old & 0xFFC00000 == 0xF9400000 and new & 0xFFC00000 == 0x91000000 and (
            not (old ^ new) & 0x3FF):
        return "add", new >> 10 & 0xFFF
    raise BadCode("ldr %08x became %08x" % (old, new))


def decode_riscv(site, before, after, place):
    """auipc, or the load that belongs to it."""
    old, new = struct.unpack("<I", before)[0], struct.unpack("<I", after)[0]
    if site.kind == GOT_HI20:
        if (old ^ new) & 0xFFF:
            raise BadCode("auipc %08x became %08x" % (old, new))
        return "hi", (place + signed(new & 0xFFFFF000, 32)) & MASK
    if not (old ^ new) & 0x000FFFFF:
        return "ld", signed(new >> 20, 12)
    if old & 0x707F == 0x3003 and new & 0x707F == 0x0013 and (
            not (old ^ new) & 0x000F8F80):
        return "addi", signed(new >> 20, 12)
    raise BadCode("ld %08x became %08x" % (old, new))


DECODE = {elf.X86_64: decode_x86, elf.AARCH64: decode_arm,
          elf.RISCV: decode_riscv}


def sites(obj, loaded):
    """Every place of the loaded sections where a cell is involved."""
    kinds, found = reloc.GOT_KINDS[obj.machine], []
    got = {s.index for s in obj.global_symbols() if s.name == GOT_SYMBOL}
    for table, target in obj.relocation_sections():
        if target.index not in loaded:
            continue
        present = set(obj.relocation_column(table, 2))
        if not present & kinds and not got:
            continue
        rows = list(obj.relocations(table))
        high = {}
        for offset, kind, symbol, addend in rows:
            if kind in kinds or symbol in got:
                if kind != ADR_PREL_PG_HI21 and symbol in got:
                    continue
                found.append(Site(target.index, offset, kind, symbol, addend,
                                  offset))
                high[offset] = (symbol, addend)
        if obj.machine == elf.RISCV and high:
            found += low_sites(obj, target.index, rows, high)
    return found


def low_sites(obj, section, rows, high):
    """The loads whose label is one of the GOT_HI20 of this section."""
    found = []
    for offset, kind, symbol, _ in rows:
        if kind != PCREL_LO12_I:
            continue
        label = obj.symbol(symbol)
        if label.shndx == section and label.value in high:
            found.append(Site(section, offset, kind, *high[label.value],
                              label.value))
    return found


class Follower:
    """Follows every site of one image; `read(address)` gives 8 bytes of it."""

    def __init__(self, layout, places, read, got_base):
        self.layout, self.obj = layout, layout.obj
        self.places, self.read, self.got_base = places, read, got_base
        self.cells = {}     # address -> value of the symbol that it must hold
        # address -> indices of the symbols that use it
        self.owners = collections.defaultdict(set)
        self.forms = {}     # site -> form
        self.errors = []

    def follow(self, output):
        """Checks all sites; `output` maps a section index to its bytes."""
        joined = collections.defaultdict(lambda: collections.defaultdict(set))
        for site in self.places:
            before, after, place = self._bytes(site, output)
            try:
                form, number = DECODE[self.obj.machine](site, before, after,
                                                        place)
            except BadCode as error:
                self._error(site, str(error))
                continue
            self.forms[site] = form
            if self.obj.machine == elf.X86_64:
                self._reach(site, form, number, 0)
            else:
                self._join(joined, site, form, number)
        for key, forms in joined.items():
            self._resolve(key, forms)

    def _bytes(self, site, output):
        """The instruction in the input and in the output, and its address."""
        lead, tail = window(site.kind)
        here = self.layout.moved(site.section, site.offset)
        data = self.obj.contents(self.obj.sections[site.section])
        return (data[site.offset - lead:site.offset + tail],
                bytes(output[site.section][here - lead:here + tail]),
                self.layout.address(site.section, site.offset))

    def _error(self, site, text):
        self.errors.append("%s+0x%x %s: %s" % (
            self.obj.sections[site.section].name, site.offset,
            reloc.name_of(self.obj.machine, site.kind), text))

    def _join(self, joined, site, form, number):
        """Puts halves together: by symbol on Arm, by auipc on RISC-V."""
        if form == "adr":       # lld: nop and adr, complete in itself.
            self._reach(site, form, number, site.addend)
        if form in ("nop", "adr"):
            return
        if self.obj.machine == elf.RISCV:
            key = (site.section, site.first)
        elif site.kind == ADR_PREL_PG_HI21:
            if number != self.got_base & ~0xFFF:
                self._error(site, "page %x is not the GOT's" % number)
            return
        else:
            key = (site.symbol, site.addend, site.kind == GOTPAGE_LO15)
        joined[key][form].add(number)
        joined[key]["site"].add(site)

    def _resolve(self, key, forms):
        """One page (or auipc) with all the low parts that belong to it."""
        site = min(forms["site"])
        high = forms["page"] | forms["hi"]
        if len(key) == 3 and key[2]:
            high = {self.got_base & ~0xFFF}
        low = [(form, number) for form in ("ldr", "ld", "add", "addi")
               for number in forms[form]]
        if len(high) != 1 or len({form for form, _ in low}) != 1 or (
                len(low) != 1):
            self._error(site, "halves do not agree: %r" % dict(forms))
            return
        form, number = low[0]
        self._reach(site, form, (high.pop() + number) & MASK,
                    site.addend)

    def _reach(self, site, form, number, addend):
        """A cell was reached, or the value itself."""
        symbol = self.obj.symbol(site.symbol)
        value = (self.layout.value(symbol) + addend) & MASK
        if form in CELL_FORMS:
            self.cells[number] = value
            self.owners[number].add(site.symbol)
            held = self.read(number)
            if held != value:
                self._error(site, "cell %x holds %s, symbol %s is %x" % (
                    number, "nothing" if held is None else "%x" % held,
                    symbol.name, value))
        elif number != value:
            self._error(site, "%s gives %x, symbol %s is %x" % (
                form, number, symbol.name, value))
