# SPDX-License-Identifier: MIT
"""The benchmark runs and writes what it promises; how fast is not asked."""
import csv
import os
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
FIELDS = ['suite', 'case', 'unit', 'ours', 'peer', 'peer_value', 'ratio',
          'goal', 'met']


class Bench(unittest.TestCase):
    def test_a_quick_run_writes_rows_of_the_promised_form(self):
        with tempfile.TemporaryDirectory() as out:
            done = subprocess.run(
                [sys.executable, 'bench/bench.py', '--quick', '--out', out],
                cwd=TOP, capture_output=True, text=True, timeout=900)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(os.path.join(out, 'results.csv'), newline='') as f:
                rows = list(csv.reader(f))
        self.assertEqual(rows[0], FIELDS)
        self.assertGreater(len(rows), 2)
        for row in rows[1:]:
            self.check(dict(zip(FIELDS, row, strict=True)))

    def check(self, row):
        self.assertGreater(float(row['ours']), 0, row)
        self.assertIn(row['met'], ('yes', 'no'), row)
        self.assertRegex(row['goal'], r'^(-|>= [\d.]+x|<= [\d.]+)$', row)
        for field in ('peer_value', 'ratio'):
            if row[field] != '-':
                self.assertGreater(float(row[field]), 0, row)


if __name__ == '__main__':
    unittest.main()
