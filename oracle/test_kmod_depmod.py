# SPDX-License-Identifier: MIT
"""depmod against kmod's, on a slice of the corpus and on Tenon's own modules.

Of each architecture some hundred modules of a distribution are taken, chosen by
hashes of their names, plain and packed; `make corpus` compares the whole
trees.  Without a network, and with nothing kept, that part is skipped.
"""

import hashlib
import os
import subprocess
import tempfile
import unittest

import apt
import fetch
import kmod_depmod
from kmod_depmod import Scratch, Tree

ARCHES = ("amd64", "arm64", "riscv64")
MODULES = 150   # Of each architecture.
PACKERS = {".ko.xz": ["xz", "-q", "--check=crc32", "-c"],
           ".ko.zst": ["zstd", "-q", "-c"]}


def slice_tree(store, arch):
    """A tree of which no more is fetched than is there or small."""
    whole, small = fetch.pins(("kernel",), arch), fetch.pins(("slice",), arch)
    if len(small) != 1 or (all(map(store.has, whole)) and
                           not all(map(store.has, small))):
        small = whole
    return kmod_depmod.find_tree(small[0], store.tree(small[0]))


def chosen(tree):
    """Modules of a tree, the same ones everywhere."""
    return sorted(kmod_depmod.modules_of(tree.folder), key=lambda path:
                  hashlib.sha256(path.encode()).digest())[:MODULES]


class Slice(unittest.TestCase):
    """Modules of distributions."""

    @classmethod
    def setUpClass(cls):
        """Fetches the packages, or skips everything."""
        try:
            with fetch.Store() as store:
                cls.trees = {arch: slice_tree(store, arch) for arch in ARCHES}
        except apt.Unavailable as error:
            raise unittest.SkipTest(
                "*** NO CORPUS, DEPMOD WAS NOT COMPARED: %s ***" % error)

    def the_same(self, scratch, *args):
        """Both do the same in a tree."""
        words, equal = kmod_depmod.compare(scratch, args)
        self.assertEqual([], words)
        self.assertGreater(equal, 1000)

    def test_a_slice_of_each_architecture(self):
        """Some hundred modules as they come. proves: L15"""
        for arch in ARCHES:
            tree = self.trees[arch]
            with self.subTest(arch), tempfile.TemporaryDirectory() as base:
                scratch = Scratch(base, tree, chosen(tree))
                self.the_same(scratch)
                self.the_same(scratch, "-n", "-v", "-w")

    def test_packed_modules_say_what_plain_ones_say(self):
        """The same files, packed by xz and zstd."""
        tree = self.trees["amd64"]
        with tempfile.TemporaryDirectory() as base:
            scratch = Scratch(base, tree, [])
            for i, path in enumerate(chosen(tree)[:60]):
                suffix = sorted(PACKERS)[i % len(PACKERS)]
                to = os.path.join(scratch.folder, path[:-3] + suffix)
                os.makedirs(os.path.dirname(to), exist_ok=True)
                with open(to, "wb") as file:
                    subprocess.run(PACKERS[suffix] + [
                        os.path.join(tree.folder, path)], stdout=file,
                        check=True)
            self.the_same(scratch)

    def test_a_difference_would_be_noticed(self):
        """One module less, and the comparison says which files differ."""
        tree = self.trees["amd64"]
        with tempfile.TemporaryDirectory() as base:
            scratch = Scratch(base, tree, chosen(tree))
            theirs = scratch.run([kmod_depmod.KMOD])
            os.unlink(os.path.join(scratch.folder, chosen(tree)[0]))
            mine = scratch.run([kmod_depmod.TENON, "depmod"])
        words, _ = kmod_depmod.differences(theirs, mine)
        self.assertIn("modules.dep differs", words)
        self.assertIn("modules.dep.bin differs", words)


class Own(unittest.TestCase):
    """Tenon's modules."""

    def test_kmod_reads_tenons_modules_as_tenon_does(self):
        """Of three machines and two profiles. proves: L15"""
        top = os.path.join(kmod_depmod.TOP, "build/modules")
        for arch in ("x86_64", "aarch64", "riscv64"):
            tree = Tree(arch, arch, "1.0-tenon", os.path.join(top, arch), None)
            paths = kmod_depmod.modules_of(tree.folder)
            self.assertGreater(len(paths), 20)
            with tempfile.TemporaryDirectory() as base:
                scratch = Scratch(base, tree, paths)
                for name in kmod_depmod.LISTS:
                    with open(os.path.join(scratch.folder, name), "w",
                              encoding="ascii") as file:
                        file.writelines(path + "\n" for path in paths
                                        if name == "modules.order")
                words, equal = kmod_depmod.compare(scratch, ("-w",))
                self.assertEqual([], words)
                self.assertGreater(equal, 1000)


if __name__ == "__main__":
    unittest.main()
