# SPDX-License-Identifier: MIT
"""The checks of sources find what they look for, and nothing in good files."""
import os
import tempfile
import unittest

import acceptance
import check

SPDX = '/* SPDX-License-Identifier: MIT */\n'


class Sources(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='tenon-check-')
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)

    def write(self, path, text):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)

    def findings(self):
        return '\n'.join(check.check_sources('a'))

    def test_good_files_pass(self):
        self.write('a/include/a/x.h', SPDX + '#include <a/y.h>\n')
        self.write('a/include/a/y.h', SPDX)
        self.write('a/x.c', SPDX + '#include <a/x.h>\n#include <stdio.h>\n')
        self.assertEqual(self.findings(), '')

    def test_circular_include_is_shown_with_its_path(self):
        self.write('a/include/a/x.h', SPDX + '#include <a/y.h>\n')
        self.write('a/include/a/y.h', SPDX + '#include "z.h"\n')
        self.write('a/include/a/z.h', SPDX + '#include <a/x.h>\n')
        self.assertIn('a/include/a/x.h -> a/include/a/y.h -> '
                      'a/include/a/z.h -> a/include/a/x.h', self.findings())

    def test_include_of_another_components_file_is_refused(self):
        self.write('a/test/x.c', SPDX + '#include "../mine.h"\n')
        self.write('a/x.c', SPDX + '#include "../b/secret.h"\n')
        self.assertNotIn('mine.h', self.findings())
        self.assertIn('a/x.c: includes ../b/secret.h', self.findings())

    def test_limits_and_first_lines(self):
        self.write('a/long.c', SPDX + '\n' * check.MAX_LINES)
        self.write('a/long.sh', '#!/bin/sh\n' + '\n' * check.MAX_SH_LINES)
        self.write('a/wide.c', SPDX + 'x' * 101 + '\n')
        self.write('a/table.c', SPDX + '// clang-format off\n' + 'x' * 101 +
                   '\n// clang-format on\n')
        self.write('a/later.c', SPDX + '/* TO' + 'DO: more */\n')
        found = self.findings()
        for text in ('a/long.c: 1001 lines', 'a/long.sh: 61 lines',
                     'a/long.sh: line 1', 'a/wide.c:2: longer',
                     'a/later.c:2: unfinished'):
            self.assertIn(text, found)
        self.assertNotIn('a/table.c', found)

    def test_links_of_pages_lead_somewhere(self):
        self.write('a/x.md', '[a](y.md) [b](../a/y.md#part) [c](gone.md#p)\n'
                   '![d](z.svg) [e](https://x/y) [f](#here)\n')
        self.write('a/y.md', '')
        self.assertEqual(list(check.check_links('a/x.md')), [
            f'a/x.md: leads to {x}, which is not there'
            for x in ('gone.md', 'z.svg')])

    def test_c_tests_name_their_rows(self):
        self.write('a/t.c', 'TEST(s, p)\n{\n\tPROVES("L08 L11"\n'
                   '\t       " G25");\n}\nTEST(s, q)\n{\n\tPROVES("K5.1");}\n')
        self.assertEqual(list(acceptance.c_proofs('a/t.c')),
                         [('s.p', 'L08'), ('s.p', 'L11'), ('s.p', 'G25'),
                          ('s.q', 'K5.1')])

    def test_python_tests_name_their_rows(self):
        self.write('a/test_x.py', 'class T:\n\tdef test_y(self):\n'
                   '\t\t"""What.\n\n\t\tpro' 'ves: L15, K.S1\n\t\t"""\n')
        self.assertEqual(list(acceptance.python_proofs('a/test_x.py')),
                         [('test_x.test_y', 'L15'), ('test_x.test_y', 'K.S1')])


if __name__ == '__main__':
    unittest.main()
