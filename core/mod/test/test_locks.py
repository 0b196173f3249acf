# SPDX-License-Identifier: MIT
"""The compiler finds wrong uses of the engine's locks (docs/locking.md)."""
import glob
import os
import shutil
import subprocess
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))))
CLANG = next((c for c in ('clang-14', 'clang') if shutil.which(c)), None)

SOURCE = '''
#include "fire.h"
#include "interface.h"
void f(struct tn_system *sys, struct firing *f);
void f(struct tn_system *sys, struct firing *f)
{
        (void)f;
        %s
}
'''


def check(body):
    """What clang says about the locks of a function with this body."""
    include = ['-iquote', 'core/mod']
    for path in ['base/include', 'api/include'] + glob.glob(
            'core/*/include', root_dir=TOP):
        include += ['-I', path]
    return subprocess.run(
        [CLANG, '-std=gnu11', '-fsyntax-only', '-Wthread-safety', *include,
         '-x', 'c', '-'], input=SOURCE % body, text=True, cwd=TOP,
        capture_output=True).stderr


@unittest.skipUnless(CLANG, 'needs clang')
class Locks(unittest.TestCase):
    def finds(self, body, words):
        self.assertIn(words, check(body))

    def test_right_use_is_silent(self):
        self.assertEqual('', check(
            'registry_lock(sys); ledger_lock(sys); firing_unpin(sys, f);'
            'ledger_unlock(sys); registry_unlock(sys);'))

    def test_use_without_the_lock_is_found(self):
        self.finds('firing_unpin(sys, f);', "requires holding role "
                   "'ledger_role'")

    def test_use_with_another_lock_is_found(self):
        self.finds('registry_lock(sys); firing_unpin(sys, f);'
                   'registry_unlock(sys);', "requires holding role "
                   "'ledger_role'")

    def test_lock_that_is_kept_is_found(self):
        self.finds('ledger_lock(sys);', 'still held at the end of function')

    def test_lock_that_is_not_held_is_found(self):
        self.finds('ledger_unlock(sys);', 'that was not held')

    def test_wrong_order_is_found(self):
        self.finds('ledger_lock(sys); registry_lock(sys);'
                   'registry_unlock(sys); ledger_unlock(sys);',
                   "while role 'ledger_role' is held")
        self.finds('params_lock(sys); ledger_lock(sys);'
                   'ledger_unlock(sys); params_unlock(sys);',
                   "while role 'param_role' is held")

    def test_waiting_for_calls_with_the_lock_is_found(self):
        self.finds('ledger_lock(sys); fires_resume(0); ledger_unlock(sys);',
                   "while role 'ledger_role' is held")


if __name__ == '__main__':
    unittest.main()
