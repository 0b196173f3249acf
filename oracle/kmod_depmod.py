# SPDX-License-Identifier: MIT
"""depmod against kmod's on whole distributions: part of `make corpus`.

Each tree of the corpus is shown to both, the module files by links, so nothing
is copied and the corpus stays as it is; all files that they write, what they
print and their exit status must be the same.

    python3 oracle/kmod_depmod.py [--arch A]
"""

import argparse
import collections
import glob
import os
import shutil
import subprocess
import sys
import tempfile

import apt
import fetch

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TENON = os.path.join(TOP, "build", "host", "bin", "tenon")
KMOD = "/sbin/depmod"
OUTPUTS = ("modules.dep", "modules.dep.bin", "modules.alias",
           "modules.alias.bin", "modules.softdep", "modules.symbols",
           "modules.symbols.bin", "modules.builtin.bin",
           "modules.builtin.alias.bin", "modules.devname")
LISTS = ("modules.order", "modules.builtin", "modules.builtin.modinfo")
SETS = ("kernel", "kmod")
SUFFIXES = (".ko", ".ko.xz", ".ko.zst")

Tree = collections.namedtuple("Tree", "name arch release folder symvers")


def tree_in(folder):
    """The path of the module tree of an unpacked kernel package."""
    return (glob.glob(os.path.join(folder, "lib/modules/*")) or
            glob.glob(os.path.join(folder, "usr/lib/modules/*")))[0]


def find_tree(pin, folder, symvers=None):
    """The module tree of an unpacked kernel package."""
    found = tree_in(folder)
    release = os.path.basename(found)
    return Tree("%s %s" % (pin.series, release), pin.arch, release, found,
                symvers)


def find_trees(store, arches):
    """All trees of the corpus; with Module.symvers where there is one."""
    found = []
    for arch in arches:
        headers = {}
        for pin, folder in store.trees(("symvers",), arch):
            for path in glob.glob(os.path.join(folder,
                                               "usr/src/*/Module.symvers")):
                headers[pin.series] = path
        for pin, folder in store.trees(SETS, arch):
            found.append(find_tree(pin, folder, headers.get(pin.series)
                                   if pin.set == "kernel" else None))
    return found


def modules_of(folder):
    """The paths of all module files below a folder, sorted."""
    return sorted(os.path.relpath(os.path.join(top, name), folder)
                  for top, _, names in os.walk(folder) for name in names
                  if name.endswith(SUFFIXES))


class Scratch:
    """A tree under a base of its own, made of links to another one."""

    def __init__(self, base, tree, chosen=None):
        self.base, self.release = base, tree.release
        self.folder = os.path.join(base, "lib/modules", tree.release)
        os.makedirs(self.folder)
        for name in LISTS:
            path = os.path.join(tree.folder, name)
            if os.path.exists(path):
                shutil.copy(path, self.folder)
        if chosen is None:
            for name in os.listdir(tree.folder):
                if os.path.isdir(os.path.join(tree.folder, name)):
                    self.link(tree.folder, name)
        for path in chosen or ():
            self.link(tree.folder, path)

    def link(self, folder, path):
        """One file or folder of the other tree."""
        to = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        os.symlink(os.path.join(folder, path), to)

    def run(self, program, *args):
        """(status, output, messages, {name: bytes}) of one run."""
        done = subprocess.run([*program, "-b", self.base, *args, self.release],
                              capture_output=True, check=False)
        files = {}
        for name in OUTPUTS:
            path = os.path.join(self.folder, name)
            if os.path.exists(path):
                with open(path, "rb") as file:
                    files[name] = file.read()
                os.unlink(path)
        return done.returncode, done.stdout, done.stderr, files


def differences(theirs, mine):
    """What is not the same, as words; and how many bytes were."""
    words = ["%s differ" % what for what, a, b in zip(
        ("exit statuses", "outputs", "messages"), theirs, mine) if a != b]
    equal = len(theirs[1])
    for name in sorted(set(theirs[3]) | set(mine[3])):
        a, b = theirs[3].get(name), mine[3].get(name)
        if a == b:
            equal += len(a)
        else:
            words.append("%s differs" % name)
    return words, equal


def variants(tree):
    """Options under which a whole tree is compared."""
    found = [(), ("-w",), ("-n", "-v")]
    if tree.symvers:
        found.append(("-e", "-E", tree.symvers))
    return found


def compare(scratch, args, mine_only=()):
    """(words, bytes) of one comparison."""
    theirs = scratch.run([KMOD], *args)
    mine = scratch.run([TENON, "depmod", *mine_only], *args)
    return differences(theirs, mine)


def check_tree(tree):
    """[(options, words, bytes)] of a whole tree."""
    results = []
    for args in variants(tree):
        with tempfile.TemporaryDirectory() as base:
            words, equal = compare(Scratch(base, tree), args, ("-j", "2"))
        results.append((" ".join(args) or "-a", words, equal))
        print("%-8s %-32s depmod %-12.12s %9d bytes equal%s" % (
            tree.arch, tree.name, results[-1][0], equal,
            "".join("; " + word for word in words)), flush=True)
    return results


def main():
    """The whole run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arch", action="append",
                        choices=("amd64", "arm64", "riscv64"))
    args = parser.parse_args()
    try:
        with fetch.Store() as store:
            trees = find_trees(store, args.arch or
                               ("amd64", "arm64", "riscv64"))
    except apt.Unavailable as error:
        print("*** the corpus is not to be had: %s ***" % error)
        print("0 passed, 0 failed, 1 skipped")
        return 0
    results = [result for tree in trees for result in check_tree(tree)]
    failed = sum(bool(words) for _, words, _ in results)
    print("%d passed, %d failed, 0 skipped" % (len(results) - failed, failed))
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
