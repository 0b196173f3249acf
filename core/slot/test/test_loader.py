# SPDX-License-Identifier: MIT
"""The slot manager and the loader are two things: of the engine it uses what
every embedder has, and the engine knows nothing of slots."""
import glob
import os
import re
import subprocess
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
OBJECTS = os.path.join(TOP, 'build', 'host', 'obj')
HEADERS = os.path.join(TOP, 'core', 'mod', 'include', 'tenon', '*.h')


def symbols(component, *flags):
    """Names in the objects of a component, its tests left out."""
    files = glob.glob(os.path.join(OBJECTS, component, '*.o'))
    out = subprocess.run(['nm', '-P', *flags, *files], text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    return {line.split()[0] for line in out.splitlines()
            if line and not line.endswith(':')}


class Loader(unittest.TestCase):
    def test_is_used_through_its_public_calls_only(self):
        """proves: G22"""
        used = symbols('core/slot', '-u') & symbols(
            'core/mod', '-g', '--defined-only')
        public = set()
        for path in glob.glob(HEADERS):
            with open(path) as f:
                public |= set(re.findall(r'\btn_\w+', f.read()))
        self.assertIn('tn_load', used)
        self.assertIn('tn_unload', used)
        self.assertEqual(used - public, set())

    def test_knows_nothing_of_slots(self):
        """proves: G22"""
        slots = symbols('core/slot', '-g', '--defined-only')
        self.assertIn('tn_slot_load', slots)
        self.assertEqual(symbols('core/mod', '-u') & slots, set())


if __name__ == '__main__':
    unittest.main()
