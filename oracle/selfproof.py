# SPDX-License-Identifier: MIT
"""Shows that the comparison can fail: flipped bits must turn it red.

For each relocation type of a file that just passed, every bit of the field of
one relocation is flipped in the engine's image, one at a time, and the
comparison is made again; so is a bit of every GOT cell.  A flip that stays
unnoticed is a hole in the oracle, not in the engine.
"""

import collections
import os

import compare
import elf
import far
import got
import link
import place
import reloc


def flipped(image, offset, bit):
    """The image with one bit of its file changed."""
    data = bytearray(image.data)
    data[offset + bit // 8] ^= 1 << bit % 8
    return elf.Elf(data)


def file_offsets(plan, image):
    """{input index: file offset} of the sections in the engine's image."""
    found = {}
    for index, (address, size) in plan.where.sections.items():
        for section in image.sections:
            if size and section.addr == address and section.size == size and (
                    section.type != elf.SHT_NOBITS):
                found[index] = section.offset
    return found


def targets(plan, image, skip):
    """{type: (file offset, bits)}: one field of each type not in `skip`."""
    obj, offsets, found = plan.obj, file_offsets(plan, image), {}
    for table, target in obj.relocation_sections():
        if target.index not in offsets:
            continue
        for offset, kind, _, _ in obj.relocations(table):
            width = reloc.width_of(obj.machine, kind)
            if width and kind not in skip and kind not in found:
                found[kind] = (offsets[target.index]
                               + plan.moved(target.index, offset), width * 8)
    for section in image.sections:
        if section.name == ".tenon.got" and section.size:
            found["cell"] = (section.offset, min(section.size, 64) * 8)
    return found


def prove(oracle, data, kernel, skip=()):
    """(flips per type, flips per type that nobody noticed) for one file."""
    obj = elf.Elf(data)
    flips, missed = collections.Counter(), collections.Counter()
    places = place.Places(obj, kernel)
    with link.scratch() as work:
        link.save(work, "in.o", data)
        link.save(work, "symbols", places.system_map())
        for relax in link.modes_of(obj):
            status, words = oracle.link_engine(work, places.base, relax)
            if status:
                raise got.BadCode(words)
            flip_all(link.link_both(oracle, obj, places, (work, relax)),
                     skip, flips, missed)
    return flips, missed


def flip_all(linked, skip, flips, missed):
    """Flips every bit of one field of each type, one at a time."""
    plan, image, other = linked
    for kind, (offset, bits) in targets(plan, image, skip).items():
        name = kind if kind == "cell" else reloc.name_of(plan.obj.machine,
                                                         kind)
        for bit in range(bits):
            verdict = compare.compare(plan, flipped(image, offset, bit),
                                      other)
            flips[name] += 1
            missed[name] += not verdict.errors


STUB_BYTES = {elf.X86_64: 6, elf.AARCH64: 12, elf.RISCV: 12}


def prove_far(oracle, data, kernel):
    """The same for the second pass: a stub, a cell, and a branch to a stub."""
    obj = elf.Elf(data)
    places = place.Places(obj, kernel, far=True)
    flips, missed = collections.Counter(), collections.Counter()
    with link.scratch() as work:
        link.save(work, "in.o", data)
        link.save(work, "symbols", places.system_map())
        status, words = oracle.link_engine(work, places.base, True)
        if status:
            raise got.BadCode(words)
        plan = link.read_layout(work, obj, places)
        image = elf.Elf.read(os.path.join(work, "image"))
        for name, offset, bits in far_targets(plan, image):
            for bit in range(bits):
                broken = flipped(image, offset, bit)
                text = oracle.disassemble(work, obj.machine, broken)
                flips[name] += 1
                missed[name] += not far.Pass(plan, broken, text).run()
    return flips, missed


def far_targets(plan, image):
    """[(name, file offset, bits)] of a stub, of its cell and of a branch."""
    found = []
    for name, lines, size in (
            ("stub", plan.where.stubs, STUB_BYTES[plan.obj.machine]),
            ("cell", plan.where.got, 8)):
        for section in image.sections:
            if lines and section.flags & elf.SHF_ALLOC and (
                    section.addr <= lines[0].address
                    < section.addr + section.size):
                found.append((name, section.offset + lines[0].address
                              - section.addr, size * 8))
    kinds = reloc.BRANCH_KINDS[plan.obj.machine]
    for table, target in plan.obj.relocation_sections():
        home = file_offsets(plan, image).get(target.index)
        for offset, kind, symbol, _ in plan.obj.relocations(table):
            if home is not None and kind in kinds and (
                    plan.obj.symbol(symbol).name in plan.symbols):
                found.append(("branch", home + plan.moved(
                    target.index, offset), 8 * reloc.width_of(
                        plan.obj.machine, kind)))
                return found
    return found
