# SPDX-License-Identifier: MIT
"""golden_*.h are what the installed assemblers and linkers say today."""
import os
import shutil
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import gen_golden  # noqa: E402


class Golden(unittest.TestCase):
    """proves: K5.1"""

    def setUp(self):
        for prefix in gen_golden.TOOLS.values():
            for tool in ("as", "ld"):
                if not shutil.which(prefix + tool):
                    self.skipTest(f"{prefix}{tool} is not installed")
        if not shutil.which("ld.lld"):
            self.skipTest("ld.lld is not installed")

    def test_committed_tables_are_regenerated(self):
        for name, fresh in gen_golden.files().items():
            with open(os.path.join(HERE, name), encoding="ascii") as f:
                committed = f.read()
            pairs = zip(committed.splitlines(), fresh.splitlines())
            for n, (old, new) in enumerate(pairs, 1):
                self.assertEqual(old, new, f"{name}:{n}")
            self.assertEqual(len(committed), len(fresh), name)


if __name__ == "__main__":
    unittest.main()
