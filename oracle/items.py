# SPDX-License-Identifier: MIT
"""The object files of the corpus, as a list that can be cut and shared out.

An item is a kernel module file (plain or .xz) or a member of a static
library.  It is named without its folder's place, so that names are the same
everywhere, and sampled by a hash of its name, so that a slice is always the
same slice.
"""

import collections
import glob
import lzma
import os

import ar
import elf
import place
import reloc

# `position` is the member's number in an archive, -1 for a module.
Item = collections.namedtuple("Item", "arch kernel name path position")


def is_relocatable(data):
    """Is it an ELF64 relocatable file at all?  (Some members are not.)"""
    try:
        return elf.Elf(data).type == elf.ET_REL
    except elf.BadElf:
        return False


def kernel_items(arch, folder):
    """Every module of an unpacked linux-image (or installer) package."""
    paths = glob.glob(os.path.join(glob.escape(folder), "**", "*.ko*"),
                      recursive=True)
    return [Item(arch, True, os.path.relpath(path, folder), path, -1)
            for path in sorted(paths) if path.endswith((".ko", ".ko.xz"))]


def library_items(arch, folder):
    """Every ELF member of every static library of an unpacked package."""
    found = []
    paths = glob.glob(os.path.join(glob.escape(folder), "usr", "**", "*.a"),
                      recursive=True)
    for path in sorted(paths):
        if os.path.islink(path):
            continue
        with open(path, "rb") as file:
            data = file.read()
        for position, name, body in ar.members(data):
            if is_relocatable(body):
                found.append(Item(arch, False, "%s(%d:%s)" % (
                    os.path.basename(path), position, name), path, position))
    return found


class Reader:
    """Gives the bytes of items; keeps the last archive open."""

    def __init__(self):
        self.path, self.bodies = None, []

    def read(self, item):
        """One object file."""
        if item.kernel:
            with open(item.path, "rb") as file:
                data = file.read()
            return lzma.decompress(data) if item.path.endswith(
                ".xz") else data
        if self.path != item.path:
            with open(item.path, "rb") as file:
                self.bodies = [body for _, _, body
                               in ar.members(file.read())]
            self.path = item.path
        return self.bodies[item.position]


def sample(items, count):
    """A fixed choice of `count` items, spread by the hash of their names."""
    chosen = sorted(items, key=lambda item: place.hash_of(item.name))[:count]
    return sorted(chosen, key=lambda item: (item.path, item.position))


def covering(items, count):
    """Items such that each relocation type there is occurs in `count` files."""
    reader, seen, chosen = Reader(), collections.Counter(), []
    for item in items:
        obj = elf.Elf(reader.read(item))
        kinds = set()
        for table, target in obj.relocation_sections():
            if reloc.is_loaded(target):
                kinds.update(obj.relocation_column(table, 2))
        if any(seen[kind] < count for kind in kinds):
            chosen.append(item)
            seen.update(kinds)
    return chosen
