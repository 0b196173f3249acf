# SPDX-License-Identifier: MIT
"""Does executing a source notice a wrong relocation?

For every wanted type one relocation of an object that ran well is changed: its
addend is moved so far that the field must come out differently. The changed
object must be refused, crash, or return something else than 0; otherwise its
good result would prove nothing. Objects and relocations are tried in turn
until one is noticed.
"""

import collections
import os

import build
import census
import elf
import execute

# Types without a value.
WITHOUT = {"NONE", "RELAX", "ALIGN"}
# By how much an addend must move to change the field: 16 unless named here.
STEP = {
    "ADR_PREL_PG_HI21": 1 << 12, "ADR_PREL_PG_HI21_NC": 1 << 12,
    "MOVW_UABS_G1": 1 << 16, "MOVW_UABS_G1_NC": 1 << 16,
    "MOVW_PREL_G1": 1 << 16, "MOVW_PREL_G1_NC": 1 << 16,
    "MOVW_SABS_G1": 1 << 16,
    "MOVW_UABS_G2": 1 << 32, "MOVW_UABS_G2_NC": 1 << 32,
    "MOVW_PREL_G2": 1 << 32, "MOVW_PREL_G2_NC": 1 << 32,
    "MOVW_SABS_G2": 1 << 32,
    "MOVW_UABS_G3": 1 << 48, "MOVW_PREL_G3": 1 << 48,
    "HI20": 1 << 12, "RVC_LUI": 1 << 12, "PCREL_HI20": 1 << 12,
    "GOT_HI20": 1 << 12, "GOTPCREL": 1 << 12, "GOTPCRELX": 1 << 12,
    "REX_GOTPCRELX": 1 << 12,
}
TRIES = 60
ADDEND_OFFSET = 16      # of r_addend in an Elf64_Rela

Mutant = collections.namedtuple("Mutant", "outcome name path table row")


def candidates(outcomes, arch, kind):
    """Relocations of a type, one from each object in turn."""
    numbers = {number for number, name in census.TYPE_NAMES[arch].items()
               if name == kind}
    queues = []
    for outcome in outcomes:
        if outcome.config.arch != arch or not outcome.ways:
            continue
        for name, path in outcome.objects.items():
            obj = elf.Elf.read(path)
            rows = [Mutant(outcome, name, path, table, row)
                    for table, target in obj.relocation_sections()
                    if census.is_counted(target)
                    for row, found in enumerate(
                        obj.relocation_column(table, 2)) if found in numbers]
            if rows:
                queues.append(rows)
    while queues:
        for rows in queues:
            yield rows.pop(0)
        queues = [rows for rows in queues if rows]


def change(mutant, kind, path):
    """Writes the object with one addend moved."""
    with open(mutant.path, "rb") as file:
        data = bytearray(file.read())
    at = mutant.table.offset + mutant.row * elf.RELA.size + ADDEND_OFFSET
    addend = int.from_bytes(data[at:at + 8], "little", signed=True)
    addend += STEP.get(kind, 16)
    data[at:at + 8] = addend.to_bytes(8, "little", signed=True)
    with open(path, "wb") as file:
        file.write(data)


def is_noticed(mutant, kind):
    """Does the changed object fail?"""
    arch = mutant.outcome.config.arch
    with execute.scratch() as work:
        path = os.path.join(work, "mutant.o")
        change(mutant, kind, path)
        objects = {mutant.name: path}
        try:
            if "engine" in mutant.outcome.ways:
                results = execute.engine(arch, objects)
            else:
                results = execute.image(arch, objects, "near")
        except execute.Failure:
            return True
        return results.get(mutant.name) != 0


def problems(outcomes, arches=build.ARCHES):
    """Types whose changed relocations nobody notices."""
    found = []
    for arch in arches:
        for kind in census.WANTED[arch].split():
            if kind in WITHOUT:
                continue
            tried = 0
            for mutant in candidates(outcomes, arch, kind):
                tried += 1
                if is_noticed(mutant, kind):
                    break
                if tried == TRIES:
                    tried = 0
                    break
            else:
                tried = 0
            if not tried:
                found.append("mutants: %s: a wrong %s is not noticed" % (
                    arch, kind))
    return found
