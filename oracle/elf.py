# SPDX-License-Identifier: MIT
"""A small ELF64 little-endian reader, fast on large relocatable files.

The file stays one bytes object; a section is a view of it and nothing is
decoded that nobody asked for.  Tables are read in bulk: columns of the symbol
and relocation tables are taken as strided memoryviews (24-byte records seen
as 2-, 4- or 8-byte words), because the largest module of the corpus has 1.7
million symbols.  Spec: ELF-64 object file format, version 1.5; gABI.

This reader is the oracle's own: it shares nothing with the engine it checks.
"""

import collections
import struct

X86_64, AARCH64, RISCV = 62, 183, 243
ET_REL, ET_EXEC = 1, 2

SHT_NULL, SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_RELA = 0, 1, 2, 3, 4
SHT_NOTE, SHT_NOBITS, SHT_REL, SHT_GROUP, SHT_SYMTAB_SHNDX = 7, 8, 9, 17, 18
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_TLS = 1, 2, 4, 0x400

SHN_LORESERVE, SHN_XINDEX = 0xFF00, 0xFFFF
# Those that name no section are below all that do: these may have any number.
SHN_UNDEF, SHN_ABS, SHN_COMMON = 0, 0xFFF1 - 0x10000, 0xFFF2 - 0x10000
STB_LOCAL, STB_GLOBAL, STB_WEAK = 0, 1, 2
STT_SECTION, STT_TLS, STT_GNU_IFUNC = 3, 6, 10

EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
SHDR = struct.Struct("<IIQQQQIIQQ")
SYM = struct.Struct("<IBBHQQ")
RELA = struct.Struct("<QIIq")   # offset, type, symbol, addend

Symbol = collections.namedtuple(
    "Symbol", "index name bind type visibility shndx value size")


class BadElf(Exception):
    """The file is not what this reader reads."""


class Section:
    """One section header, with its name."""

    __slots__ = ("index", "name", "type", "flags", "addr", "offset", "size",
                 "link", "info", "align", "entsize", "name_offset")

    def __init__(self, index, fields):
        self.index = index
        self.name = ""
        (self.name_offset, self.type, self.flags, self.addr, self.offset,
         self.size, self.link, self.info, self.align, self.entsize) = fields


def string_at(table, offset):
    """The zero-terminated string at an offset of a string table."""
    end = table.find(b"\0", offset)
    return table[offset:end].decode("utf-8", "surrogateescape")


class Elf:
    """A whole ELF file in memory."""

    def __init__(self, data):
        self.data = bytes(data)
        if len(data) < EHDR.size or data[:6] != b"\x7fELF\x02\x01":
            raise BadElf("not an ELF64 little-endian file")
        header = EHDR.unpack_from(data)
        self.type, self.machine, self.flags = header[1], header[2], header[7]
        self.entry, self.shoff = header[4], header[6]
        count, self.shstrndx = header[12], header[13]
        if self.shoff and not count:
            count = SHDR.unpack_from(data, self.shoff)[5]
        if self.shstrndx == SHN_XINDEX:
            self.shstrndx = SHDR.unpack_from(data, self.shoff)[6]
        table = data[self.shoff:self.shoff + count * SHDR.size]
        self.sections = [Section(index, fields) for index, fields
                         in enumerate(SHDR.iter_unpack(table))]
        names = self.contents(self.sections[self.shstrndx])
        for section in self.sections:
            section.name = string_at(names, section.name_offset)
        self._find_symbols()

    def _find_symbols(self):
        tables = [s for s in self.sections if s.type == SHT_SYMTAB]
        self.symtab = tables[0] if tables else None
        self.symbols = memoryview(b"")
        self.strtab = b"\0"
        self.xindex = None
        if not tables:
            return
        self.symbols = memoryview(self.contents(self.symtab))
        self.strtab = self.contents(self.sections[self.symtab.link])
        for section in self.sections:
            if section.type == SHT_SYMTAB_SHNDX:
                self.xindex = memoryview(self.contents(section)).cast("I")

    @classmethod
    def read(cls, path):
        """The file at a path."""
        with open(path, "rb") as file:
            return cls(file.read())

    def contents(self, section):
        """The bytes of a section; none for NOBITS."""
        if section.type == SHT_NOBITS:
            return b""
        return self.data[section.offset:section.offset + section.size]

    def symbol_count(self):
        """How many symbols there are, the null symbol included."""
        return len(self.symbols) // SYM.size

    def symbol(self, index):
        """One symbol, decoded."""
        name, info, other, shndx, value, size = SYM.unpack_from(
            self.symbols, index * SYM.size)
        if shndx == SHN_XINDEX and self.xindex is not None:
            shndx = self.xindex[index]
        elif shndx >= SHN_LORESERVE:
            shndx -= 0x10000
        return Symbol(index, string_at(self.strtab, name), info >> 4,
                      info & 15, other & 3, shndx, value, size)

    def global_symbols(self):
        """Every symbol that is not local, decoded."""
        first = self.symtab.info if self.symtab else 0
        return [self.symbol(i) for i in range(first, self.symbol_count())]

    def relocation_sections(self):
        """[(RELA section, its target)] of all sections that have one."""
        return [(s, self.sections[s.info]) for s in self.sections
                if s.type == SHT_RELA and 0 < s.info < len(self.sections)]

    def relocations(self, section):
        """Iterates (offset, type, symbol, addend) of a RELA section."""
        return RELA.iter_unpack(self.contents(section))

    def relocation_column(self, section, column):
        """One 32-bit column of a RELA section: 2 the type, 3 the symbol."""
        return memoryview(self.contents(section)).cast("I")[column::6].tolist()


def extended_counts(headers):
    """e_shnum and e_shstrndx of a table whose last section has the names.

    Numbers that do not fit stand in section 0, which is changed (gABI).
    """
    count, last = len(headers), len(headers) - 1
    if count >= SHN_LORESERVE:
        headers[0][5], count = count, 0
    if last >= SHN_LORESERVE:
        headers[0][6], last = last, SHN_XINDEX
    return count, last


def writer(machine, flags, sections, symbols):
    """A relocatable file: [(name, type, flags, size)], [(name, shndx, value)].

    Sections are without contents (NOBITS), symbols global and without type;
    what the linker needs to know of symbols that live elsewhere.
    """
    names, strings = bytearray(b"\0"), bytearray(b"\0")
    records = [bytes(SYM.size)]
    for name, shndx, value in symbols:
        records.append(SYM.pack(len(strings), STB_GLOBAL << 4, 0, shndx,
                                value, 0))
        strings += name.encode("utf-8", "surrogateescape") + b"\0"
    headers = [bytes(SHDR.size)]
    for name, kind, shflags, size in sections:
        headers.append(SHDR.pack(len(names), kind, shflags, 0, EHDR.size,
                                 size, 0, 0, 1, 0))
        names += name.encode() + b"\0"
    table = b"".join(records)
    body = bytearray(table)
    count = len(headers)
    for name, kind, data, link in ((".symtab", SHT_SYMTAB, table, count + 1),
                                   (".strtab", SHT_STRTAB, strings, 0),
                                   (".shstrtab", SHT_STRTAB, None, 0)):
        offset = EHDR.size + (0 if kind == SHT_SYMTAB else len(body))
        where = len(names)
        names += name.encode() + b"\0"
        data = names if data is None else data
        headers.append(SHDR.pack(
            where, kind, 0, 0, offset, len(data), link,
            1 if kind == SHT_SYMTAB else 0, 1,
            SYM.size if kind == SHT_SYMTAB else 0))
        if kind != SHT_SYMTAB:
            body += data
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header = EHDR.pack(ident, ET_REL, machine, 1, 0, 0, EHDR.size + len(body),
                       flags, EHDR.size, 0, 0, SHDR.size, len(headers),
                       count + 2)
    return header + bytes(body) + b"".join(headers)
