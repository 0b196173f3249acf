# SPDX-License-Identifier: MIT
"""Whatever is measured, and spins for it, ends with whoever has started it."""
import contextlib
import os
import signal
import sys
import time
import unittest

import child

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.path.join(TOP, 'build')


def descendants(pid):
    """The processes below @pid, as /proc has them now."""
    parents = {}
    for name in os.listdir('/proc'):
        try:
            with open(f'/proc/{name}/stat', encoding='ascii') as f:
                state, parent = f.read().rsplit(') ', 1)[1].split()[:2]
        except (OSError, IndexError, ValueError):
            continue
        if name.isdigit() and state != 'Z':
            parents[int(name)] = int(parent)
    found = {pid}
    while True:
        more = {p for p, parent in parents.items() if parent in found} | found
        if more == found:
            return found - {pid}
        found = more


def lives(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='ascii') as f:
            return f.read().rsplit(') ', 1)[1][0] != 'Z'
    except OSError:
        return False


class Orphans(unittest.TestCase):
    def start(self, *argv, n):
        """bench's way of running @argv, killed once it has @n processes."""
        code = f'import peers; peers.run({argv!r}, peers.settle)'
        bench = child.start(
            self, [sys.executable, '-c', code], cwd=TOP,
            env={**os.environ, 'PYTHONPATH': os.path.join(TOP, 'bench')})
        found, end = set(), time.monotonic() + 60
        while len(found) < n and time.monotonic() < end:
            self.assertIsNone(bench.poll())
            found |= descendants(bench.pid)
        self.assertGreaterEqual(len(found), n)
        return bench, found | descendants(bench.pid)

    def end(self, bench, found):
        for pid in found:
            self.addCleanup(self.kill, pid)
        bench.kill()
        bench.wait()
        end = time.monotonic() + 20
        while any(map(lives, found)) and time.monotonic() < end:
            time.sleep(0.01)
        self.assertEqual([pid for pid in found if lives(pid)], [])

    @staticmethod
    def kill(pid):
        with contextlib.suppress(ProcessLookupError):
            if lives(pid):
                os.kill(pid, signal.SIGKILL)

    def test_a_program_that_spins_ends_with_the_benchmark(self):
        self.end(*self.start(sys.executable, '-c', 'while True: pass', n=1))

    def test_so_do_two_that_spin_for_each_other(self):
        machine = os.uname().machine
        modules = os.path.join(BUILD, 'modules', machine)
        self.end(*self.start(
            os.path.join(BUILD, 'host', 'bin', 'isolate_bench'),
            os.path.join(modules, 'common', 'captive.ko'),
            os.path.join(modules, 'lkmod', 'many.so'), '1000', n=2))


if __name__ == '__main__':
    unittest.main()
