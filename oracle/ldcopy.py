# SPDX-License-Identifier: MIT
"""Prepares an object file so that ld.bfd lays it out as it is told, no more.

ld gives meaning to names and flags: it merges strings, drops COMDAT groups,
rewrites .eh_frame, sorts init arrays, defines __start_ symbols.  None of it
is relocation, so the copy has neither: every loaded section is a plain section
`.t<index>`, everything else is inactive (SHT_NULL).  Indices stay as they are,
so only section headers change and a copy costs no more than the bytes of the
file.  Undefined and common symbols are defined by a second file, relative to
sections without contents, because ld relaxes GOT loads of absolute symbols
differently from those of ordinary ones.
"""

import struct

import elf
import place

SHN = struct.Struct("<H")
SHN_OFFSET = 6      # of st_shndx in a symbol
DYNAMIC = (".plt", ".plt.got", ".plt.sec", ".iplt", ".rela.dyn", ".rela.plt",
           ".hash", ".gnu.hash", ".dynsym", ".dynstr", ".dynamic")
KEEP = elf.SHF_WRITE | elf.SHF_ALLOC | elf.SHF_EXECINSTR


def plain_copy(obj, loaded):
    """The bytes of the copy: `loaded` is the set of section indices to keep."""
    names, headers = bytearray(b"\0"), []
    for section in obj.sections:
        kind, name = elf.SHT_NULL, 0
        flags, offset, size = section.flags, section.offset, section.size
        if section.index in loaded:
            kind, name = elf.SHT_PROGBITS, len(names)
            if section.type == elf.SHT_NOBITS:
                kind = elf.SHT_NOBITS
            flags &= KEEP
            names += b".t%d\0" % section.index
        elif section.type == elf.SHT_RELA and section.info in loaded:
            kind, flags = section.type, 0
        elif section.type in (elf.SHT_SYMTAB, elf.SHT_SYMTAB_SHNDX):
            kind, flags = section.type, 0
        elif section.type == elf.SHT_STRTAB and obj.symtab and (
                section.index == obj.symtab.link):
            kind, flags = section.type, 0
        headers.append([name, kind, flags, 0, offset, size, section.link,
                        section.info, section.align, section.entsize])
    data = bytearray(obj.data)
    # The names of the copy are a section of their own, behind everything.
    headers.append([0, elf.SHT_STRTAB, 0, 0, len(data), len(names), 0, 0, 1,
                    0])
    data += names
    header = list(elf.EHDR.unpack_from(data))
    header[6] = len(data)
    header[12], header[13] = elf.extended_counts(headers)
    elf.EHDR.pack_into(data, 0, *header)
    for fields in headers:
        data += elf.SHDR.pack(*fields)
    return data


def undefine_common(data, obj):
    """Makes common symbols undefined: their place is given, like any other."""
    for symbol in obj.global_symbols():
        if symbol.shndx == elf.SHN_COMMON:
            SHN.pack_into(data, obj.symtab.offset + symbol.index
                          * elf.SYM.size + SHN_OFFSET, elf.SHN_UNDEF)


def outside(obj, places, common):
    """The second file: undefined symbols in windows, common ones in another.

    Gives its bytes and [(section name, address)].
    """
    windows = [(start & place.MASK, size) for start, size in places.windows()]
    if common:
        first = min(address for address, _ in common.values())
        last = max(address + size for address, size in common.values())
        windows.append((first, last - first))
    symbols = [(name, address) for name, (address, _) in common.items()]
    symbols += places.symbols.items()
    sections = [(".x%d" % i, elf.SHT_NOBITS,
                 elf.SHF_ALLOC | elf.SHF_WRITE, size)
                for i, (_, size) in enumerate(windows, 1)]
    placed = []
    for name, address in symbols:
        for i, (start, size) in enumerate(windows, 1):
            if start <= address <= start + size:
                placed.append((name, i, address - start))
                break
    data = elf.writer(obj.machine, obj.flags, sections, placed)
    return data, [(".x%d" % i, start)
                  for i, (start, _) in enumerate(windows, 1)]


def script(layout, windows, linker_got):
    """The linker script: each section at the address of the map."""
    lines = ["SECTIONS {"]
    for index, (address, size) in layout.where.sections.items():
        # An assignment to the location keeps a section that has no bytes.
        lines.append(" .t%d 0x%x : { %s*(.t%d) }" % (
            index, address, "" if size else ". = .; ", index))
    lines.append(" . = 0x%x;" % linker_got)
    lines.append(" .got : { *(.got) *(.got.plt) *(.igot) *(.igot.plt) }")
    for name in DYNAMIC:        # Of -pie only; ld wants each by its name.
        lines.append(" %s : { *(%s) }" % (name, name))
    for name, address in windows:
        lines.append(" %s 0x%x (NOLOAD) : { *(%s) }" % (name, address, name))
    return "\n".join(lines) + "\n}\n"
