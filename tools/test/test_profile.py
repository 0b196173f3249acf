# SPDX-License-Identifier: MIT
"""Profiles: files of words for `tenon run` and `tenon host`."""
import os
import tempfile
import unittest

from test_tools import Case, module, tenon

COMMON = os.path.dirname(module('hello'))


class Profiles(Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(self.folder, 'web')

    def profile(self, text):
        with open(self.path, 'w') as f:
            f.write(text)
        return '@' + self.path

    def test_its_words_stand_in_its_place(self):
        """proves: H36"""
        done = tenon('run', self.profile(
            '# a set\n'
            f'-L {COMMON} --verify off\n\n'
            'greeter word="two words" times=2 # twice\n'
            'guest\r\n'), '--get', 'greeter.word')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('greeter.word = two words', done.stdout)
        self.assertEqual(done.stderr.count('two words, guest!'), 2)

    def test_a_host_takes_one_too(self):
        done = tenon('host', self.profile('--clients no\n'))
        self.assertEqual(done.returncode, 2)
        self.assertIn('--clients', done.stderr)

    def test_what_is_wrong_is_named_with_its_line(self):
        for text, says in (('a\nb "c\n', ', line 2: a quote is not'),
                           ('a\n\n@b', ', line 3: a profile names no'),
                           ('a\0b', ': this is no text'),
                           ('a ' * 65, ', line 1: too many words')):
            self.assertRefused(tenon('run', 'greeter', self.profile(text)),
                               self.path + says, status=2)
        self.assertRefused(tenon('run', '@' + self.folder),
                           self.folder + ': Is a directory', status=2)
        self.assertRefused(tenon('run', '@absent'),
                           'absent: No such file', status=2)

    def test_what_never_ends_is_not_read_on(self):
        for argv, says in (
                (['run', '@/dev/zero'], '/dev/zero: File too large'),
                (['host', '@/dev/zero'], '/dev/zero: File too large'),
                (['run', '--allow', '/dev/zero', '--verify', 'require',
                  module('hello')], '/dev/zero:1: not a line of sha256sum')):
            self.assertRefused(tenon(*argv), says, status=2)


if __name__ == '__main__':
    unittest.main()
