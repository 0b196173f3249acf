# SPDX-License-Identifier: MIT
"""Checks the ELF file around an image: what readelf and a debugger rely on.

Bytes may be right in a file that no tool can use.  So: every section with
contents lies in exactly one PT_LOAD, at the same distance in file and memory;
a segment is writable or executable, never both, and agrees with its sections;
common symbols are aligned; and the symbol table gives every named symbol of
the input its final value.
"""

import struct

import elf

PHDR = struct.Struct("<IIQQQQQQ")
PT_LOAD, PF_X, PF_W = 1, 1, 2
STT_FILE = 4
# Sections that are written while they are linked or initialised, then no more.
FIXED_LATER = (".data.rel.ro", ".data..ro_after_init", ".init_array",
               ".fini_array", ".preinit_array")
MANY = 20000    # Symbols: of larger tables only the global ones are checked.


def segments(file):
    """[(flags, offset, address, size in the file, size in memory)]."""
    start = struct.unpack_from("<Q", file.data, 32)[0]
    count = struct.unpack_from("<H", file.data, 56)[0]
    table = file.data[start:start + count * PHDR.size]
    return [(p[1], p[2], p[3], p[5], p[6]) for p in PHDR.iter_unpack(table)
            if p[0] == PT_LOAD]


def check_segments(file):
    """Errors of program headers against section headers."""
    errors, loads = [], segments(file)
    for flags, *_ in loads:
        if flags & PF_X and flags & PF_W:
            errors.append("a segment is writable and executable")
    for section in file.sections:
        if not section.flags & elf.SHF_ALLOC or not section.size:
            continue
        homes = [p for p in loads if p[2] <= section.addr
                 and section.addr + section.size <= p[2] + p[4]]
        if len(homes) != 1:
            errors.append("%s is in %d segments" % (section.name, len(homes)))
            continue
        flags, offset, address, stored, _ = homes[0]
        distance = section.addr - address
        if section.type != elf.SHT_NOBITS and (
                section.offset - offset != distance
                or distance + section.size > stored):
            errors.append("%s is elsewhere in its segment" % section.name)
        if bool(section.flags & elf.SHF_EXECINSTR) != bool(flags & PF_X):
            errors.append("%s: executable or not?" % section.name)
        if section.flags & elf.SHF_WRITE and not flags & PF_W and (
                not section.name.startswith(FIXED_LATER)):
            errors.append("%s: its segment cannot be written" % section.name)
    return errors


def check_common(plan):
    """Errors of the places of common symbols."""
    errors = []
    for symbol in plan.obj.global_symbols():
        if symbol.shndx != elf.SHN_COMMON:
            continue
        address, size = plan.where.common.get(symbol.name, (None, 0))
        if address is None or size != symbol.size or (
                address % max(symbol.value, 1)):
            errors.append("common symbol %s at %s" % (symbol.name, address))
    return errors


def check_symbols(plan, file):
    """Errors of the image's symbol table."""
    obj = plan.obj
    first = 1 if obj.symbol_count() < MANY else obj.symtab.info
    have = set()
    start = 1 if first == 1 else file.symtab.info
    for index in range(start, file.symbol_count()):
        symbol = file.symbol(index)
        have.add((symbol.name, symbol.value))
    errors = []
    for index in range(first, obj.symbol_count()):
        symbol = obj.symbol(index)
        if not symbol.name or symbol.type in (elf.STT_SECTION, STT_FILE):
            continue
        if symbol.name == "_GLOBAL_OFFSET_TABLE_" or (
                0 < symbol.shndx not in plan.where.sections):
            continue
        if (symbol.name, plan.value(symbol)) not in have:
            errors.append("the symbol table does not have %s at %x" % (
                symbol.name, plan.value(symbol)))
    return errors


def check(plan, file):
    """All errors of an image's wrapping."""
    return check_segments(file) + check_common(plan) + check_symbols(plan,
                                                                     file)
