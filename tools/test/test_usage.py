# SPDX-License-Identifier: MIT
"""Wrong use of every applet: the status that its manual page promises, one
sentence on standard error, nothing on standard output, and no file made."""
import os
import subprocess

from test_output import KMOD, applets
from test_tools import TENON, Case, module

FILE = module('hello')
NOWHERE = '/nonexistent'

# What is wrong, and a part of what is said. An option that does not exist and
# one without its argument are tried of all.
WRONG = {
    'run': (
        ([], 'MOD is missing'),
        ([''], 'MOD is empty'),
        (['--keep'], 'MOD is missing'),
        (['a=b'], 'a=b: a parameter stands behind its module'),
        ([FILE, '--call', 'hello_count,x'], 'at most six'),
        ([FILE, '--call', 'f,1,2,3,4,5,6,7'], 'at most six'),
        ([FILE, '--set', 'hello.n'], 'not MOD.PARAM=VALUE'),
        ([FILE, '--get', 'n'], 'not MOD.PARAM'),
        ([FILE, '--stop', ''], 'not MOD'),
        ([FILE, '--verify', 'x'], "off, warn or require, not 'x'"),
        ([FILE, '-L', NOWHERE], f'-L {NOWHERE}'),
        ([FILE, f'@{NOWHERE}'], NOWHERE)),
    'host': (
        (['x'], 'no argument, but x'),
        (['--mode', '9'], 'not an octal mode'),
        (['--mode', ''], 'not an octal mode'),
        (['--mode', '7777'], 'not an octal mode'),
        (['--user', 'no such user'], 'there is no such user'),
        *(([option, text], f'{option} {text}: not a sensible number')
          for option in ('--clients', '--slow', '--stop', '--wait',
                         '--max-file')
          for text in ('', 'x', '-1', '3x', '1e3', '99999999999999999999')),
        (['--verify', 'x'], "off, warn or require, not 'x'"),
        (['-L', NOWHERE], 'there is no such folder'),
        ([f'@{NOWHERE}'], NOWHERE)),
    'shell': (
        (['a', 'b'], 'one SCRIPT, or -c'),
        (['-c', 'list', 'a'], 'one SCRIPT, or -c'),
        (['-L', NOWHERE], 'there is no such folder'),
        (['--attach', '-L', '/'], "the host's"),
        (['--attach', '--unmarked'], "the host's"),
        ([NOWHERE], NOWHERE)),
    'link': (
        ([], 'FILE is missing'),
        ([FILE], '--at ADDR is missing'),
        ([FILE, '--at', '0'], '-o IMAGE is missing'),
        ([FILE, 'b', '--at', '0', '-o', 'o'], 'b: one file is linked'),
        ([FILE, '--at', '1', '-o', 'o'], 'not a multiple of 4096'),
        *(([FILE, '--at', text, '-o', 'o'], f'--at {text}: not an address')
          for text in ('', 'x', '-1', '0x', '4096x', '0x10000000000000000'))),
    'new': (
        ([], 'one NAME is needed'),
        (['a', 'b'], 'one NAME is needed'),
        (['1a'], 'it does not begin with a letter'),
        ([''], 'it does not begin with a letter'),
        (['a/b'], 'something else than letters')),
    'cc': (
        ([], 'SOURCE is missing'),
        (['-m', 'vax', 'a.c'], 'modules are built for'),
        (['--profile=x', 'a.c'], 'the profiles are'),
        (['-Olonger than any', 'a.c'], 'no level of optimization'),
        (['a.c'], 'a.c: No such file')),
    'modpost': (
        ([], 'one FILE.o is needed'),
        (['a.o', 'b.o'], 'one FILE.o is needed'),
        (['-p', 'x', FILE], "'x' does not fit -p"),
        (['-n', 'a b', FILE], "'a b' does not fit -n")),
    'symvers': (
        ([], 'one FILE is needed'),
        (['a', 'b'], 'one FILE is needed'),
        (['-n', 'a b', FILE], "'a b' cannot be a module's name")),
    'sign': (
        ([], 'FILE is missing'),
        ([FILE], '-k KEY is missing'),
        (['-k', 'k', FILE], '-c CERTIFICATE is missing'),
        (['-k', 'k', '-c', 'c'], 'FILE is missing'),
        (['-a', 'md5', '-k', 'k', '-c', 'c', FILE], "'md5' is no digest"),
        (['-a', '', '-s', FILE], "'' is no digest"),
        (['-a', 'm\x1b[2Jd', '-s', FILE], "'m?[2Jd' is no digest"),
        (['-s', '-k', 'k', FILE], '--strip needs no key'),
        (['-s', '-o', 'o', FILE, FILE], '-o is for one FILE')),
    'verify': (
        ([], 'FILE is missing'),
        ([FILE], 'without --keys and --allow'),
        (['--keys', NOWHERE, FILE], NOWHERE),
        (['--allow', NOWHERE, FILE], NOWHERE)),
    # These end with 1, as kmod's do, whose lsmod knows one sentence only.
    'insmod': (([], 'missing filename'),),
    'rmmod': (([], 'missing module name'),),
    'modprobe': (
        ([], 'missing parameters'),
        (['-w', 'x', '-r', 'a'], "unexpected wait value 'x'")),
    'lsmod': ((['x'], 'Usage: tenon lsmod'),),
    'modinfo': (([], 'missing module or filename'),),
    'depmod': (
        (['x.y'], 'Bad version passed x.y'),
        (['-b', NOWHERE, '1.0'], 'could not open directory')),
}
# An option that wants an argument.
WANTS = {
    'run': ('--call', '--set', '-L', '--verify', '--keys'),
    'host': ('--socket', '--mode', '--clients', '-L'),
    'shell': ('-c', '-L', '--socket'),
    'link': ('--at', '-o', '--symbols', '--map'),
    'new': ('-C', '--directory'),
    'cc': ('-o', '--name', '-m', '--cc'),
    'modpost': ('-o', '--name', '-p', '--crc-from'),
    'symvers': ('-o', '--name'),
    'sign': ('-k', '-c', '--digest', '-o'),
    'verify': ('--keys', '--allow'),
    'insmod': ('--socket', '--root'), 'rmmod': ('--socket',),
    'modprobe': ('-C', '-w'), 'modinfo': ('-F',),
    'depmod': ('-b', '-E'),
}


class Usage(Case):
    def refuses(self, name, args, says):
        done = subprocess.run(
            [TENON, name, *args], capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL, cwd=self.dir, env=dict(
                os.environ, TENON_SOCKET=os.path.join(self.dir, 's')))
        what = (name, args, done.stderr)
        self.assertEqual(done.returncode, 1 if name in KMOD else 2, what)
        self.assertEqual(done.stdout, '', what)
        self.assertIn(says, done.stderr.splitlines()[0], what)
        if name not in KMOD:
            self.assertEqual(done.stderr.count('\n'), 1, what)
            self.assertRegex(done.stderr, f'^(tenon )?{name}: ', what)
        self.assertEqual(os.listdir(self.dir), [], what)

    def test_the_tables_have_all_applets(self):
        self.assertEqual(set(applets()), set(WRONG))
        self.assertEqual(set(applets()), {'lsmod', *WANTS})

    def test_an_option_that_does_not_exist(self):
        for name in WRONG:
            says = 'Usage: ' if name == 'lsmod' else 'no-such-option'
            self.refuses(name, ['--no-such-option'], says)

    def test_an_option_without_its_argument(self):
        for name, options in WANTS.items():
            for option in options:
                self.refuses(name, [option], 'requires an argument')

    def test_missing_surplus_and_bad_arguments(self):
        for name, cases in WRONG.items():
            for args, says in cases:
                self.refuses(name, args, says)
