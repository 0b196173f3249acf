# SPDX-License-Identifier: MIT
"""A few seconds of each fuzz target, over all of its seeds; `make fuzz` runs
long.  The runner must be able to fail, too."""
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest

FUZZ = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SECONDS = 3


def load_runner():
    spec = importlib.util.spec_from_file_location(
        'tenon_fuzz', os.path.join(FUZZ, 'fuzz.py'))
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its module up.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


runner = load_runner()


class Fuzz(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        missing = [t for t in runner.targets()
                   if not os.path.exists(runner.program(t))]
        if missing:
            subprocess.run(['make', *map(runner.program_name, missing)],
                           cwd=runner.TOP, check=True,
                           stdout=subprocess.DEVNULL)

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='tenon-fuzz-')
        self.addCleanup(scratch.cleanup)
        self.corpus = os.path.join(scratch.name, 'corpus')

    def test_every_target_has_seeds(self):
        for target in runner.targets():
            self.assertTrue(runner.seeds(target), target)

    def test_every_target_is_clean_for_some_seconds(self):
        for target in runner.targets():
            with self.subTest(target=target):
                outcome = runner.execute(
                    target, SECONDS, os.path.join(self.corpus, target),
                    ['-timeout=60'])  # of a machine that does other work
                print(outcome.line(), flush=True)
                self.assertTrue(outcome.passed, outcome.log[-3000:])
                self.assertGreater(outcome.executions,
                                   len(runner.seeds(target)))
                self.assertGreater(outcome.coverage, 0)

    def test_a_bad_end_is_reported(self):
        with tempfile.TemporaryDirectory(prefix='tenon-fuzz-') as crashes:
            saved = runner.CRASHES
            self.addCleanup(setattr, runner, 'CRASHES', saved)
            runner.CRASHES = crashes
            outcome = runner.execute('modinfo', 5, self.corpus,
                                     ['-rss_limit_mb=1'])
        self.assertFalse(outcome.passed)


if __name__ == '__main__':
    unittest.main()
