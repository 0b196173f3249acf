# SPDX-License-Identifier: MIT
"""Processes of tests, which end with their test at the latest, however that
ends: `with subprocess.Popen` waits without limit for one that has not done
what a test expected."""
import contextlib
import subprocess


def start(case, argv, **more):
    child = subprocess.Popen(argv, **more)
    case.addCleanup(end, child)
    return child


def end(child):
    child.kill()
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):  # what it did not read
                stream.close()
    child.wait()
