# SPDX-License-Identifier: MIT
"""The harness reports failures, skips and emptiness as it says it does."""
import os
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
HARNESS = [f'-I{TOP}/test/include', f'{TOP}/test/test.c',
           f'{TOP}/test/host/main.c']
COMPILERS = {
    'gcc': ['gcc', '-O2'],
    'clang': ['clang', '-O2'],
    'gcc-asan': ['gcc', '-O1', '-fsanitize=address,undefined'],
    'clang-asan': ['clang', '-O1', '-fsanitize=address,undefined'],
}
HEAD = '#include <test/test.h>\n'
MIXED = HEAD + '''
TEST(s, good) { CHECK(1); }
TEST(s, wrong_value) { CHECK_EQ(1 + 1, 3); EXPECT(0); }
TEST(s, wrong_string) { CHECK_STR("a", "b"); }
TEST(s, wrong_null) { CHECK_STR("a", NULL); }
TEST(s, wrong_bytes) { CHECK_MEM("abc", "abd", 3); }
TEST(s, goes_on) { EXPECT(0); EXPECT(1 == 2); }
TEST(other, left_out) { SKIP("no reason"); }
'''


class Harness(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='tenon-test-')
        self.addCleanup(folder.cleanup)
        self.top = folder.name

    def build(self, text, compiler='gcc'):
        source = os.path.join(self.top, 't.c')
        program = os.path.join(self.top, 't-' + compiler)
        with open(source, 'w', encoding='utf-8') as f:
            f.write(text)
        subprocess.run([*COMPILERS[compiler], *HARNESS, source,
                        '-o', program], check=True)
        return program

    def run_it(self, program, *args):
        p = subprocess.run([program, *args], text=True, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return p.returncode, p.stdout.splitlines()

    def test_every_outcome_is_printed_and_counted(self):
        for compiler in COMPILERS:
            with self.subTest(compiler=compiler):
                status, lines = self.run_it(self.build(MIXED, compiler))
                at = os.path.join(self.top, 't.c')
                self.assertEqual(status, 1)
                self.assertEqual(lines[-1], '1 passed, 5 failed, 1 skipped')
                for line in ('ok s.good',
                             f'FAIL s.wrong_value {at}:4: '
                             '1 + 1 == 3: 2 != 3',
                             f'FAIL s.wrong_string {at}:5: '
                             '"a" == "b": "a" != "b"',
                             f'FAIL s.wrong_null {at}:6: '
                             '"a" == NULL: "a" != NULL',
                             f'FAIL s.wrong_bytes {at}:7: '
                             'bytes differ at 2 of 3: 0x63 != 0x64',
                             f'FAIL s.goes_on {at}:8: 0',
                             f'FAIL s.goes_on {at}:8: 1 == 2',
                             'skip other.left_out: no reason'):
                    self.assertIn(line, lines)
                self.assertNotIn('ok s.goes_on', lines)

    def test_a_filter_selects(self):
        program = self.build(MIXED)
        for part, last in (('good', '1 passed, 0 failed, 0 skipped'),
                           ('other', '0 passed, 0 failed, 1 skipped'),
                           ('s.wrong', '0 passed, 4 failed, 0 skipped')):
            _, lines = self.run_it(program, part)
            self.assertEqual(lines[-1], last)

    def test_no_test_is_a_failure(self):
        status, lines = self.run_it(self.build(MIXED), 'nothing_like_it')
        self.assertEqual((status, lines), (1, ['0 passed, 0 failed, '
                                               '0 skipped']))

    def test_verbose_names_a_test_before_it_runs(self):
        program = self.build(HEAD + 'TEST(s, dies) { __builtin_trap(); }\n')
        status, lines = self.run_it(program, '-v')
        self.assertLess(status, 0)
        self.assertEqual(lines, ['run s.dies'])


if __name__ == '__main__':
    unittest.main()
