# SPDX-License-Identifier: MIT
"""Does executing a source notice a wrong relocation?

For every wanted type one relocation of an object that ran well is changed: its
addend is moved so far that the field must come out differently. The changed
object must be refused, crash, or return something else than 0; otherwise its
good result would prove nothing. Objects and relocations are tried in turn
until one is noticed.
"""

import collections
import itertools
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
# Types that are dropped instead: all cells are on one page, so the page of
# another cell is the right one.
DROPPED = {"ADR_GOT_PAGE"}
TRIES, OBJECTS = 60, 20
HANG = 3    # Seconds; a changed program may well run for ever.
TYPE_OFFSET, ADDEND_OFFSET = 8, 16      # in an Elf64_Rela

Mutant = collections.namedtuple("Mutant", "outcome name path table row")


def index_of(outcomes, arch):
    """{type: [[Mutant, ...] of one object, ...]}, of a few objects each."""
    found = collections.defaultdict(list)
    names = census.TYPE_NAMES[arch]
    for outcome in outcomes:
        if outcome.config.arch != arch or not outcome.ways:
            continue
        for name, path in outcome.objects.items():
            rows = collections.defaultdict(list)
            obj = elf.Elf.read(path)
            for table, target in obj.relocation_sections():
                if census.is_counted(target):
                    for row, kind in enumerate(
                            obj.relocation_column(table, 2)):
                        rows[names.get(kind)].append(
                            Mutant(outcome, name, path, table, row))
            for kind, mutants in rows.items():
                if len(found[kind]) < OBJECTS:
                    found[kind].append(mutants)
    return found


def in_turn(lists):
    """The first element of each list, then the second of each ..."""
    for row in itertools.zip_longest(*lists):
        yield from (one for one in row if one is not None)


def change(mutant, kind, path):
    """Writes the object with one addend moved, or one type gone."""
    with open(mutant.path, "rb") as file:
        data = bytearray(file.read())
    at = mutant.table.offset + mutant.row * elf.RELA.size
    if kind in DROPPED:
        data[at + TYPE_OFFSET:at + TYPE_OFFSET + 4] = bytes(4)
    else:
        field = slice(at + ADDEND_OFFSET, at + ADDEND_OFFSET + 8)
        addend = int.from_bytes(data[field], "little", signed=True)
        addend += STEP.get(kind, 16)
        data[field] = addend.to_bytes(8, "little", signed=True)
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
                results = execute.engine(arch, objects, HANG)
            else:
                results = execute.image(arch, objects, "near", (), HANG)
        except execute.Failure:
            return True
        return results.get(mutant.name) != 0


def problems(outcomes, arches=build.ARCHES):
    """Types whose changed relocations nobody notices."""
    found = []
    for arch in arches:
        index = index_of(outcomes, arch)
        for kind in census.WANTED[arch].split():
            tries = itertools.islice(in_turn(index[kind]), TRIES)
            if kind not in WITHOUT and not any(
                    is_noticed(mutant, kind) for mutant in tries):
                found.append("mutants: %s: a wrong %s is not noticed" % (
                    arch, kind))
    return found
