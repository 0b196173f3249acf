# SPDX-License-Identifier: MIT
"""The linker oracle's part of `make test`: a fixed slice of the corpus.

A few hundred kernel modules and members of static libraries of the three
architectures are linked by the engine and by ld and compared byte for byte,
then once more with their symbols out of reach; the comparison itself is shown
to notice every flipped bit; and the module trees are checked for closed
symbols and right CRCs.  The slice is chosen by hashes of names, so it is the
same everywhere.  Without a network, and with nothing kept, all is skipped.
"""

import os
import sys
import unittest

import apt
import corpus
import elf
import fetch
import items
import link
import place
import reloc
import results
import selfproof
import tools
import written

ARCHES = ("amd64", "arm64", "riscv64")
HEADERS = ("slicevers", "slicevers", "symvers")
MODULES, MEMBERS = 60, 100      # Of each architecture.
PER_TYPE = 3    # Library members at least for each relocation type there is.
# Files that once differed: padding that must stay as it is, names of 300
# characters.
ALWAYS = ("libcrypto-lib-riscv64cpuid.o)", "sec_tabselect.o)",
          "floating_to_chars.o)")


def kernel_slice(store, arch):
    """Kernel modules for the slice: small packages, or the whole kernel."""
    small, whole = fetch.pins(("slice",), arch), fetch.pins(("kernel",), arch)
    sets = ("slice",)
    if all(map(store.has, whole)) and not all(map(store.has, small)):
        sets = ("kernel",)      # It is there and costs no transfer.
    try:
        trees = store.trees(sets, arch)
    except apt.Unavailable as error:
        fetch.say("*** %s: small packages are not to be had (%s); "
                  "taking the whole kernel ***" % (arch, error))
        trees = store.trees(("kernel",), arch)
    return [item for _, folder in trees
            for item in items.kernel_items(arch, folder)]


def gather(store):
    """{arch: (all module items, all library items)}."""
    return {arch: (kernel_slice(store, arch),
                   corpus.gather(store, (arch,), ("lib",))[arch])
            for arch in ARCHES}


class ManySections(unittest.TestCase):
    """What needs no corpus."""

    def test_sections_with_reserved_numbers_are_linked_as_by_ld(self):
        """Each has a symbol, which has its number in SHT_SYMTAB_SHNDX."""
        oracle = tools.Oracle()
        with link.scratch() as work:
            data = written.assemble(oracle, elf.X86_64, work, written.CROWD)
            result = link.check(oracle, data, False, work)
            image = elf.Elf.read(os.path.join(work, "image"))
        self.assertGreater(len(elf.Elf(data).sections), written.MANY)
        self.assertEqual("passed", result.status, result.words)
        self.assertGreaterEqual(result.equal, written.MANY * 10)
        for symbol in image.global_symbols():
            if symbol.name[0] == "f":
                section = image.sections[symbol.shndx]
                self.assertEqual(".text." + symbol.name[1:], section.name)


class LinkerOracle(unittest.TestCase):
    """The engine's images against those of the conventional linker."""

    @classmethod
    def setUpClass(cls):
        """Fetches the corpus, or skips everything."""
        try:
            with fetch.Store() as store:
                cls.found = gather(store)
                cls.oracle = corpus.make_oracle(store)
                cls.headers = {arch: store.trees((name,), arch)[0][1]
                               for arch, name in zip(ARCHES, HEADERS)}
        except apt.Unavailable as error:
            raise unittest.SkipTest(
                "*** NO CORPUS, THE LINKER ORACLE DID NOT RUN: %s ***" % error)
        cls.records, cls.slices = {}, {}

    def chosen(self, arch):
        """The slice of one architecture: a sample, and all types there are."""
        if arch not in self.slices:
            modules, members = self.found[arch]
            self.slices[arch] = sorted(
                set(items.sample(modules, MODULES))
                | set(items.sample(members, MEMBERS))
                | set(items.covering(members, PER_TYPE))
                | {item for item in members if item.name.endswith(ALWAYS)})
        return self.slices[arch]

    def slice(self, arch):
        """The table of results of the slice; both passes, run once."""
        if arch not in self.records:
            table = results.Table()
            for record in corpus.map_items(self.oracle, self.chosen(arch), 2,
                                           True):
                table.add(record)
            self.records[arch] = table
            corpus.show(self.oracle, table)
            sys.stdout.flush()
        return self.records[arch]

    def every_byte_is_ld_s(self, arch):
        """Fails for each file of the slice whose image is not ld's."""
        table = self.slice(arch)
        self.assertEqual([], ["%s: %s" % (r["name"], r["words"][:3])
                              for r in table.failed])
        for row in table.rows.values():
            self.assertGreater(row["equal"], 0)
            self.assertEqual(row["loaded"], row["equal"] + row["followed"])
        self.assertGreater(table.total("passed"), MODULES)

    def test_amd64_images_are_those_of_ld(self):
        """Every loaded byte of the slice, and everything beyond reach."""
        self.every_byte_is_ld_s("amd64")

    def test_arm64_images_are_those_of_ld(self):
        """Every loaded byte of the slice, and everything beyond reach."""
        self.every_byte_is_ld_s("arm64")

    def test_riscv64_images_are_those_of_ld(self):
        """Every loaded byte of the slice, and everything beyond reach."""
        self.every_byte_is_ld_s("riscv64")

    def test_beyond_reach_cells_and_stubs_are_used(self):
        """The second pass is not idle: it met cells and stubs everywhere."""
        for arch in ARCHES:
            with self.subTest(arch):
                count = self.slice(arch).counters["far"][arch]
                self.assertGreater(count["stub"], 100)
                self.assertGreater(count["stubs"], 50)
                self.assertGreater(count["cell"], 20)
                self.assertGreater(count["cells"], 50)

    def test_every_flipped_bit_turns_the_comparison_red(self):
        """Each relocation type of the slice, each bit of its field."""
        for arch in ARCHES:
            with self.subTest(arch):
                self.flip_bits(arch)

    def flip_bits(self, arch):
        """Flips bits until every type that the slice has is proven."""
        machine = corpus.MACHINE[arch]
        wanted = {kind for kind in self.slice(arch).counters["kinds"][arch]
                  if reloc.width_of(machine, kind)}
        reader, flips = items.Reader(), {}
        files = [(item, reader.read(item)) for item in self.chosen(arch)]
        for item, data in sorted(files, key=lambda pair: len(pair[1])):
            if self.is_idle(data, wanted - self.proven(machine, flips)):
                continue
            if link.check(self.oracle, data, item.kernel).status != "passed":
                continue
            done, missed = selfproof.prove(self.oracle, data, item.kernel,
                                           self.proven(machine, flips))
            self.assertEqual({}, dict(+missed), item.name)
            for name, number in done.items():
                flips[name] = flips.get(name, 0) + number
        left = wanted - self.proven(machine, flips)
        self.assertEqual([], [reloc.name_of(machine, k) for k in left])
        self.assertIn("cell", flips)
        print("%s: %d bits flipped, all noticed: %s" % (
            arch, sum(flips.values()), ", ".join(sorted(flips))))

    def test_types_that_the_corpus_lacks_are_linked_as_by_ld(self):
        """Assembly for the other types: every byte, and every bit flipped."""
        for arch in ARCHES:
            with self.subTest(arch):
                machine = corpus.MACHINE[arch]
                with link.scratch() as work:
                    data = written.assemble(self.oracle, machine, work)
                result = link.check(self.oracle, data, False)
                self.assertEqual("passed", result.status, result.words)
                flips, missed = selfproof.prove(self.oracle, data, False)
                self.assertEqual({}, dict(+missed))
                print("%s: %d bits flipped, all noticed: %s" % (
                    arch, sum(flips.values()), ", ".join(sorted(flips))))

    def test_every_flipped_bit_beyond_reach_is_noticed(self):
        """A stub, its cell and a branch to it, every bit of them."""
        for arch in ARCHES:
            with self.subTest(arch):
                item, data = self.smallest_with_stub(arch)
                flips, missed = selfproof.prove_far(self.oracle, data,
                                                    item.kernel)
                self.assertEqual({}, dict(+missed), item.name)
                self.assertLessEqual({"stub", "cell", "branch"}, set(flips))

    def smallest_with_stub(self, arch):
        """(item, bytes) of the smallest library member that needs a stub."""
        reader = items.Reader()
        files = [(item, reader.read(item))
                 for item in items.sample(self.found[arch][1], MEMBERS)]
        for item, data in sorted(files, key=lambda pair: len(pair[1])):
            result = link.check_far(self.oracle, data, item.kernel)
            if result.status == "passed" and result.classes["stub"]:
                return item, data
        raise AssertionError("no library member of the slice needs a stub")

    @staticmethod
    def proven(machine, flips):
        """The types whose names are among the flips."""
        return {kind for kind, name in reloc.NAMES[machine].items()
                if name in flips}

    @staticmethod
    def is_idle(data, wanted):
        """Has the file no loaded relocation of a wanted type?"""
        obj = elf.Elf(data)
        return not any(wanted.intersection(obj.relocation_column(table, 2))
                       for table, target in obj.relocation_sections()
                       if reloc.is_loaded(target))

    def test_a_missing_symbol_fails_the_link_and_all_are_named(self):
        """Leaves symbols out: no image, and each of them in the message.

        proves: L11
        """
        for arch in ARCHES:
            with self.subTest(arch):
                self.leave_out(arch)

    def leave_out(self, arch):
        """Links a module of the slice with two of its symbols missing."""
        self.every_byte_is_ld_s(arch)   # Found and patched, when all is there.
        reader = items.Reader()
        for item in items.sample(self.found[arch][0], MODULES):
            data = reader.read(item)
            places = place.Places(elf.Elf(data), True)
            if len(places.symbols) >= 4:
                break
        out = sorted(places.symbols)[1:3]
        for name in out:
            del places.symbols[name]
        with link.scratch() as work:
            link.save(work, "in.o", data)
            link.save(work, "symbols", places.system_map())
            status, words = self.oracle.link_engine(work, places.base, True)
            self.assertEqual(1, status, words)
            for name in out:
                self.assertIn(name, words)
            self.assertFalse(link.exists(work, "image"))

    def test_module_trees_are_closed_and_their_crcs_are_right(self):
        """Symbols, CRCs, licences and namespaces of whole module trees."""
        for arch in ARCHES:
            with self.subTest(arch):
                modules, whole = self.found[arch][0], arch != "riscv64"
                if not whole:   # The slice's imports only.
                    modules = items.sample(modules, MODULES)
                good, bad = corpus.check_versions(arch, modules,
                                                  self.headers[arch], whole)
                self.assertEqual(0, bad)
                self.assertEqual(len(modules), good)


if __name__ == "__main__":
    unittest.main()
