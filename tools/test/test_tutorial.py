# SPDX-License-Identifier: MIT
"""docs/tutorial.md and README.md: commands do what the pages say."""
import os
import platform
import re
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
PAGE = os.path.join(TOP, 'docs', 'tutorial.md')
# "`name`", if it is a file, and a block of some language
BLOCK = re.compile(r'(?:^`([\w.+]+)`\n\n)?^```(\w+)\n(.*?)^```$', re.M | re.S)


class Tutorial(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='tenon-tutorial-')
        self.addCleanup(scratch.cleanup)
        self.prefix = os.path.join(scratch.name, 'usr')
        self.work = os.path.join(scratch.name, 'work')
        os.mkdir(self.work)
        # not what a make around this test has said to its children
        env = {k: v for k, v in os.environ.items()
               if k not in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL')}
        subprocess.run(['make', '-s', 'install', f'prefix={self.prefix}'],
                       cwd=TOP, check=True, timeout=300, env=env,
                       stdout=subprocess.DEVNULL)
        lib = os.path.join(self.prefix, 'lib')
        self.env = {**env, 'TENON_PREFIX': self.prefix,
                    'PATH': f'{self.prefix}/bin:{env["PATH"]}',
                    'PKG_CONFIG_PATH': os.path.join(lib, 'pkgconfig'),
                    'LD_LIBRARY_PATH': lib}

    def shell(self, script):
        done = subprocess.run(['sh', '-ec', script], cwd=self.work,
                              env=self.env, text=True, timeout=120,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, f'{script}\n{done.stdout}')
        return done.stdout

    def test_every_file_and_command_does_what_the_page_says(self):
        with open(PAGE) as f:
            blocks = BLOCK.findall(f.read())
        said = ''
        for name, language, text in blocks:
            if name:
                with open(os.path.join(self.work, name), 'w') as f:
                    f.write(text)
            elif language == 'sh':
                said = self.shell(text)
            elif language == 'output':
                for line in text.splitlines():
                    self.assertIn(line, said)
        languages = [language for _, language, _ in blocks]
        self.assertEqual(languages.count('sh'), 7)
        self.assertEqual(languages.count('output'), 6)


class Readme(unittest.TestCase):
    """The screen in README.md is what is printed, but for numbers."""

    def normal(self, text):
        text = re.sub(r'0x[0-9a-f]+|\d+', 'N', text)
        return [line.strip() for line in text.splitlines() if line.strip()]

    @unittest.skipUnless(platform.machine() == 'x86_64',
                         'the screen is of x86_64')
    def test_its_commands_print_what_it_says(self):
        with open(os.path.join(TOP, 'README.md')) as f:
            parts = re.split(r'^    \$ tenon (.*)\n', f.read(), flags=re.M)
        self.assertEqual(len(parts), 1 + 2 * 8)
        folder = os.path.join(TOP, 'build/modules/x86_64/common')
        for command, says in zip(parts[1::2], parts[2::2]):
            says = re.match(r'(?:    .*\n)*', says)[0]
            done = subprocess.run(
                [os.path.join(TOP, 'build/host/bin/tenon'),
                 *command.replace('-L m', f'-L {folder}').split()],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                stderr=subprocess.STDOUT, timeout=60)
            got, want = self.normal(done.stdout), self.normal(says)
            if '...' in want:
                cut = want.index('...')
                got[cut:cut + len(got) - len(want) + 1] = ['...']
            self.assertEqual(got, want, command)


if __name__ == '__main__':
    unittest.main()
