# SPDX-License-Identifier: MIT
"""modinfo and modprobe beside kmod's, on the distribution's whole kernel.

Times are medians of alternating runs; instructions are callgrind's, with the
dynamic linker's work, so they do not depend on the load of the machine.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, 'oracle'))
import apt              # noqa: E402  pylint: disable=wrong-import-position
import fetch            # noqa: E402  pylint: disable=wrong-import-position
import kmod_pair        # noqa: E402  pylint: disable=wrong-import-position
import kmod_query       # noqa: E402  pylint: disable=wrong-import-position
import peers            # noqa: E402  pylint: disable=wrong-import-position

RUNS = 9
MODINFO_GOAL, MODPROBE_GOAL = 2, 2
# Of 4,000 modules: many dependencies, few, a device's alias, a symbol.
QUERIES = (('-D', 'amdgpu'), ('-D', 'vfat'),
           ('-R', 'pci:v00008086d000010D3sv00008086sd0000A01Fbc02sc00i00'),
           ('-R', 'symbol:usb_register_driver'))


def instructions(command):
    """Of one run, by callgrind."""
    done = subprocess.run(
        ['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null',
         *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        check=True, text=True)
    return int(re.search(r'Collected : (\d+)', done.stderr)[1])


def modinfo_rows(results, root, version):
    """All fields of all modules, in one command."""
    pair = kmod_pair.Pair('modinfo', root, version)
    files = glob.glob(os.path.join(pair.tree, 'kernel/**/*.ko*'),
                      recursive=True)
    results.row('modinfo', f'{len(files)} modules, all fields', 'ms',
                peers.alternate([*pair.ours, *files], [*pair.kmod, *files],
                                RUNS), 'kmod', ('ratio', MODINFO_GOAL))


def modprobe_rows(results, root, version):
    """Instructions of single queries."""
    if not shutil.which('valgrind'):
        results.skip('modprobe', 'valgrind is not installed')
        return
    pair = kmod_pair.Pair('modprobe', root, version)
    for query in QUERIES:
        args = [*pair.where, *query]
        results.row('modprobe', ' '.join(query)[:33], 'instructions',
                    [instructions(pair.ours + args),
                     instructions(pair.kmod + args)],
                    'kmod', ('ratio', MODPROBE_GOAL))


def rows(results):
    """All rows; what is missing is said."""
    if not kmod_pair.theirs('modprobe'):
        results.skip('modinfo and modprobe', 'kmod is not installed')
        return
    try:
        with fetch.Store() as store:
            _, folder = store.trees(('kernel',), 'amd64')[0]
    except apt.Unavailable as error:
        results.skip('modinfo and modprobe', error)
        return
    with tempfile.TemporaryDirectory() as root:
        version = kmod_query.tree_of(folder, root)
        modinfo_rows(results, root, version)
        modprobe_rows(results, root, version)
