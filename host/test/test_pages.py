# SPDX-License-Identifier: MIT
"""The suites of host and lib on systems with pages of 16 and 64 KiB.

qemu-user has such pages when it is asked (-p): sysconf, mmap and mprotect of
the emulated program then know no smaller ones.
"""
import os
import re
import subprocess
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
COUNTS = re.compile(r'^(\d+) passed, (\d+) failed, (\d+) skipped$', re.M)
LIMIT = 400  # a hang detector


class Pages(unittest.TestCase):
    def run_suite(self, page, name):
        program = os.path.join(TOP, 'build', 'host-aarch64', 'bin', name)
        if not os.path.exists(program):
            self.skipTest(f'{program} is not built')
        done = subprocess.run(
            ['qemu-aarch64', '-p', str(page), '-L', '/usr/aarch64-linux-gnu',
             program], cwd=TOP, stdin=subprocess.DEVNULL, timeout=LIMIT,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        counts = COUNTS.search(done.stdout)
        self.assertTrue(counts, done.stdout[-2000:])
        self.assertGreater(int(counts[1]), 0, done.stdout)
        bad = re.findall('^FAIL .*', done.stdout, re.M)
        self.assertEqual((int(counts[2]), done.returncode), (0, 0), bad)

    def test_image_memory_with_pages_of_16_KiB(self):
        self.run_suite(16384, 'test-host')

    def test_image_memory_with_pages_of_64_KiB(self):
        self.run_suite(65536, 'test-host')

    def test_the_library_with_pages_of_16_KiB(self):
        self.run_suite(16384, 'test-lib')

    def test_the_library_with_pages_of_64_KiB(self):
        self.run_suite(65536, 'test-lib')


if __name__ == '__main__':
    unittest.main()
