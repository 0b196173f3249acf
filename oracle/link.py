# SPDX-License-Identifier: MIT
"""The linker oracle for one object file: the engine's image against ld's.

    check(oracle, data, kernel)     links it both ways and gives a Result

A file is linked near its symbols, with GOT relaxation and, if it has GOT
relocations, without; for each mode ld gets the same layout and must give the
same bytes.  A refusal is a result of its own and its reason is verified.

    python3 oracle/link.py [--kernel] [--keep DIR] FILE...
"""

import argparse
import collections
import os
import shutil
import sys
import tempfile

import compare
import elf
import far
import got
import layout
import ldcopy
import place
import refuse
import reloc
import tools
import wrap

SHORT_ABSOLUTE = {10, 11, 12, 14}       # R_X86_64_32, 32S, 16, 8
REFUSED = 3     # Exit status of `tenon link`: unsupported, by name.


class Result:
    """One file's outcome: passed, failed or refused, and the figures."""

    def __init__(self):
        self.status = "passed"
        self.words = []
        self.loaded = self.equal = self.followed = self.different = 0
        self.kinds = collections.Counter()
        self.classes = collections.Counter()
        self.second = collections.Counter()

    def fail(self, words):
        """Records an error; the file is red."""
        self.status = "failed"
        self.words.append(words)

    def add(self, mode, verdict):
        """Takes over one comparison."""
        self.loaded += verdict.loaded
        self.equal += verdict.equal
        self.followed += verdict.followed
        self.different += verdict.different
        self.kinds.update(verdict.kinds)
        self.classes.update(verdict.classes)
        self.second.update(verdict.second)
        for error in verdict.errors:
            self.fail("%s: %s" % (mode, error))


def scratch():
    """A folder for the files of one link, in memory if possible."""
    memory = "/dev/shm"
    return tempfile.TemporaryDirectory(
        prefix="tenon-oracle-",
        dir=memory if os.access(memory, os.W_OK) else None)


def save(work, name, data):
    """Writes a file of the scratch folder."""
    mode = "w" if isinstance(data, str) else "wb"
    with open(os.path.join(work, name), mode) as file:
        file.write(data)


def load(work, name):
    """Reads a text file of the scratch folder."""
    with open(os.path.join(work, name), encoding="utf-8",
              errors="surrogateescape") as file:
        return file.read()


def exists(work, name):
    """Is there such a file in the scratch folder?"""
    return os.path.exists(os.path.join(work, name))


def modes_of(obj):
    """Relaxation on, and off if the file has anything to relax."""
    kinds = reloc.GOT_KINDS[obj.machine]
    for table, target in obj.relocation_sections():
        if reloc.is_loaded(target) and kinds.intersection(
                obj.relocation_column(table, 2)):
            return (True, False)
    return (True,)


def check(oracle, data, kernel, keep=None):
    """Links one object file both ways and compares."""
    result = Result()
    obj = elf.Elf(data)
    with scratch() as folder:
        work = keep or folder
        save(work, "in.o", data)
        places = place.Places(obj, kernel)
        save(work, "symbols", places.system_map())
        for relax in modes_of(obj):
            one_mode(oracle, obj, places, (work, relax), result)
            if result.status != "passed":
                break
    return result


def one_mode(oracle, obj, places, where, result):
    """One comparison; `where` is (folder, relax)."""
    work, relax = where
    mode = "relaxed" if relax else "unrelaxed"
    status, words = oracle.link_engine(work, places.base, relax)
    if status == REFUSED:
        judge_refusal(obj, words, result)
        return
    if status:
        result.fail("%s: tenon link: status %d: %s" % (mode, status, words))
        return
    try:
        verdict = compare_both(oracle, obj, places, where)
    except (layout.BadMap, tools.ToolError, elf.BadElf, got.BadCode) as error:
        result.fail("%s: %s" % (mode, error))
        return
    result.add(mode, verdict)


def judge_refusal(obj, words, result):
    """A refusal stands only for a reason that the file really has."""
    found = refuse.reasons(obj)
    reason = refuse.names_reason(words, found)
    if reason is None:
        result.fail("refused without a reason found in the file (%s): %s" % (
            ", ".join(sorted(found)) or "none", words))
        return
    result.status = "refused"
    result.words = [reason, words]


def check_far(oracle, data, kernel, keep=None):
    """The second pass: the same file with its symbols beyond reach."""
    result = Result()
    obj = elf.Elf(data)
    places = place.Places(obj, kernel, far=True)
    with scratch() as folder:
        work = keep or folder
        save(work, "in.o", data)
        save(work, "symbols", places.system_map())
        status, words = oracle.link_engine(work, places.base, True)
        if status == REFUSED:
            judge_refusal(obj, words, result)
            return result
        if status:
            result.fail("far: tenon link: status %d: %s" % (status, words))
            return result
        try:
            plan = read_layout(work, obj, places)
            image = elf.Elf.read(os.path.join(work, "image"))
        except (layout.BadMap, elf.BadElf) as error:
            result.fail("far: %s" % error)
            return result
        followed = far.Pass(plan, image, oracle.disassemble(
            work, obj.machine, image))
        for error in followed.run():
            result.fail("far: " + error)
        result.classes.update(followed.count)
    return result


def link_both(oracle, obj, places, where):
    """ld's turn, on the layout of the map; gives (layout, image, ld's file)."""
    work, relax = where
    plan = read_layout(work, obj, places)
    data = ldcopy.plain_copy(obj, set(plan.where.sections))
    ldcopy.undefine_common(data, obj)
    outside, windows = ldcopy.outside(obj, places, plan.where.common)
    save(work, "copy.o", data)
    save(work, "outside.o", outside)
    save(work, "script", ldcopy.script(plan, windows, places.linker_got))
    oracle.link_ld(work, obj.machine, relax, as_pie(obj, places))
    return (plan, elf.Elf.read(os.path.join(work, "image")),
            elf.Elf.read(os.path.join(work, "linked")))


def compare_both(oracle, obj, places, where):
    """The verdict of ld, and of lld where it has an opinion."""
    work, relax = where
    plan, image, linked = link_both(oracle, obj, places, where)
    verdict = compare.compare(plan, image, linked)
    verdict.errors += wrap.check(plan, image)[:compare.SHOWN]
    if obj.machine == elf.AARCH64 and relax and oracle.lld and (
            plan.where.relaxed):
        oracle.link_lld(work, obj.machine)
        compare.second_opinion(verdict, plan, image, elf.Elf.read(
            os.path.join(work, "second")))
    return verdict


def as_pie(obj, places):
    """Should ld make a position-independent program of it?

    Then it relaxes `mov` to `lea`, as a loader must; in a static program it
    takes `mov $address`.  Short absolute fields and calls of undefined weak
    functions mean something else there, so files with those stay static.
    """
    if obj.machine != elf.X86_64 or "_DYNAMIC" in places.symbols:
        return False        # ld defines _DYNAMIC itself when it makes a PIE.
    weak = {s.index for s in obj.global_symbols()
            if s.name in places.undefined_weak}
    through_got = False
    for table, target in obj.relocation_sections():
        if not reloc.is_loaded(target):
            continue
        for kind, symbol in set(zip(obj.relocation_column(table, 2),
                                    obj.relocation_column(table, 3))):
            if kind in SHORT_ABSOLUTE or (
                    symbol in weak and kind not in reloc.GOT_KINDS[
                        obj.machine]):
                return False
            through_got |= kind in reloc.GOT_KINDS[obj.machine]
    return through_got


def read_layout(work, obj, places):
    """The engine's map, checked against the input file."""
    try:
        where = layout.Map(load(work, "map"))
    except (ValueError, IndexError) as error:
        raise layout.BadMap("map cannot be read: %s" % error) from error
    plan = layout.Layout(obj, where, places.symbols)
    plan.check()
    if where.stubs and not places.far:
        raise layout.BadMap("%d stubs, but everything is in reach" %
                            len(where.stubs))
    return plan


def main():
    """Checks the named files and says what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--kernel", action="store_true",
                        help="link where kernel modules are")
    parser.add_argument("--keep", help="folder that keeps all files")
    args = parser.parse_args()
    oracle = tools.Oracle()
    if args.keep:
        shutil.rmtree(args.keep, ignore_errors=True)
        os.makedirs(args.keep)
    bad = 0
    for path in args.files:
        try:
            with open(path, "rb") as file:
                result = check(oracle, file.read(), args.kernel, args.keep)
        except (OSError, elf.BadElf) as error:
            print("%s: %s" % (path, getattr(error, "strerror", error)),
                  file=sys.stderr)
            bad += 1
            continue
        bad += result.status == "failed"
        print("%s: %s, %d bytes loaded, %d equal, %d followed %s" % (
            path, result.status, result.loaded, result.equal,
            result.followed, dict(result.classes)))
        for words in result.words:
            print("    " + words)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
