# SPDX-License-Identifier: MIT
"""The second pass: symbols beyond reach, so that every cell and stub is needed.

No linker lays out cells and stubs as the engine does, so its image is read by
the machine's objdump (disasm.py) and every place is followed: a branch to an
undefined symbol goes to a stub of the map, the stub jumps through a cell of
the map, and the cell holds symbol + addend; a load through the offset table
loads such a cell.  "Exact" means that every listed cell and stub is used, that
none is listed twice and that nothing else is used.
"""

import collections

import compare
import disasm
import elf
import got
import reloc

MASK = (1 << 64) - 1
SHOWN = 6
# Bits of a branch, from its relocation's offset, that no target changes.
FIXED = {elf.X86_64: 0, elf.AARCH64: 0xFC000000,
         elf.RISCV: 0x000FFFFF00000FFF}
JAL, JAL_FIXED = 17, 0xFFF


class Pass:
    """One file's second pass: counts, errors, and what was used."""

    def __init__(self, plan, image, text):
        self.plan, self.obj = plan, plan.obj
        self.image = compare.Image(image)
        self.code = disasm.Code(text)
        self.got_base = compare.got_base(self.image, ".tenon.got")
        self.errors = []
        self.lines = {line.address: line for line in plan.where.stubs}
        self.cells, self.stubs = set(), set()
        self.count = collections.Counter()

    def run(self):
        """Follows everything, then compares with the map."""
        self._branches()
        self._words()
        self._loads()
        self._exact()
        return self.errors[:SHOWN]

    def _try(self, section, offset, function, *args):
        """Calls a reader; what it cannot read is an error of that place."""
        try:
            return function(*args)
        except disasm.BadText as error:
            self.errors.append("%s+0x%x: %s" % (
                self.obj.sections[section].name, offset, error))
            return None

    def _branches(self):
        kinds = reloc.BRANCH_KINDS[self.obj.machine]
        for table, target in self.obj.relocation_sections():
            if target.index not in self.plan.where.sections or (
                    not target.flags & elf.SHF_EXECINSTR):
                continue
            for row in self.obj.relocations(table):
                if row[1] in kinds:
                    symbol = self.obj.symbol(row[2])
                    if symbol.shndx == elf.SHN_UNDEF:
                        self._try(target.index, row[0], self._branch,
                                  target.index, row, symbol)

    def _words(self):
        """Full words that hold the addresses of undefined symbols."""
        kind = reloc.WORD_KIND[self.obj.machine]
        values = {s.index: self.plan.value(s)
                  for s in self.obj.global_symbols()
                  if s.shndx == elf.SHN_UNDEF}
        for table, target in self.obj.relocation_sections():
            if target.index not in self.plan.where.sections:
                continue
            for offset, this, index, addend in self.obj.relocations(table):
                if this == kind and index in values:
                    self.count["word"] += 1
                    place = self.plan.address(target.index, offset)
                    if self.image.read(place) != (values[index]
                                                  + addend) & MASK:
                        self.errors.append("%s+0x%x: the word is wrong" % (
                            target.name, offset))

    def _branch(self, section, row, symbol):
        offset, kind, _, addend = row
        place = self.plan.address(section, offset)
        where = disasm.BRANCH[self.obj.machine](self.code, place)
        if self.obj.machine == elf.X86_64:
            addend += 4     # The field is four bytes before the next insn.
        value = (self.plan.value(symbol) + addend) & MASK
        if where is None or where == value:
            self.count["direct"] += 1
            if where is None and symbol.bind != elf.STB_WEAK:
                raise disasm.BadText("%s is not called at all" % symbol.name)
            return
        self._same_branch(section, offset, place, kind)
        if where not in self.lines:
            raise disasm.BadText("branch to %s goes to %x, no stub" % (
                symbol.name, where))
        self.stubs.add(where)
        cell = disasm.STUB[self.obj.machine](self.code, where)
        self._cell(cell, value, symbol.name)
        listed = self.lines[where]
        if listed.symbol != symbol.name:
            raise disasm.BadText("stub %x is of %s, used for %s" % (
                where, listed.symbol, symbol.name))
        self.count["stub"] += 1

    def _same_branch(self, section, offset, place, kind):
        """It is still the instruction that the compiler wrote."""
        code = self.obj.contents(self.obj.sections[section])
        before = int.from_bytes(code[offset:offset + 8], "little")
        fixed = FIXED[self.obj.machine]
        if self.obj.machine == elf.RISCV and kind == JAL:
            fixed = JAL_FIXED
        change = (before ^ self.image.word(place)) & fixed
        if change:
            raise disasm.BadText("bits %x of the branch have changed" %
                                 change)

    def _cell(self, address, value, name):
        """A cell is used: it must be listed and hold the value."""
        self.cells.add(address)
        held = self.image.read(address)
        if held != value:
            raise disasm.BadText("cell %x of %s holds %s, not %x" % (
                address, name, "nothing" if held is None else "%x" % held,
                value))

    def _loads(self):
        sites = got.sites(self.obj, self.plan.where.sections)
        if self.obj.machine == elf.X86_64:
            for site in sites:
                self._try(site.section, site.offset, self._x86_load, site)
            return
        highs, lows = {}, []
        for site in sites:
            part = self._try(site.section, site.offset, self._half, site)
            if site.kind in (got.GOT_PAGE, got.GOT_HI20):
                highs[self._key(site)] = part
            elif site.kind in (got.GOT_LO12, got.PCREL_LO12_I,
                               got.GOTPAGE_LO15) and part:
                lows.append((site, part))
        for site, part in lows:
            high = highs.get(self._key(site))
            if site.kind == got.GOTPAGE_LO15:
                high = self.got_base & ~0xFFF
            if high is not None:
                self._try(site.section, site.offset, self._reached, site,
                          part[0], high + part[1])

    def _key(self, site):
        if self.obj.machine == elf.RISCV:
            return site.section, site.first
        return site.symbol, site.addend

    def _x86_load(self, site):
        place = self.plan.address(site.section, site.offset)
        form, where = disasm.x86_load(self.code, place)
        self._reached(site._replace(addend=0), form, where)

    def _half(self, site):
        place = self.plan.address(site.section, site.offset)
        if site.kind in (got.GOT_PAGE, got.ADR_PREL_PG_HI21):
            return disasm.arm_page(self.code, place)
        if site.kind in (got.GOT_LO12, got.GOTPAGE_LO15):
            return disasm.arm_low(self.code, place)
        if site.kind == got.GOT_HI20:
            return disasm.riscv_high(self.code, place)
        return disasm.riscv_low(self.code, place)

    def _reached(self, site, form, where):
        symbol = self.obj.symbol(site.symbol)
        value = (self.plan.value(symbol) + site.addend) & MASK
        if form == "cell":
            self._cell(where & MASK, value, symbol.name)
        elif where & MASK != value:
            raise disasm.BadText("%s is %x, not %x" % (symbol.name, value,
                                                     where))
        self.count[form] += 1

    def _exact(self):
        where = self.plan.where
        for name, lines, used in (("cell", where.got, self.cells),
                                  ("stub", where.stubs, self.stubs)):
            listed = {line.address for line in lines}
            names = [(line.symbol, line.addend) for line in lines]
            for address in sorted(listed - used)[:SHOWN]:
                self.errors.append("%s %x is not used" % (name, address))
            for address in sorted(used - listed)[:SHOWN]:
                self.errors.append("%s %x is not in the map" % (name,
                                                                address))
            if len(set(names)) != len(names) or len(listed) != len(lines):
                self.errors.append("a %s is there twice" % name)
        self.count["cells"] += len(where.got)
        self.count["stubs"] += len(where.stubs)
