# SPDX-License-Identifier: MIT
"""The runner believes only what a suite printed and how it ended."""
import importlib.util
import os
import sys
import tempfile
import unittest

SCRIPTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def load(name):
    spec = importlib.util.spec_from_file_location(
        f'tenon_{name}', os.path.join(SCRIPTS, f'{name}.py'))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


runner = load('test')


class Runner(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='tenon-runner-')
        self.addCleanup(folder.cleanup)
        runner.LOGS = folder.name

    def judge(self, script, limit=60):
        suite = runner.Suite('s', ['sh', '-c', script], limit)
        return runner.run_suite(suite)

    def counts(self, suite):
        return suite.passed, suite.failed, suite.skipped

    def test_counts_are_taken_from_the_closing_line(self):
        s = self.judge('echo 1 passed, 0 failed, 0 skipped;'
                       'echo 7 passed, 0 failed, 2 skipped')
        self.assertEqual(self.counts(s), (7, 0, 2))

    def test_failures_count_once(self):
        s = self.judge('echo 7 passed, 3 failed, 0 skipped; exit 1')
        self.assertEqual(self.counts(s), (7, 3, 0))

    def test_a_bad_status_fails_whatever_was_printed(self):
        s = self.judge('echo 7 passed, 0 failed, 0 skipped; exit 1')
        self.assertEqual(self.counts(s), (7, 1, 0))

    def test_a_crash_fails_and_names_the_last_test(self):
        s = self.judge('echo ok a.b; echo run a.c; kill -SEGV $$')
        self.assertEqual(self.counts(s), (1, 1, 0))
        self.assertIn('the last test that started: a.c', s.notes)

    def test_a_hang_fails(self):
        s = self.judge('echo 7 passed, 0 failed, 0 skipped; sleep 60', 0.5)
        self.assertEqual(s.failed, 1)
        self.assertLess(s.seconds, 30)

    def test_a_suite_without_tests_fails(self):
        s = self.judge('echo 0 passed, 0 failed, 0 skipped')
        self.assertEqual(self.counts(s), (0, 1, 0))

    def test_a_missing_program_fails(self):
        s = runner.run_suite(runner.Suite('s', ['/nowhere/at-all'], 5))
        self.assertEqual(s.failed, 1)


if __name__ == '__main__':
    unittest.main()
