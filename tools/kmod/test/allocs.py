# SPDX-License-Identifier: MIT
"""Each allocation of a command fails once (preload/fail_alloc.c)."""
import itertools
import os
import subprocess

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      'preload/fail_alloc.c')


def each_failure(folder, run):
    """(position, result) of run(env) for the first allocation, the second and
    so on; the last one is that of a run in which none has failed.

    run() gives what says on standard error that there was none, as its last.
    """
    library = os.path.join(folder, 'fail_alloc.so')
    subprocess.run(['gcc', '-O1', '-shared', '-fPIC', '-o', library, SOURCE],
                   check=True)
    for position in itertools.count(1):
        result = run({'LD_PRELOAD': library, 'FAIL_ALLOC': str(position)})
        yield position, result
        if b'no allocation' in result[-1]:
            return
