# SPDX-License-Identifier: MIT
"""What all applets have in common: help that fits a screen, statuses, and
output that cannot be written is told."""
import os
import re
import subprocess

from test_tools import TENON, TOP, Case, module, tenon

KMOD = ('insmod', 'rmmod', 'modprobe', 'lsmod', 'modinfo', 'depmod')


def applets():
    """The names that `tenon --help` lists."""
    return re.findall(r'^  (\w+) ', tenon('--help').stdout, re.M)


def manual_options(name):
    """Those that stand as tags in the manual page of an applet."""
    with open(os.path.join(TOP, f'man/tenon-{name}.1'),
              encoding='utf-8') as f:
        text = re.sub(r'\\f.', '', f.read()).replace('\\-', '-')
    tags = re.findall(r'^\.T[PQ]\n\.\w+ "?(-.*)', text, re.M)
    return set(re.findall(r'(?<![\w-])--?[A-Za-z0-9][a-z-]*', '\n'.join(tags)))


class Help(Case):
    def test_all_are_listed(self):
        self.assertGreaterEqual(
            set(applets()), {'run', 'host', 'shell', 'sign', *KMOD})

    def test_it_fits_a_screen(self):
        for words in ((), *((name,) for name in applets())):
            done = tenon(*words, '--help')
            self.assertEqual(done.returncode, 0, words)
            lines = done.stdout.splitlines()
            self.assertTrue(lines, words)
            # kmod's own texts are longer; ours add what ours can do
            if not set(words) & set(KMOD):
                self.assertLessEqual(len(lines), 24, words)
                self.assertLess(max(map(len, lines)), 80, words)

    def test_it_has_the_options_of_the_manual(self):
        for name in set(applets()) - set(KMOD):
            shown = set(re.findall(r'(?<![\w-])--[a-z][a-z-]*',
                                   tenon(name, '--help').stdout))
            told = {o for o in manual_options(name) if o.startswith('--')}
            self.assertEqual(shown | {'--help'}, told, name)

    def test_the_manual_has_the_options_that_are_taken(self):
        """All of them, and no other."""
        preload = self.path('options.so')
        subprocess.run(
            ['gcc', '-shared', '-fPIC', '-o', preload, os.path.join(
                os.path.dirname(__file__), 'preload/options.c')], check=True)
        for name in applets():
            done = subprocess.run(
                [TENON, name], capture_output=True, text=True, timeout=60,
                check=True, env=dict(os.environ, LD_PRELOAD=preload))
            self.assertEqual(set(done.stdout.split()), manual_options(name),
                             name)


class Lost(Case):
    def lose(self, *words):
        """Runs it where nothing can be printed, in two ways."""
        for end in ('>/dev/full', '>&-'):
            done = subprocess.run(
                ['sh', '-c', f'exec "$0" "$@" {end}', TENON, *words],
                stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=60,
                text=True, cwd=self.dir, env=dict(
                    os.environ, TENON_SOCKET=os.path.join(self.dir, 's')))
            yield end, done

    def assertLost(self, *words):
        for end, done in self.lose(*words):
            self.assertEqual(done.returncode, 1, (words, end))
            said = re.findall('(?:standard|the) output', done.stderr)
            self.assertEqual(len(said), 1, (words, end, done.stderr))

    def test_help_and_release(self):
        for words in (['--help'], ['--version'],
                      *([name, '--help'] for name in applets())):
            self.assertLost(*words)

    def test_results(self):
        with open(self.path('allow'), 'w', encoding='ascii') as f:
            f.write('ab' * 32 + '  x\n')
        with open(self.path('m.c'), 'w', encoding='ascii') as f:
            f.write('#include <tenon/module.h>\nint m_x;\n'
                    'EXPORT_SYMBOL(m_x);\nMODULE_LICENSE("MIT");\n')
        self.assertEqual(tenon('cc', '-g', 'm.c', cwd=self.dir).returncode, 0)
        for words in (
                ['run', module('hello')],
                ['run', '--json', module('hello')],
                ['verify', '--allow', 'allow', 'm.ko'],
                ['verify', '--json', '--allow', 'allow', 'm.ko'],
                ['symvers', 'm.ko'],
                ['shell', '-c', 'list'],
                ['cc', '--makefile'],
                ['modinfo', module('hello')]):
            self.assertLost(*words)

    def test_a_host_that_cannot_say_so_does_not_serve(self):
        self.assertLost('host')
        self.assertNotIn('s', os.listdir(self.dir))

    def test_what_failed_keeps_its_status(self):
        for _, done in self.lose('shell', '-c', 'list', '-c', 'nonsense'):
            self.assertEqual(done.returncode, 2)
            self.assertIn('standard output', done.stderr)
