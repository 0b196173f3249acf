# SPDX-License-Identifier: MIT
"""The bare-metal images do on QEMU what they say, and end with a status.

The images are built by `make aarch64 riscv64`; nothing is built here.
"""
import functools
import hashlib
import os
import re
import subprocess
import sys
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.path.join(TOP, 'build')
SMOKE = [sys.executable, os.path.join(TOP, 'scripts', 'smoke.py')]
ARCHS = ('aarch64', 'riscv64')
LOADED = re.compile(r'^loaded (\S+) sha256=([0-9a-f]{64}) ', re.M)
# For `tenon run`: providers before their users.
MODULES = ('provider', 'user', 'hello', 'roafter', 'ctors', 'weak')

_runs = {}


def output_of(argv):
    """(status, output) of a command without a terminal."""
    p = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, errors='replace',
                       check=False)
    return p.returncode, p.stdout


def image(arch, name):
    return os.path.join(BUILD, arch, 'bin', name)


def run(arch, name='smoke'):
    """(status, output) of an image, which runs once."""
    if (arch, name) not in _runs:
        _runs[arch, name] = output_of([*SMOKE, image(arch, name)])
    return _runs[arch, name]


def module(arch, name):
    return os.path.join(BUILD, 'modules', arch, 'common', name + '.ko')


def on_each_arch(test):
    @functools.wraps(test)
    def each(self):
        for arch in ARCHS:
            with self.subTest(arch=arch):
                test(self, arch)
    return each


class Smoke(unittest.TestCase):
    @on_each_arch
    def test_every_check_passes_and_the_status_is_zero(self, arch):
        status, output = run(arch)
        self.assertEqual(status, 0, output)
        self.assertNotRegex(output, re.compile('^FAIL', re.M))
        passed = len(re.findall(r'^ok ', output, re.M))
        self.assertGreater(passed, 50)
        self.assertTrue(output.endswith(
            f'smoke: {passed} passed, 0 failed\n'), output)

    @on_each_arch
    def test_modules_run_init_calls_and_exit(self, arch):
        """proves: K5.1 K5.2"""
        _, output = run(arch)
        for line in ('hello: hello', 'user: sum of the table is 17',
                     'ok   hello_add(7, 5) = 12', 'ok   user_sum(1, 0) = 54',
                     'ok   guaranteed_check(0, 0) = 0', 'hello: goodbye',
                     'ctors: order 12345678'):
            self.assertIn(line + '\n', output)

    @on_each_arch
    def test_refusals_say_why(self, arch):
        _, output = run(arch)
        for reason, sentence in (
                ('missing_symbol', 'prntk (nearest: printk)'),
                ('gpl_only', "gpl_user: 'provider_calls' of provider is for "),
                ('namespace', "'provider_inner' is in namespace PROVIDER_IN"),
                ('crc_mismatch', "the version of 'provider_add': built for "),
                ('duplicate_export', "twin: exports 'hello_add', which hello"),
                ('duplicate_module', 'a module called hello is loaded alrea'),
                ('init_failed', 'failing_init: init failed with -19'),
                ('profile_world', 'hostlib: is of profile hosted'),
                ('machine', 'x86_64'), ('elf', 'is not an ELF file')):
            self.assertIn(sentence, output)
            self.assertRegex(output, rf'(?m)^ok   refuse .*: {reason}, error -')

    @on_each_arch
    def test_a_provider_in_use_stays(self, arch):
        """proves: K5.3"""
        _, output = run(arch)
        refused = output.index('ok   refuse to unload provider\n')
        self.assertIn('ok   the refusal names the user\n', output)
        self.assertLess(refused, output.index('ok   unload user\n'))
        self.assertLess(output.index('ok   unload user\n'),
                        output.index('ok   unload provider\n'))
        self.assertRegex(output, r'(?m)^ok   the pool is as it was')

    @on_each_arch
    def test_no_page_is_writable_and_executable(self, arch):
        _, output = run(arch)
        walks = re.findall(r'^ok   W\^X .*, (\d+) executable, 0 both$',
                           output, re.M)
        self.assertEqual(len(walks), 3, output)
        before, loaded, after = map(int, walks)
        self.assertGreater(loaded, before)
        self.assertEqual(before, after)

    @on_each_arch
    def test_new_text_in_old_memory_is_what_runs(self, arch):
        """QEMU notices modified code by itself: this shows that each byte of
        text is synchronised, once and after its last write, and that it would
        be noticed if it were not; not what would happen then.
        proves: K5.4
        """
        _, output = run(arch)
        self.assertRegex(output, r'(?m)^ok   instructions synchronised: '
                                 r'[1-9]\d* bytes on \d+ pages, all of text$')
        self.assertIn('ok   load, call and unload 30 times in the same '
                      'memory\n', output)
        self.assertIn('ok   notice text that is not synchronised\n', output)

    @on_each_arch
    def test_the_files_are_those_of_the_tree(self, arch):
        """proves: K5.6"""
        loaded = LOADED.findall(run(arch)[1])
        self.assertGreaterEqual(len(loaded), len(MODULES))
        for name, digest in loaded:
            with open(module(arch, name), 'rb') as f:
                self.assertEqual(hashlib.sha256(f.read()).hexdigest(), digest)

    @on_each_arch
    def test_a_process_loads_the_same_files(self, arch):
        tool = os.path.join(BUILD, f'host-{arch}', 'bin', 'tenon')
        if not os.path.exists(tool):
            self.skipTest(f'{tool} is not built')
        status, output = output_of(
            [f'qemu-{arch}', '-L', f'/usr/{arch}-linux-gnu', tool, 'run', '-v',
             *(module(arch, name) for name in MODULES)])
        self.assertEqual(status, 0, output)
        here = dict(LOADED.findall(run(arch)[1]))
        self.assertEqual(dict(LOADED.findall(output)),
                         {name: here.get(name) for name in MODULES})

    def test_the_machine_may_start_at_el2(self):
        status, output = output_of([*SMOKE, image('aarch64', 'smoke'), '--',
                                    '-M', 'virt,virtualization=on'])
        self.assertEqual(status, 0, output)


class OtherImages(unittest.TestCase):
    @on_each_arch
    def test_tests_pass_on_the_bare_machine(self, arch):
        status, output = run(arch, 'ktest')
        self.assertEqual(status, 0, output)
        last = output.splitlines()[-1]
        self.assertRegex(last, r'^\d+ passed, 0 failed, 0 skipped$')
        self.assertGreater(int(last.split()[0]), 30)

    @on_each_arch
    def test_a_fault_is_reported_and_ends_the_machine(self, arch):
        status, output = run(arch, 'crash')
        self.assertEqual(status, 2, output)
        self.assertRegex(
            output, r'(?m)^fault: store to 0x[0-9a-f]+ at pc 0x[0-9a-f]+: .*, '
                    r'page not mapped, boot stack overflow$')
        self.assertRegex(output, r'(?m)^  pc  [0-9a-f]{16}  ')
        self.assertNotIn('survived', output)


class Runner(unittest.TestCase):
    def test_a_machine_that_hangs_is_ended(self):
        status, output = output_of([*SMOKE, '--limit', '1',
                                    image('aarch64', 'crash'), '--', '-S'])
        self.assertEqual(status, 124)
        self.assertIn('did not end within', output)

    def test_what_is_no_image_is_refused(self):
        status, output = output_of([*SMOKE, __file__])
        self.assertEqual(status, 2)
        self.assertIn('is not an ELF file', output)


if __name__ == '__main__':
    unittest.main()
