# SPDX-License-Identifier: MIT
"""Where the engine put everything: the file that `tenon link --map` writes.

A Layout answers two questions about an input file: where did this byte of
that section go, and what is the value of this symbol.  Both are answered from
the section addresses alone; which bytes a RISC-V alignment loses is computed
here and must agree with what the map says (psABI 8.5, R_RISCV_ALIGN).
"""

import bisect
import collections

import elf
import reloc

Cell = collections.namedtuple("Cell", "address symbol addend")
ALIGN = 43
MASK = (1 << 64) - 1


class BadMap(Exception):
    """The map contradicts itself or the input file."""


class Map:
    """The lines of a map file, by kind."""

    def __init__(self, text):
        self.sections = {}      # input index -> (address, size)
        self.order = []         # input indices as the map lists them
        self.got = []
        self.stubs = []
        self.common = {}        # symbol -> (address, size)
        self.shrink = collections.defaultdict(list)
        self.relaxed = []
        for line in text.splitlines():
            self._line(line.split(" "))

    def _line(self, words):
        kind = words[0]
        if kind == "section":
            index = int(words[1])
            if index in self.sections:
                raise BadMap("section %d is listed twice" % index)
            self.sections[index] = (int(words[3], 16), int(words[4], 16))
            self.order.append(index)
        elif kind in ("got", "stub"):
            cell = Cell(int(words[1], 16), words[2], int(words[3]))
            (self.got if kind == "got" else self.stubs).append(cell)
        elif kind == "common":
            self.common[words[3]] = (int(words[1], 16), int(words[2], 16))
        elif kind == "shrink":
            self.shrink[int(words[1])].append(
                (int(words[2], 16), int(words[3], 16)))
        elif kind == "relaxed":
            self.relaxed.append((int(words[1]), int(words[2], 16), words[3]))
        else:
            raise BadMap("unknown line: " + " ".join(words))


class Layout:
    """The input file `obj`, laid out as `where` says."""

    def __init__(self, obj, where, symbols):
        self.obj = obj
        self.where = where
        self.symbols = symbols      # name -> address of undefined symbols
        self.ends, self.lost = {}, {}
        if obj.machine == elf.RISCV:
            for table, target in obj.relocation_sections():
                if target.index in where.sections:
                    self._deletions(table, target)

    def _deletions(self, table, target):
        """Which bytes the alignments of a section lose, as ld does it."""
        if ALIGN not in set(self.obj.relocation_column(table, 2)):
            return
        start = self.where.sections[target.index][0]
        ends, lost, total = [], [0], 0
        for offset, kind, _, addend in sorted(self.obj.relocations(table)):
            if kind != ALIGN:
                continue
            boundary = 1
            while boundary <= addend:
                boundary *= 2
            here = start + offset - total
            spare = addend - (-here % boundary)
            if spare < 0:
                raise BadMap("alignment at %s+0x%x cannot be met" % (
                    target.name, offset))
            if spare:
                total += spare
                ends.append(offset + addend)
                lost.append(total)
        self.ends[target.index] = ends
        self.lost[target.index] = lost

    def check(self):
        """Every loaded section is there, aligned, and of the right size."""
        for section in self.obj.sections:
            expected = reloc.is_loaded(section)
            if not expected or section.index not in self.where.sections:
                if expected and section.size:
                    raise BadMap("section %d %s is not in the map" % (
                        section.index, section.name))
                if not expected and section.index in self.where.sections:
                    raise BadMap("section %d %s must not be loaded" % (
                        section.index, section.name))
                continue
            address, size = self.where.sections[section.index]
            lost = self.lost.get(section.index, [0])[-1]
            if size != section.size - lost:
                raise BadMap("size of %s: %x, not %x" % (
                    section.name, size, section.size - lost))
            if address % max(section.align, 1):
                raise BadMap("%s at %x is not aligned to %d" % (
                    section.name, address, section.align))
            said = sum(n for _, n in self.where.shrink.get(section.index, ()))
            if said != lost:
                raise BadMap("%s: the map deletes %d bytes, not %d" % (
                    section.name, said, lost))
        self._check_overlap()

    def _check_overlap(self):
        spans = sorted((a, a + n) for a, n in self.where.sections.values()
                       if n)
        spans += [(a, a + n) for a, n in self.where.common.values()]
        spans.sort()
        for (_, end), (start, _) in zip(spans, spans[1:]):
            if start < end:
                raise BadMap("sections overlap at %x" % start)

    def moved(self, index, offset):
        """Where an input offset of a section went, as an output offset."""
        if index not in self.ends:
            return offset
        place = bisect.bisect_right(self.ends[index], offset)
        return offset - self.lost[index][place]

    def address(self, index, offset):
        """The final address of a byte of an input section."""
        return (self.where.sections[index][0] + self.moved(index, offset)
                ) & MASK

    def value(self, symbol):
        """The final value of a symbol; undefined weak ones are zero."""
        if symbol.shndx == elf.SHN_UNDEF:
            return self.symbols.get(symbol.name, 0)
        if symbol.shndx == elf.SHN_ABS:
            return symbol.value
        if symbol.shndx == elf.SHN_COMMON:
            return self.where.common[symbol.name][0]
        return self.address(symbol.shndx, symbol.value)
