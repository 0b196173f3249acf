# SPDX-License-Identifier: MIT
"""Every option that kmod's --help and manual pages name has a case here.

The list is generated: an option of an installed kmod that has neither a case
nor a reason fails the test.  Each case runs both commands and compares.
"""
import glob
import gzip
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(TOP, 'oracle'))
import kmod_depmod      # noqa: E402  pylint: disable=wrong-import-position
import kmod_pair        # noqa: E402  pylint: disable=wrong-import-position

VERSION = '1.0-test'
HELLO = os.path.join(TOP, 'build/modules/x86_64/common/provider.ko')
GUEST = ['-n', '-v', 'guest']
NOBODY = 'tenon_no_such_module'
CASES = {
    'modprobe': {
        '-a': ['-a', '-n', '-v', 'guest', 'hello'],
        '--all': ['--all', '-n', '-v', 'guest', 'hello'],
        '-r': ['-r', '-n', '-v', 'guest'],
        '--remove': ['--remove', '-n', '-v', 'guest'],
        '--remove-dependencies': ['-r', '--remove-dependencies', '-n', 'guest'],
        '--remove-holders': ['-r', '--remove-holders', '-n', '-v', 'guest'],
        '-w': ['-w', '10', '-r', '-n', 'guest'],
        '--wait': ['--wait=10', '-r', '-n', 'guest'],
        '--first-time': ['--first-time', '-r', '-n', 'guest'],
        '-i': ['-i', *GUEST], '--ignore-install': ['--ignore-install', *GUEST],
        '--ignore-remove': ['--ignore-remove', '-r', '-n', 'guest'],
        '-b': ['-b', '-D', 'hello'],
        '--use-blacklist': ['--use-blacklist', '-D', 'hello'],
        '-f': ['-f', *GUEST], '--force': ['--force', *GUEST],
        '--force-modversion': ['--force-modversion', *GUEST],
        '--force-vermagic': ['--force-vermagic', *GUEST],
        '-R': ['-R', 'test:params'],
        '--resolve-alias': ['--resolve-alias', 'test:params'],
        '-D': ['-D', 'user'], '--show-depends': ['--show-depends', 'user'],
        '-c': ['-c'], '--showconfig': ['--showconfig'],
        '--show-config': ['--show-config'],
        '--show-modversions': ['--show-modversions', HELLO],
        '--dump-modversions': ['--dump-modversions', HELLO],
        '--show-exports': ['--show-exports', HELLO],
        '-n': ['-n', 'guest'], '--dry-run': ['--dry-run', '-v', 'guest'],
        '--show': ['--show', '-v', 'guest'],
        '-C': ['-C', '/nonexistent', '-c'],
        '--config': ['--config=/nonexistent', '-c'],
        '-d': ['-d', '/nonexistent', '-D', 'guest'],
        '--dirname': ['--dirname=/nonexistent', '-D', 'guest'],
        '-S': ['-S', '0.0', '-D', 'guest'],
        '--set-version': ['--set-version=0.0', '-D', 'guest'],
        '-s': ['-s', *GUEST], '--syslog': ['--syslog', *GUEST],
        '-q': ['-q', '-D', 'nosuch'], '--quiet': ['--quiet', '-D', 'nosuch'],
        '-v': GUEST, '--verbose': ['-n', '--verbose', 'guest'],
    },
    'modinfo': {
        '-a': ['-a', HELLO], '--author': ['--author', HELLO],
        '-d': ['-d', HELLO], '--description': ['--description', HELLO],
        '-l': ['-l', HELLO], '--license': ['--license', HELLO],
        '-p': ['-p', HELLO], '--parameters': ['--parameters', HELLO],
        '-n': ['-n', 'guest'], '--filename': ['--filename', 'guest'],
        '-0': ['-0', 'guest'], '--null': ['--null', 'guest'],
        '-m': ['-m', 'guest'], '--modname': ['--modname', 'guest'],
        '-F': ['-F', 'depends', 'guest'],
        '--field': ['--field=depends', 'guest'],
        '-k': ['-k', '0.0', 'guest'],
        '--set-version': ['--set-version=0.0', 'guest'],
        '-b': ['-b', '/nonexistent', 'guest'],
        '--basedir': ['--basedir=/nonexistent', 'guest'],
    },
    'depmod': {
        **{option: [option] for option in (
            '-a', '--all', '-A', '--quick', '-e', '--errsyms', '-n', '--show',
            '--dry-run', '-v', '--verbose', '-w', '--warn')},
        '-P': ['-P', '_'], '--symbol-prefix': ['--symbol-prefix=_'],
        '-C': ['-C', '/nonexistent'], '--config': ['--config=/nonexistent'],
        '-E': ['-e', '-E', '/dev/null'], '--symvers': ['-e', '--symvers=/no'],
        '-F': ['-e', '-F', '/dev/null'], '--filesyms': ['-e', '--filesyms=/no'],
        '-b': ['-b', '/nonexistent'], '--basedir': ['--basedir=/nonexistent'],
    },
    # Whatever the kernel can do, of these names it knows nothing.
    'insmod': {},
    'rmmod': {
        '-f': ['-f', NOBODY], '--force': ['--force', NOBODY],
        '-s': ['-s', NOBODY], '--syslog': ['--syslog', NOBODY],
        '-v': ['-v', NOBODY], '--verbose': ['--verbose', NOBODY],
        '-r': ['-r', NOBODY],   # the manual page warns of what is gone
    },
    'lsmod': {},
}
# What no list names, and bad options.
UNNAMED = {
    'depmod': [['-u'], ['-q'], ['-r'], ['-m'], ['--unresolved-error'],
               ['--quiet'], ['--root'], ['--map'], ['-Pab'], ['-ane'],
               ['--xyz'], ['-o'], ['-C']],
    'insmod': [['-p', '/nonexistent'], ['-s', '/nonexistent'],
               ['-f', '/nonexistent'], ['--xyz', '/nonexistent'], ['-x'], [],
               ['']],
    'rmmod': [['--xyz', NOBODY], ['-x'], [], ['a/b.ko'], [NOBODY, NOBODY]],
    'modprobe': [['--xyz'], ['-Z', 'guest'], ['-C']],
    'modinfo': [['--xyz'], ['-Z'], ['-F'], ['-q'], []],
}
# What is there, but not byte for byte.
OWN_WORDS = {'-V': 'kmod version 30', '--version': 'kmod version 30',
             '-h': 'sage:', '--help': 'sage:'}


def options_in(text):
    """The options that stand where a list names them."""
    found = set()
    for line in text.splitlines():
        head = re.match(r'\s*(-.*?)(?:\s{2,}|\t|$)', line)
        found |= set(re.findall(
            r'(?<![\w-])(--[a-z][a-z-]*[a-z]|-[A-Za-z0-9])(?![A-Za-z])',
            head[1] if head else ''))
    return found


def manual(command):
    """The text of an installed manual page, or nothing."""
    for path in glob.glob(f'/usr/share/man/man8/{command}.8*'):
        with (gzip.open if path.endswith('.gz') else open)(path) as file:
            page = file.read().decode(errors='replace')
        page = re.sub(r'\\f.', '', page.replace('\\-', '-'))
        return page
    return ''


class Options(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if kmod_pair.theirs('modprobe') is None:
            raise unittest.SkipTest('kmod is not installed')
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.root = os.path.join(scratch.name, 'root')
        cls.written = os.path.join(scratch.name, 'written')
        for folder in (cls.root, cls.written):
            kmod_pair.our_tree(folder, VERSION)

    def test_each_option_of_kmod_has_a_case(self):
        for command, cases in CASES.items():
            text = subprocess.run(
                [kmod_pair.theirs(command), '--help'], check=False,
                capture_output=True, text=True).stdout
            named = options_in(text) | options_in(manual(command))
            self.assertGreaterEqual(len(named), len(cases) // 2, command)
            self.assertEqual(named - set(cases) - set(OWN_WORDS), set(),
                             command)

    def run_all(self, command, args):
        """What kmod's and ours print, return and write: depmod's indexes."""
        pair = kmod_pair.Pair(
            command, self.written if command == 'depmod' else self.root,
            VERSION)
        found = []
        # depmod's version, if there is one, comes behind the options
        at = 2 if command == 'depmod' else len(pair.where)
        for program in (pair.kmod, pair.ours):
            status, out, err = kmod_pair.run(
                program, [*pair.where[:at], *args, *pair.where[at:]])
            # getopt's words begin with how the program was called
            err = err.replace(pair.kmod[0].encode(), command.encode())
            err = re.sub(rb'.*libkmod/\S+\.c:\d+.*\n', b'', err)
            found.append((status, out, err, self.take_indexes()))
        return found

    def take_indexes(self):
        """{name: digest} of what depmod has written, which is removed."""
        folder = os.path.join(self.written, 'lib/modules', VERSION)
        found = {}
        for name in kmod_depmod.OUTPUTS:
            path = os.path.join(folder, name)
            if os.path.exists(path):
                with open(path, 'rb') as file:
                    found[name] = hashlib.sha256(file.read()).hexdigest()
                os.unlink(path)
        return found

    def test_each_case_is_as_by_kmod(self):
        self.take_indexes()
        for command, cases in CASES.items():
            for option, args in cases.items():
                with self.subTest(command=command, option=option):
                    want, got = self.run_all(command, args)
                    self.assertEqual(got, want)

    def test_what_no_list_names_and_bad_options(self):
        for command, cases in UNNAMED.items():
            for args in cases:
                with self.subTest(command=command, args=args):
                    want, got = self.run_all(command, args)
                    self.assertEqual(got, want)

    def test_the_program_itself_has_help_and_names_what_it_does_not_know(self):
        status, out, err = kmod_pair.run([kmod_pair.OURS], ['--help'])
        self.assertEqual((status, err), (0, b''))
        for command in CASES:
            self.assertIn(command, out.decode())
        status, out, err = kmod_pair.run([kmod_pair.OURS], ['modprob'])
        self.assertEqual((status, out), (1, b''))
        self.assertIn(b"there is no command 'modprob'\n", err)

    def test_version_and_help_end_with_success(self):
        for command in CASES:
            for option, words in OWN_WORDS.items():
                if command == 'lsmod' and option != '--help':
                    continue    # it takes nothing, kmod's not even that
                status, out, _ = kmod_pair.run(
                    [kmod_pair.OURS, command], [option])
                self.assertEqual(status, 0)
                self.assertIn(words, out.decode())
                self.assertLess(out.count(b'\n'), 50)


if __name__ == '__main__':
    unittest.main()
