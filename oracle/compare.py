# SPDX-License-Identifier: MIT
"""Compares the engine's image with the linker's, byte for byte.

Both images have every loaded section of the input at the same address.  All
bytes of all sections are compared; the only ones that may differ are those of
instructions that go through a GOT cell, and each of these is decoded and
followed in both images first (got.py).  The verdict counts every byte: those
found equal and those followed add up to what was loaded, or it is a failure.
"""

import bisect
import collections
import struct

import elf
import got
import reloc

SHOWN = 4   # Differences that are spelled out for one file.


class Image:
    """A linked file: contents by section and by address."""

    def __init__(self, file):
        self.file = file
        self.spans = sorted((s.addr, s.addr + s.size, s.index)
                            for s in file.sections
                            if s.flags & elf.SHF_ALLOC and s.size)
        self.starts = [start for start, _, _ in self.spans]

    def read(self, address):
        """The 8 bytes at an address as a number; None if there are none."""
        at = bisect.bisect_right(self.starts, address) - 1
        if at < 0 or address + 8 > self.spans[at][1]:
            return None
        section = self.file.sections[self.spans[at][2]]
        if section.type == elf.SHT_NOBITS:
            return 0
        return struct.unpack_from("<Q", self.file.data, section.offset
                                  + address - section.addr)[0]

    def word(self, address):
        """Up to 8 bytes at an address as a number, cut at its section's end."""
        at = bisect.bisect_right(self.starts, address) - 1
        section = self.file.sections[self.spans[at][2]]
        start = address - section.addr
        return int.from_bytes(self.file.contents(section)[start:start + 8],
                              "little")

    def bytes_of(self, section):
        """The contents of a section, zeros if it has none in the file."""
        if section.type == elf.SHT_NOBITS:
            return bytes(section.size)
        return self.file.contents(section)


class Verdict:
    """What a comparison found."""

    def __init__(self):
        self.errors = []
        self.loaded = 0     # bytes that the engine loaded
        self.equal = 0      # bytes found equal
        self.followed = 0   # bytes of instructions followed to their cells
        self.different = 0
        self.classes = collections.Counter()
        self.kinds = collections.Counter()
        self.second = collections.Counter()

    def skipped(self):
        """Bytes that nobody looked at: none, or the comparison is worthless."""
        return self.loaded - self.equal - self.followed - self.different


def engine_sections(image, layout):
    """{input index: contents} of the engine's image; headers as in the map."""
    parts = [s for s in image.file.sections if s.flags & elf.SHF_ALLOC
             and not s.name.startswith(".tenon.")]
    order = layout.where.order
    empty = [i for i in order if not layout.where.sections[i][1]]
    if len(parts) == len(order) - len(empty):
        order = [i for i in order if i not in empty]
    if len(parts) != len(order):
        raise got.BadCode("image has %d loaded sections, map has %d" % (
            len(parts), len(order)))
    result = {}
    for index, part in zip(order, parts):
        name = layout.obj.sections[index].name
        if (part.name, part.addr, part.size) != (
                name, *layout.where.sections[index]):
            raise got.BadCode("section header of %s: %s %x %x" % (
                name, part.name, part.addr, part.size))
        result[index] = image.bytes_of(part)
    return result


def linker_sections(image, layout):
    """{input index: contents} of the linker's image."""
    named = {s.name: s for s in image.file.sections}
    result = {}
    for index, (address, size) in layout.where.sections.items():
        part = named.get(".t%d" % index)
        if part is None and not size:
            continue
        if part is None or (size and (part.addr, part.size)
                            != (address, size)):
            raise got.BadCode("the linker did not lay out %s as told: %s" % (
                layout.obj.sections[index].name,
                part and "%x %x" % (part.addr, part.size)))
        result[index] = image.bytes_of(part)
    return result


def got_base(image, name):
    """Where the table of an image begins."""
    for section in image.file.sections:
        if section.name == name:
            return section.addr
    return 0


def compare(layout, ours, theirs):
    """The verdict on two images of one layout."""
    verdict = Verdict()
    obj = layout.obj
    for table, target in obj.relocation_sections():
        if target.index in layout.where.sections:
            verdict.kinds.update(obj.relocation_column(table, 2))
    places = got.sites(obj, layout.where.sections)
    us, them = Image(ours), Image(theirs)
    try:
        mine = engine_sections(us, layout)
        their = linker_sections(them, layout)
    except got.BadCode as error:
        verdict.errors.append(str(error))
        return verdict
    followers = []
    for image, contents, table in ((us, mine, ".tenon.got"),
                                   (them, their, ".got")):
        follower = got.Follower(layout, places, image.read,
                                got_base(image, table))
        follower.follow(contents)
        followers.append(follower)
    check_followers(verdict, layout, *followers)
    check_cells(verdict, layout, us, followers[0])
    spans = blanks(layout, places, followers)
    for index, data in mine.items():
        compare_section(verdict, layout, index,
                        (data, their.get(index, b"")), spans[index])
    if verdict.skipped():
        verdict.errors.append("%d bytes were skipped" % verdict.skipped())
    return verdict


def second_opinion(verdict, layout, ours, theirs):
    """Another linker's relaxed instructions: the same form, the same bits.

    Only instructions that go through the table are looked at; everything else
    is compared with the first linker.
    """
    places = got.sites(layout.obj, layout.where.sections)
    parts = []
    for file, sections, table in ((ours, engine_sections, ".tenon.got"),
                                  (theirs, linker_sections, ".got")):
        image = Image(file)
        contents = sections(image, layout)
        follower = got.Follower(layout, places, image.read,
                                got_base(image, table))
        follower.follow(contents)
        parts.append((follower, contents))
    (mine, ours), (their, theirs) = parts
    verdict.errors += ["second: " + e for e in their.errors[:SHOWN]]
    for site in places:
        form, other = mine.forms.get(site), their.forms.get(site)
        verdict.second["%s/%s" % (form, other)] += 1
        here = layout.moved(site.section, site.offset)
        span = slice(here, here + 4)
        if form == other == "add" and ours[site.section][span] != (
                theirs[site.section][span]):
            verdict.errors.append("second: %s+0x%x differs" % (
                layout.obj.sections[site.section].name, here))


def check_followers(verdict, layout, mine, their):
    """Errors of either side, and the classes that explain a difference."""
    verdict.errors += ["engine: " + e for e in mine.errors[:SHOWN]]
    verdict.errors += ["linker: " + e for e in their.errors[:SHOWN]]
    for site, form in mine.forms.items():
        verdict.classes["%s/%s" % (form, their.forms.get(site, "?"))] += 1
    listed = {(index, offset) for index, offset, _ in layout.where.relaxed}
    forms = {(s.section, s.offset): form for s, form in mine.forms.items()
             if s.kind != got.PCREL_LO12_I}
    direct = {at for at, form in forms.items() if form in got.DIRECT_FORMS}
    loads = {at for at, form in forms.items() if form in got.CELL_FORMS}
    for index, offset in sorted((direct - listed) | (loads & listed)
                                | (listed - set(forms)))[:SHOWN]:
        verdict.errors.append("%s+0x%x: the map is wrong about relaxation" % (
            layout.obj.sections[index].name, offset))


def check_cells(verdict, layout, image, follower):
    """The engine's table is exact: each cell right, used, and only once."""
    where = layout.where
    listed = [cell.address for cell in where.got]
    if len(listed) != len(set(listed)):
        verdict.errors.append("a GOT cell is listed twice")
    unused = set(listed) - set(follower.cells)
    foreign = set(follower.cells) - set(listed)
    if unused and not where.stubs:
        verdict.errors.append("%d GOT cells are not used by anything" %
                              len(unused))
    if foreign:
        verdict.errors.append("%d cells are used but not listed" %
                              len(foreign))
    size = sum(s.size for s in image.file.sections
               if s.name == ".tenon.got")
    if size != 8 * len(listed):
        verdict.errors.append(".tenon.got has %d bytes for %d cells" % (
            size, len(listed)))
    for cell in where.got:
        for symbol in follower.owners[cell.address]:
            name = layout.obj.symbol(symbol).name
            if name and name != cell.symbol:
                verdict.errors.append("cell %x is of %s, used for %s" % (
                    cell.address, cell.symbol, name))


def blanks(layout, places, followers):
    """{section: {(start, end)}}: output bytes that are followed instead.

    Where both sides took the same direct form, nothing is left to choose and
    the bytes are compared like all others.
    """
    spans = collections.defaultdict(set)
    mine, their = followers
    for site in places:
        form = mine.forms.get(site)
        if form == their.forms.get(site) and form in got.DIRECT_FORMS:
            continue
        lead, tail = got.window(site.kind)
        here = layout.moved(site.section, site.offset)
        spans[site.section].add((here - lead, here + tail))
    return spans


def compare_section(verdict, layout, index, pair, spans):
    """One section: equal outside the spans, or the first differences."""
    mine, their = pair
    verdict.loaded += layout.where.sections[index][1]
    if spans:
        mine, their = bytearray(mine), bytearray(their)
        for start, end in spans:
            mine[start:end] = their[start:end] = bytes(end - start)
            verdict.followed += end - start
    wrong = [] if mine == their else [
        i for i, (a, b) in enumerate(zip(mine, their)) if a != b]
    verdict.different += len(wrong)
    verdict.equal += min(len(mine), len(their)) - len(wrong) - sum(
        end - start for start, end in spans)
    if mine == their:
        return
    name = layout.obj.sections[index].name
    if len(mine) != len(their):
        verdict.errors.append("%s has %d bytes, the linker's %d" % (
            name, len(mine), len(their)))
    shown = 0
    while wrong and shown < SHOWN:
        first = wrong[0]
        verdict.errors.append("%s+0x%x: engine %s, linker %s%s" % (
            name, first, mine[first:first + 8].hex(),
            their[first:first + 8].hex(), blame(layout, index, first)))
        wrong = [i for i in wrong if i >= first + 8]
        shown += 1
    if wrong:
        verdict.errors.append("%s: %d more bytes differ" % (name, len(wrong)))


def blame(layout, index, offset):
    """The relocation whose field covers an output offset, in words."""
    obj = layout.obj
    for table, target in obj.relocation_sections():
        if target.index != index:
            continue
        for place, kind, symbol, addend in obj.relocations(table):
            here = layout.moved(index, place)
            if here <= offset < here + max(
                    reloc.width_of(obj.machine, kind), 1):
                return " (%s %s%+d)" % (reloc.name_of(obj.machine, kind),
                                        obj.symbol(symbol).name
                                        or "symbol %d" % symbol, addend)
    return ""
