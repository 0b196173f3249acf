# SPDX-License-Identifier: MIT
"""Rows about depmod, measured against kmod's on trees of a distribution.

Runs of both alternate; the row is the median of wall time, or the peak of
resident memory as time(1) sees it.  The trees are those of the corpus
(oracle/fetch.py), copied to a folder of their own because depmod writes there.
"""
import itertools
import lzma
import os
import shutil
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(os.path.join(TOP, 'oracle'))

import apt  # noqa: E402
import fetch  # noqa: E402
import kmod_depmod  # noqa: E402
import peers  # noqa: E402

# set, series, runs, threads and goal of ours, its words for it
TREES = (('kernel', 'bookworm', 9, 1, 4, 'plain'),
         ('kmod', 'trixie', 3, 2, 1.6, 'xz'))
INCREMENTAL_GOAL = 20
TIME = '/usr/bin/time'


def command(program, base, release, *args):
    return [*program, '-b', base, *args, release]


def kilobytes(argv):
    """The peak of resident memory."""
    if not os.path.exists(TIME):
        raise peers.Missing('time(1) is not installed (package time)')
    done = subprocess.run([TIME, '-f', '%M', *argv], check=True, text=True,
                          stderr=subprocess.PIPE)
    return int(done.stderr.split()[-1])


def copy_tree(store, pin, scratch):
    """(base for kmod, base for ours, release): each has its own files."""
    tree = kmod_depmod.find_tree(pin, store.tree(pin))
    bases = [os.path.join(scratch, tree.release, who)
             for who in ('kmod', 'ours')]
    for base in bases:
        shutil.copytree(tree.folder,
                        os.path.join(base, 'lib/modules', tree.release))
    return *bases, tree.release


def with_other_alias(data):
    """A packed or plain module that has another alias, or None."""
    packed = data.startswith(b'\xfd7zXZ')
    plain = lzma.decompress(data) if packed else data
    at = plain.find(b'\0alias=') + len(b'\0alias=')
    if at < len(b'\0alias=') or plain[at] == b'X'[0]:
        return None
    plain = plain[:at] + b'X' + plain[at + 1:]
    return lzma.compress(plain, check=lzma.CHECK_CRC32) if packed else plain


def rewritten(base, release):
    """A function that makes one module of a tree another file, and one that
    also changes what it tells depmod."""
    folder = os.path.join(base, 'lib/modules', release)
    for name in kmod_depmod.modules_of(folder):
        path = os.path.join(folder, name)
        with open(path, 'rb') as f:
            data = f.read()
        other = with_other_alias(data)
        if other:
            break
    contents = itertools.cycle((other, data))

    def write(content):
        os.unlink(path)
        with open(path, 'wb') as f:
            f.write(content)

    return lambda: write(data), lambda: write(next(contents))


def measure(results, store, pin, plan, scratch):
    """The rows of one tree."""
    _, _, runs, jobs, goal, words = plan
    other, base, release = copy_tree(store, pin, scratch)
    mine = [kmod_depmod.TENON, 'depmod']
    theirs = command([kmod_depmod.KMOD], other, release)
    subprocess.run(theirs, check=True)
    case = f'{words} tree, {pin.arch}'
    full = command(mine, base, release, f'-j{jobs}')
    subprocess.run(full, check=True)    # what is read is in memory by now
    results.row('depmod', f'{case}, {jobs} thread{"s" * (jobs > 1)}', 'ms',
                peers.alternate(full, theirs, runs), 'kmod depmod',
                ('ratio', goal))
    cached = command(mine, base, release, '--incremental')
    subprocess.run(cached, check=True)
    for what, change in zip(('one module rebuilt', 'one alias changed'),
                            rewritten(base, release)):
        results.row('depmod', f'{case}, {what}', 'ms',
                    peers.alternate(cached, theirs, runs, change),
                    'kmod depmod', ('ratio', INCREMENTAL_GOAL))
    results.row('depmod', f'{case}, peak memory', 'KiB',
                (kilobytes(full), kilobytes(theirs)), 'kmod depmod',
                ('ratio', 1))


def rows(results, scratch):
    """All rows, below a folder that may be filled; what is missing is said."""
    try:
        with fetch.Store() as store:
            for plan in TREES:
                for pin in fetch.pins((plan[0],), 'amd64'):
                    if pin.series == plan[1]:
                        measure(results, store, pin, plan, scratch)
    except (apt.Unavailable, peers.Missing) as why:
        results.skip('depmod', why)
