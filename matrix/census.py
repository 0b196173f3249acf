# SPDX-License-Identifier: MIT
"""Which relocation types the matrix must execute, and which it has executed.

WANTED is what docs/module-format.md promises for relocatable objects (see
`promised`); what compilers emit for ordinary C comes first. Names are those of
the psABIs, from the encoders' generated list.
"""

import collections
import os
import re

import build
import elf
import reloc

NAMES = os.path.join(build.ROOT, "core", "reloc", "test", "golden_names.h")
PREFIX = {"x86_64": "R_X86_64_", "aarch64": "R_AARCH64_",
          "riscv64": "R_RISCV_"}
EM = {"EM_X86_64": "x86_64", "EM_AARCH64": "aarch64", "EM_RISCV": "riscv64"}

WANTED = {
    "x86_64": """64 PC32 PLT32 32 32S GOTPCREL GOTPCRELX REX_GOTPCRELX PC64
        NONE 16 PC16 8 PC8""",
    "aarch64": """ABS64 PREL64 PREL32 ADR_PREL_PG_HI21 ADD_ABS_LO12_NC
        LDST8_ABS_LO12_NC LDST16_ABS_LO12_NC LDST32_ABS_LO12_NC
        LDST64_ABS_LO12_NC LDST128_ABS_LO12_NC CALL26 JUMP26 ADR_GOT_PAGE
        LD64_GOT_LO12_NC LD64_GOTPAGE_LO15
        NONE ABS32 ABS16 PREL16 ADR_PREL_PG_HI21_NC ADR_PREL_LO21
        LD_PREL_LO19 TSTBR14 CONDBR19 PLT32
        MOVW_UABS_G0 MOVW_UABS_G0_NC MOVW_UABS_G1 MOVW_UABS_G1_NC
        MOVW_UABS_G2 MOVW_UABS_G2_NC MOVW_UABS_G3
        MOVW_SABS_G0 MOVW_SABS_G1 MOVW_SABS_G2
        MOVW_PREL_G0 MOVW_PREL_G0_NC MOVW_PREL_G1 MOVW_PREL_G1_NC
        MOVW_PREL_G2 MOVW_PREL_G2_NC MOVW_PREL_G3""",
    "riscv64": """64 PCREL_HI20 PCREL_LO12_I PCREL_LO12_S HI20 LO12_I LO12_S
        CALL CALL_PLT JAL BRANCH RVC_BRANCH RVC_JUMP GOT_HI20 RELAX ALIGN
        ADD8 ADD16 ADD32 ADD64 SUB8 SUB16 SUB32 SUB64 SET6 SUB6 SET8 SET16
        SET32 32_PCREL
        NONE 32 RVC_LUI PLT32 SET_ULEB128 SUB_ULEB128""",
}
# Types newer than the assembler that made the list of names.
NEWER = {
    "x86_64": {},
    "aarch64": {314: "PLT32"},
    "riscv64": {59: "PLT32", 60: "SET_ULEB128", 61: "SUB_ULEB128"},
}


def load_names():
    """{arch: {number: name without its prefix}}."""
    names = {arch: dict(NEWER[arch]) for arch in build.ARCHES}
    with open(NAMES, encoding="ascii") as file:
        for machine, number, name in re.findall(
                r"\{ (EM_\w+), (\d+), \"(\w+)\" \}", file.read()):
            arch = EM[machine]
            names[arch][int(number)] = name.removeprefix(PREFIX[arch])
    return names


TYPE_NAMES = load_names()


def promised(arch):
    """The types that docs/module-format.md names, without the dynamic ones."""
    path = os.path.join(build.ROOT, "docs", "module-format.md")
    with open(path, encoding="utf-8") as file:
        found = re.search(r"\*\*%s\*\*: `([^`]*)`" % PREFIX[arch],
                          file.read())
    dynamic = {"GLOB_DAT", "JUMP_SLOT", "RELATIVE"}
    return set(found.group(1).split()) - dynamic if found else set()


def is_counted(section):
    """Is a section loaded, and not one that every export makes?"""
    return reloc.is_loaded(section) and not section.name.startswith("__k")


def kinds_of(path, arch):
    """The names of the relocation types in the loaded sections of a file."""
    obj = elf.Elf.read(path)
    names = TYPE_NAMES[arch]
    return {names.get(kind, "type %d" % kind)
            for table, target in obj.relocation_sections()
            if is_counted(target)
            for kind in set(obj.relocation_column(table, 2))}


class Census:
    """type x architecture -> the (source, compiler, level) that ran well."""

    def __init__(self):
        self.ran = {arch: collections.defaultdict(set)
                    for arch in build.ARCHES}
        self.ways = {arch: collections.defaultdict(collections.Counter)
                     for arch in build.ARCHES}

    def add(self, config, objects, ways):
        """Objects of a configuration that ran well in each of some ways."""
        for name, path in objects.items():
            for kind in kinds_of(path, config.arch):
                self.ran[config.arch][kind].add(
                    (name, config.compiler, config.level))
                self.ways[config.arch][kind].update(ways)

    def missing(self, arch):
        """Wanted types that were not executed."""
        return [kind for kind in WANTED[arch].split()
                if kind not in self.ran[arch]]

    def unexpected(self, arch):
        """Executed types that are not on the list."""
        return sorted(set(self.ran[arch]) - set(WANTED[arch].split()))

    def lines(self, arches):
        """The table: a line per type, with the ways it was executed."""
        for arch in arches:
            ran = self.ran[arch]
            order = WANTED[arch].split() + self.unexpected(arch)
            yield "%s: %d of %d types executed" % (
                arch, len(ran), len(WANTED[arch].split()))
            for kind in order:
                done = ran.get(kind, ())
                compilers = sorted({compiler for _, compiler, _ in done})
                ways = self.ways[arch][kind]
                yield "  %-22s %5d  %-10s %s" % (
                    kind, len(done), "+".join(compilers) or "NEVER",
                    " ".join("%s %d" % pair for pair in sorted(ways.items())))
