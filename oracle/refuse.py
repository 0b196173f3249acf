# SPDX-License-Identifier: MIT
"""Finds, without the engine, what a file contains that is not supported.

The engine may refuse a file (exit 3) only for one of the reasons of decision
"refused by name", and only if the reason is really there.  `reasons` reads
the file for them; `names_reason` says whether the engine's sentence names one
of those found.  A refusal without a reason found here is a failure.
"""

import re

import elf
import reloc

# Types by which a file shows a code model that is not supported.
LARGE = {
    elf.X86_64: {25, 26, 27, 28, 29, 30, 31},
    elf.AARCH64: set(range(300, 307)),
    elf.RISCV: set(),
}
TINY = {elf.AARCH64: {309}}
# Types of the psABI that no supported model of C code needs.
OTHER = {
    elf.X86_64: {3, 32, 33},
    elf.AARCH64: {307, 308, 310, 315},
    elf.RISCV: {41, 47, 48},
}
WORDS = {
    "tls": r"\bTLS\b|thread.local",
    "ifunc": r"ifunc|indirect function",
    "large": r"large|code model",
    "tiny": r"tiny|code model",
    "rel": r"\bREL\b|SHT_REL\b",
    "wx": r"writable and executable|W\+X|\bWX\b",
    "other": r"R_\w+",
    "unknown": r"relocation|type",
}


def is_tls(machine, kind):
    """Does a type belong to thread-local storage?"""
    name = reloc.NAMES[machine].get(kind, "")
    return bool(re.search(r"TLS|TPREL|TPOFF|DTP", name))


def reasons(obj):
    """The set of reasons for which this file may be refused."""
    found = set()
    for section in obj.sections:
        loaded = reloc.is_loaded(section)
        if loaded and section.flags & elf.SHF_TLS and section.size:
            found.add("tls")
        both = elf.SHF_WRITE | elf.SHF_EXECINSTR
        if loaded and section.flags & both == both:
            found.add("wx")
        if section.type == elf.SHT_REL:
            found.add("rel")
    for table, target in obj.relocation_sections():
        if reloc.is_loaded(target):
            for kind in set(obj.relocation_column(table, 2)):
                found |= reasons_of_kind(obj.machine, kind)
    for symbol in obj.global_symbols():
        if symbol.type == elf.STT_GNU_IFUNC:
            found.add("ifunc")
        if symbol.type == elf.STT_TLS and symbol.shndx != elf.SHN_UNDEF:
            found.add("tls")
    if obj.symtab and b"\x0a" in bytes(obj.symbols[4::elf.SYM.size]):
        found.add("ifunc")      # A local one: binding 0, type 10.
    return found


def reasons_of_kind(machine, kind):
    """Why a relocation type may be refused."""
    if kind not in reloc.NAMES[machine]:
        return {"unknown"}
    if is_tls(machine, kind):
        return {"tls"}
    if kind in LARGE[machine]:
        return {"large"}
    if kind in TINY.get(machine, ()):
        return {"tiny"}
    return {"other"} if kind in OTHER[machine] else set()


def names_reason(words, found):
    """The reason that the engine's sentence names, of those found; or None."""
    for reason in sorted(found):
        if re.search(WORDS[reason], words, re.I):
            return reason
    return None
