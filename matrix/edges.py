# SPDX-License-Identifier: MIT
"""The reach of each relocation: at the edge, one past it, and misaligned.

An object with one relocation of a type is compiled, and its symbol placed so
that the value is exactly the largest and the smallest that fits, one step
beyond each, and one that is not aligned. The platform's ld links the same
object at the same addresses. Where the value fits, the bytes must be ld's;
beyond, a branch must go through a stub (read back from objdump) and everything
else be refused with a sentence that names place, type, symbol and limits.
Where ld accepts what is refused here, DIFFERENT says why.
"""

import os
import re

import build
import census
import compare
import edge_cases
import elf
import execute
import far
import layout
import ldcopy
import link
import tools

AT = 0x4000000000   # of the image: far from 0 and from everything

# Where ld.bfd does otherwise, and why it is not followed. For WORDS lld is
# asked instead, and must agree.
WRAPS = "ld lets a value of -2^bits wrap to another number"
LOW_BITS = "ld drops the low bits of a misaligned target"
UNCHECKED = "ld does not check the type"
WORDS = "ld takes the word for unsigned or signed; AAELF64 says either"
REFUSES_LESS = (WRAPS, LOW_BITS, UNCHECKED)
LLD = "ld.lld-14"
DIFFERENT = {
    ("x86_64", "8", "below"): WRAPS,
    ("x86_64", "16", "below"): WRAPS,
    ("x86_64", "PC16", "below"): WRAPS,
    ("aarch64", "CALL26", "misaligned"): LOW_BITS,
    ("aarch64", "JUMP26", "misaligned"): LOW_BITS,
    ("aarch64", "TSTBR14", "misaligned"): LOW_BITS,
    ("aarch64", "CONDBR19", "misaligned"): LOW_BITS,
    ("aarch64", "ABS16", "lowest"): WORDS,
    ("aarch64", "ABS32", "lowest"): WORDS,
    ("aarch64", "PREL16", "highest"): WORDS,
    ("aarch64", "PREL32", "highest"): WORDS,
    ("riscv64", "32", "below"): UNCHECKED,
    ("riscv64", "32", "above"): UNCHECKED,
    ("riscv64", "32_PCREL", "below"): UNCHECKED,
    ("riscv64", "32_PCREL", "above"): UNCHECKED,
}


class Site:
    """The object of a case, and where its relocation is."""

    def __init__(self, arch, compiler, case, work):
        self.arch, self.case, self.work = arch, case, work
        self.path = os.path.join(work, "in.o")
        source = os.path.join(work, "in.c")
        with open(source, "w", encoding="ascii") as file:
            file.write(case.source)
        build.call(build.driver(arch, compiler) + build.BASE_OF[arch]
                   + ["-O2", "-fno-asynchronous-unwind-tables", "-c", source,
                      "-o", self.path] + case.flags)
        self.obj = elf.Elf.read(self.path)
        self._find()

    def _find(self):
        """The one relocation of the type."""
        names = census.TYPE_NAMES[self.arch]
        found = [(target, found) for table, target
                 in self.obj.relocation_sections()
                 for found in self.obj.relocations(table)
                 if census.is_counted(target)
                 and names.get(found[1]) == self.case.kind]
        if len(found) != 1:
            raise build.BuildError("%d relocations of type %s" % (
                len(found), self.case.kind))
        self.section, (self.offset, _, _, self.addend) = found[0]

    def symbol_for(self, value, place):
        """Where the symbol must be for the field to be given a value."""
        if self.case.value == "pc":
            value += place
        elif self.case.value == "page":
            value += (place & ~0xFFF) + 0x128
        elif self.case.value == "low":
            value += AT
        return (value - self.addend) & execute.MASK

    def name(self, file):
        """A path in the folder of the case."""
        return os.path.join(self.work, file)


class Places:
    """What the oracle's reader of maps wants to know of symbols."""

    def __init__(self, address):
        self.symbols = {"target": address}
        self.undefined_weak = set()
        self.far = True


def link_engine(site, address):
    """(status, words, layout or None) of `tenon link`."""
    with open(site.name("symbols"), "w", encoding="ascii") as file:
        file.write("%016x T target\n" % address)
    for name in ("image", "map"):
        if os.path.exists(site.name(name)):
            os.unlink(site.name(name))
    status, words = execute.link(
        site.path, AT, site.name("image"), site.name("symbols"),
        ["--map", site.name("map")])
    plan = None if status else link.read_layout(
        site.work, site.obj, Places(address))
    return status, words, plan


def link_ld(site, address, plan, program="ld.bfd"):
    """(does ld accept it, its words), with the layout of an engine's map."""
    copy = ldcopy.plain_copy(site.obj, set(plan.where.sections))
    link.save(site.work, "copy.o", bytes(copy))
    link.save(site.work, "script", ldcopy.script(plan, [], AT + 0x100000))
    if program == "ld.bfd":
        command = [build.tool(site.arch, program), *tools.COMMON_FLAGS,
                   "--no-check-sections"]
    else:
        command = [program, *tools.LLD_FLAGS]
    command += ["-m", tools.EMULATION[site.obj.machine], "-static",
                "--no-relax", "--defsym", "target=0x%x" % address,
                "-T", "script", "-o", "linked", "copy.o"]
    status, words = tools.run(command, cwd=site.work)
    return status == 0, words


def points(case):
    """[(name of the point, value, expectation)]."""
    low, high, unit = case.low, case.high, case.unit
    if low is None:
        step = 0x10 if case.value == "low" else 0x123456789A
        wide = [("zero", 0, "fits"), ("any", step * 0x123, "fits")]
        if unit > 1:
            wide.append(("misaligned", 0x1230 + unit // 2, "align"))
        return wide
    fits = "direct" if case.beyond == "cell" else "fits"
    chosen = [("lowest", low, fits), ("highest", high, fits),
              ("below", low - unit, case.beyond),
              ("above", high + unit, case.beyond)]
    if unit in (2, 4):
        chosen.append(("misaligned", 64 + unit // 2, "align"))
    return chosen


def check_sentence(site, words, expected):
    """Does the sentence say where, what, against what and which limits?"""
    case = site.case
    start = r"%s\+0x%x: %s%s against 'target': value -?0x[0-9a-f]+ " % (
        re.escape(site.section.name), site.offset,
        census.PREFIX[site.arch], case.kind)
    if expected == "align":
        end = "is not a multiple of %d$" % case.unit
    else:
        end = r"does not fit into \[%d, (-?\d+)\]$" % case.low
    found = re.search(start + end, words)
    if not found or "\n" in words:
        return False
    return expected == "align" or (
        0 <= int(found.group(1)) - case.high < max(case.unit, 2))


def check_bytes(site, plan):
    """Yields how the engine's image differs from ld's."""
    if plan.where.stubs or plan.where.got:
        yield "a stub or a cell, but the value fits"
        return
    verdict = compare.compare(plan, elf.Elf.read(site.name("image")),
                              elf.Elf.read(site.name("linked")))
    yield from verdict.errors


def check_followed(site, plan, expected):
    """Yields what is wrong with a stub, a cell or a relaxed load."""
    image = elf.Elf.read(site.name("image"))
    text = tools.Oracle().disassemble(site.work, site.obj.machine, image)
    followed = far.Pass(plan, image, text)
    yield from followed.run()
    where = plan.where
    found = len(where.stubs), len(where.got), bool(where.relaxed)
    if found != {"stub": (1, 1, False), "cell": (0, 1, False),
                 "direct": (0, 0, True)}[expected]:
        yield "%d stubs, %d cells, relaxed: %s" % found


def judge(site, expected, words, plan, ld):
    """Yields what is wrong with what the engine did; ld: its verdict."""
    if expected == "fits":
        if ld[0]:
            yield from check_bytes(site, plan)
    elif expected in ("stub", "cell", "direct"):
        yield from check_followed(site, plan, expected)
    elif not check_sentence(site, words, expected):
        yield "the sentence does not say it all: %s" % words


def check_point(site, point, probe):
    """Yields what is wrong at one point."""
    name, value, expected = point
    place = probe.address(site.section.index, site.offset)
    address = site.symbol_for(value, place)
    different = DIFFERENT.get((site.arch, site.case.kind, name))
    ld = link_ld(site, address, probe, LLD if different == WORDS else "ld.bfd")
    status, words, plan = link_engine(site, address)
    wanted = 1 if expected in ("range", "align") else 0
    if status != wanted:
        yield "tenon link ended with %d, not %d: %s" % (status, wanted, words)
        return
    yield from judge(site, expected, words, plan, ld)
    if expected not in ("fits", "range", "align"):
        return      # ld has no stubs, or relaxes by rules of its own
    agrees = ld[0] == (status == 0)
    if agrees == (different in REFUSES_LESS):
        yield "ld %s%s: %s" % ("accepts" if ld[0] else "refuses",
                               ", against what is written here"
                               if different else "", ld[1])


def check_case(arch, compiler, case):
    """Yields (point, what is wrong) of one case."""
    with execute.scratch() as work:
        try:
            site = Site(arch, compiler, case, work)
            near = site.symbol_for(0, AT) if case.value != "abs" else 0
            status, words, probe = link_engine(site, near)
        except (build.BuildError, layout.BadMap) as error:
            yield "", str(error)
            return
        if status:
            yield "", "cannot be linked at all: %s" % words
            return
        for point in points(case):
            try:
                for text in check_point(site, point, probe):
                    yield point[0], text
            except (layout.BadMap, elf.BadElf) as error:
                yield point[0], str(error)


def problems(arch):
    """Everything that is wrong at the edges of an architecture."""
    return ["edges: %s %s %s %s: %s" % (arch, compiler, case.kind, point, text)
            for case in edge_cases.CASES[arch] for compiler in case.compilers
            for point, text in check_case(arch, compiler, case)]


def count(arch):
    """How many points are looked at."""
    return sum(len(case.compilers) * len(points(case))
               for case in edge_cases.CASES[arch])
