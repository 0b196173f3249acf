# SPDX-License-Identifier: MIT
"""modinfo and modprobe beside kmod's, on whole distribution kernels.

Every module of the kernels of three architectures: all fields of modinfo, and
modprobe --show-depends, -R, -n -v and a blacklist-aware run with parameters
for each name, for a thousand aliases and symbols, and -c; byte for byte, with
exit statuses.  kmod's depmod writes the indexes that both read.  Two processes
at a time.

    python3 oracle/kmod_query.py [--arch A] [--set slice|kernel] [--limit N]
"""
import argparse
import glob
import os
import random
import sys
import tempfile
import time

import apt
import fetch
import kmod_depmod
import kmod_pair

ALIASES = 1000
CHUNK = 200     # Files of one modinfo.


def tree_of(folder, root):
    """Links a package's modules below `root`, indexed; gives the version."""
    found = kmod_depmod.tree_in(folder)
    version = os.path.basename(found)
    tree = os.path.join(root, 'lib/modules', version)
    os.makedirs(tree)
    for name in set(os.listdir(found)) - set(kmod_depmod.OUTPUTS):
        os.symlink(os.path.join(found, name), os.path.join(tree, name))
    kmod_pair.depmod(root, version)
    return version


def compare_modinfo(root, version, limit=None):
    """(files, bytes, [difference]) of modinfo over all files of a tree."""
    pair = kmod_pair.Pair('modinfo', root, version)
    files = sorted(glob.glob(os.path.join(pair.tree, 'kernel/**/*.ko*'),
                             recursive=True))[:limit]
    size, bad = 0, []
    for at in range(0, len(files), CHUNK):
        chunk = files[at:at + CHUNK]
        want, got = pair.both(*chunk)
        size += len(want[1])
        if want != got:
            bad += [text for path in chunk
                    if (text := pair.differs(path))] or [chunk[0]]
    builtin = kmod_pair.names_in(pair.tree, 'modules.builtin')[:limit]
    if builtin:
        want, got = pair.both(*builtin)
        size += len(want[1])
        if want[:2] != got[:2]:
            bad.append('built-in modules')
    return len(files) + len(builtin), size, bad


def compare_modprobe(root, version, limit=None):
    """(runs, [difference]) of modprobe for all names and many aliases."""
    pair = kmod_pair.Pair('modprobe', root, version)
    names = kmod_pair.modules_of(pair.tree)
    if limit:
        names = random.Random(limit).sample(names, min(limit, len(names)))
    cases = kmod_pair.modprobe_cases(names, kmod_pair.aliases_of(
        pair.tree, min(ALIASES, limit or ALIASES)))
    return len(cases), pair.all_differences(cases)


def compare(arch, folder, limit):
    """One kernel; True if nothing differs."""
    begun = time.time()
    with tempfile.TemporaryDirectory() as root:
        version = tree_of(folder, root)
        files, size, bad = compare_modinfo(root, version, limit)
        print(f'{arch:8} {version}: modinfo over {files} modules, {size} '
              f'bytes compared, {len(bad)} modules differ', flush=True)
        runs, more = compare_modprobe(root, version, limit)
        print(f'{arch:8} {version}: modprobe {runs} times, {len(more)} '
              f'differ, {time.time() - begun:.0f} s', flush=True)
    for text in (bad + more)[:20]:
        print('DIFFERS ' + text[:2000])
    return not bad + more


def main():
    """Compares; the status says whether all was equal."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--arch', choices=('amd64', 'arm64', 'riscv64'))
    parser.add_argument('--set', default='kernel')
    parser.add_argument('--limit', type=int)
    args = parser.parse_args()
    good = True
    with fetch.Store() as store:
        for arch in [args.arch] if args.arch else ['amd64', 'arm64',
                                                   'riscv64']:
            try:
                trees = store.trees((args.set,), arch)
            except apt.Unavailable as error:
                fetch.say(f'*** {arch} SKIPPED: {error} ***')
                continue
            for _, folder in trees:
                good &= compare(arch, folder, args.limit)
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
