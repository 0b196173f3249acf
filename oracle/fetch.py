# SPDX-License-Identifier: MIT
"""Gets the packages of the corpus: pinned by version and checksum.

packages.pin has a line for each package: set, series, architecture, package,
version, sha256.  A file that is there with the right checksum is used as it
is, so a second run needs no network.  A pin that has vanished from the mirror
is replaced by the newest of the same series, with a loud line; its checksum
then is apt's affair alone.  Without a network, or if the mirror has nothing of
the series, Unavailable is raised and the caller skips, loudly.

    python3 oracle/fetch.py [SET]...     fetches and unpacks, then lists
"""

import collections
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

import apt

Pin = collections.namedtuple("Pin", "set series arch package version sha256")

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.environ.get("TENON_CORPUS") or os.path.join(
    os.path.dirname(HERE), "build", "corpus")

# apt's architectures of a root: the first one is apt's native one.
ARCHITECTURES = {"bookworm": ["amd64", "arm64"], "trixie": ["amd64", "riscv64"]}


def say(text):
    """A line for whoever waits."""
    print("fetch: " + text, file=sys.stderr, flush=True)


def read_pins(path=os.path.join(HERE, "packages.pin")):
    """All pins, in the order of the file."""
    with open(path, encoding="ascii") as file:
        lines = [line.split("#")[0].split() for line in file]
    return [Pin(*fields) for fields in lines if fields]


def sha256(path):
    """The checksum of a file, in hex."""
    total = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            total.update(block)
    return total.hexdigest()


def series_pattern(package):
    """What a successor of a package may be called: kernels carry numbers."""
    match = re.match(r"(.*?-(?:modules-)?\d+\.\d+)\.(.*)$", package)
    if not match:
        return re.escape(package)
    return re.escape(match[1]) + r"\." + re.sub(
        r"\d+", r"\\d+", re.escape(match[2]))


class Store:
    """The .deb files and what was unpacked of them, under one folder."""

    def __init__(self, folder=CORPUS):
        self.folder = folder
        self.debs = os.path.join(folder, "debs")
        self.roots = {}
        self.failed = {}
        os.makedirs(self.debs, exist_ok=True)

    def close(self):
        """Removes the private apt roots."""
        for root in self.roots.values():
            root.close()
        self.roots = {}

    def root(self, series):
        """apt for a series, its lists fetched; made on first use."""
        if series in self.failed:
            raise apt.Unavailable(self.failed[series])
        if series not in self.roots:
            say("reading the package lists of " + series)
            root = apt.Root(self.folder, series, ARCHITECTURES[series])
            try:
                root.update()
            except apt.Unavailable as error:
                root.close()
                self.failed[series] = str(error)
                raise
            self.roots[series] = root
        return self.roots[series]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def path(self, pin):
        """Where the file of a pin is kept."""
        return os.path.join(self.debs, "%s_%s_%s.deb" % (
            pin.package, pin.version.replace(":", "%3a"), pin.arch))

    def has(self, pin):
        """Is the file of a pin there, with its checksum?"""
        kept = self.path(pin)
        return os.path.exists(kept) and sha256(kept) == pin.sha256

    def deb(self, pin):
        """The file of a pin: from the store, or from the archive."""
        kept = self.path(pin)
        if self.has(pin):
            return kept
        root = self.root(pin.series)
        package, version = self.choose(root, pin)
        work = os.path.join(root.folder, "cache")
        got = root.download(package, pin.arch, version, work)
        exact = (package, version) == (pin.package, pin.version)
        if exact and sha256(got) != pin.sha256:
            raise apt.Unavailable("%s %s does not have its pinned checksum" % (
                package, version))
        if not exact:
            kept = os.path.join(self.debs, os.path.basename(got))
        shutil.move(got, kept)
        return kept

    def choose(self, root, pin):
        """(package, version): the pin, or its newest successor, loudly."""
        have = root.versions(pin.package, pin.arch)
        if pin.version in have:
            return pin.package, pin.version
        names = sorted(root.names(series_pattern(pin.package)),
                       key=lambda name: [int(n) for n in
                                         re.findall(r"\d+", name)])
        for name in reversed(names):
            have = root.versions(name, pin.arch)
            if have:
                say("*** PIN GONE: %s %s (%s) is no longer in %s; "
                    "taking %s %s instead ***" % (
                        pin.package, pin.version, pin.arch, pin.series,
                        name, have[0]))
                return name, have[0]
        raise apt.Unavailable("%s (%s) and its successors are not in %s" % (
            pin.package, pin.arch, pin.series))

    def tree(self, pin):
        """The folder with a pin's unpacked files."""
        deb = self.deb(pin)
        name = os.path.splitext(os.path.basename(deb))[0]
        folder = os.path.join(self.folder, "trees", name)
        if os.path.isdir(folder):
            return folder
        say("unpacking " + name)
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        work = tempfile.mkdtemp(dir=self.folder, prefix="unpack-")
        subprocess.run(["dpkg-deb", "-x", deb, work], check=True)
        try:
            os.rename(work, folder)
        except OSError:         # Somebody else has done it meanwhile.
            shutil.rmtree(work)
        return folder

    def trees(self, wanted, arch=None):
        """[(pin, folder)] of some sets; Unavailable if one fails."""
        return [(pin, self.tree(pin)) for pin in pins(wanted, arch)]


def pins(wanted, arch=None):
    """The pins of some sets, of one architecture or of all."""
    return [pin for pin in read_pins()
            if pin.set in wanted and arch in (None, pin.arch)]


def main(args):
    """Fetches the named sets (all of them by default)."""
    wanted = args or sorted({pin.set for pin in read_pins()})
    try:
        with Store() as store:
            for pin, folder in store.trees(wanted):
                print("%-9s %-8s %s" % (pin.set, pin.arch, folder))
    except apt.Unavailable as error:
        say("*** SKIPPED, packages are not to be had: %s ***" % error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
