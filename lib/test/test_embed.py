# SPDX-License-Identifier: MIT
"""libtenon as its users get it: installed, found by pkg-config, compiled in.

`make install` into a temporary folder, then C11 and C++17 programs by four
compilers, against the shared and the static library, in fully static programs
of glibc and musl, and in a program that opens and closes it with dlopen.
"""
import contextlib
import io
import os
import platform
import re
import shutil
import subprocess
import tempfile
import unittest
from unittest import mock

import abi

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
SOURCES = os.path.join(TOP, 'lib', 'test', 'embed')
MODULE = os.path.join(TOP, 'build', 'modules', platform.machine(), 'common',
                      'hello.ko')
# What a program's author may ask of his compiler, headers of libtenon included.
CAREFUL = ('-Wshadow', '-Wconversion', '-Wsign-conversion')
COMPILERS = (('gcc', '-std=c11', 'embed.c', '-Wcast-qual'),
             ('clang', '-std=c11', 'embed.c', '-Wcast-qual'),
             ('g++', '-std=c++17', 'embed.cpp', '-Wold-style-cast',
              '-Wuseless-cast'),
             ('clang++', '-std=c++17', 'embed.cpp', '-Wold-style-cast'))
STRICT = ('-O2', '-Wall', '-Wextra', '-pedantic', '-Werror')
LIMIT = 120

# Names that libtenon has inside, and that a program may have as well.
CLASH = r'''
#include <tenon/tenon.h>
int hash_name(void); int arena_create(void); int block_take(void);
int hash_name(void) { return 1; }
int arena_create(void) { return 2; }
int block_take(void) { return 3; }
int main(void)
{
	struct tn_system *sys;
	if (hash_name() + arena_create() + block_take() != 6)
		return 1;
	return tn_open(NULL, &sys) || tn_close(sys);
}
'''
EMPTY = 'int main(void) { return 0; }\n'


def run(argv, **kw):
    return subprocess.run(argv, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=LIMIT,
                          stdin=subprocess.DEVNULL, **kw)


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix='tenon-')
        cls.root = os.path.join(cls.folder.name, 'usr')
        cls.libs = os.path.join(cls.root, 'lib')
        done = run(['make', '-s', 'install', f'DESTDIR={cls.folder.name}',
                    'prefix=/usr'], cwd=TOP)
        assert done.returncode == 0, done.stdout

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def pkg_config(self, *args):
        env = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=self.folder.name,
                   PKG_CONFIG_PATH=os.path.join(self.libs, 'pkgconfig'))
        done = run(['pkg-config', *args, 'tenon'], env=env)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout.split()

    def compile(self, cc, source, *flags, name='program'):
        out = os.path.join(self.folder.name, name)
        text = source if '\n' in source else None
        path = ['-x', 'c', '-'] if text else [os.path.join(SOURCES, source)]
        done = subprocess.run([cc, *STRICT, *path, '-x', 'none', *flags, '-o',
                               out], input=text, text=True, timeout=LIMIT,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout)
        return out

    def static_flags(self):
        """What --static says, with our archive in place of the library."""
        flags = self.pkg_config('--cflags', '--libs', '--static')
        return ['-l:libtenon.a' if f == '-ltenon' else f for f in flags]

    def check_run(self, program, **env):
        done = run([program], env={**os.environ, **env})
        self.assertEqual((done.returncode, done.stdout),
                         (1, 'usage: embed MODULE NAME\n'))
        done = run([program, MODULE, 'hello_add'], env={**os.environ, **env})
        self.assertEqual(done.returncode, 0, done.stdout)
        version = self.pkg_config('--modversion')[0]
        self.assertIn(f'{version} hello_add(40, 2) = 42', done.stdout)

    def test_c11_and_cpp17_programs_of_four_compilers_shared(self):
        flags = self.pkg_config('--cflags', '--libs')
        for cc, std, source, *careful in COMPILERS:
            with self.subTest(cc=cc):
                program = self.compile(cc, source, std, *CAREFUL, *careful,
                                       *flags)
                self.check_run(program, LD_LIBRARY_PATH=self.libs)

    def test_c11_and_cpp17_programs_of_four_compilers_static(self):
        for cc, std, source, *careful in COMPILERS:
            with self.subTest(cc=cc):
                program = self.compile(cc, source, std, *self.static_flags(),
                                       '-Wl,--gc-sections')
                self.check_run(program)

    def test_calls_of_interfaces_are_iso_c_and_cpp_to_four_compilers(self):
        flags = self.pkg_config('--cflags', '--libs')
        for cc, std, source, *careful in COMPILERS:
            with self.subTest(cc=cc):
                program = self.compile(cc, source.replace('embed', 'calls'),
                                       std, *CAREFUL, *careful, *flags)
                done = run([program],
                           env={**os.environ, 'LD_LIBRARY_PATH': self.libs})
                self.assertEqual(done.returncode, 0, done.stdout)

    def test_a_program_of_glibc_that_is_static_altogether(self):
        program = self.compile('gcc', 'embed.c', '-static', '-Wno-error',
                               *self.static_flags())
        self.check_run(program)

    def test_a_program_of_musl_static_and_not(self):
        lib = os.path.join(TOP, 'build', 'host-musl', 'lib', 'libtenon.a')
        if not os.path.exists(lib):
            self.skipTest('host-musl is not built')
        for flags in ([], ['-static']):
            with self.subTest(flags=flags):
                program = self.compile(
                    'musl-gcc', 'embed.c', *flags,
                    '-I' + os.path.join(self.root, 'include'), lib)
                self.check_run(program)

    def test_a_program_may_have_functions_of_any_other_name(self):
        program = self.compile('gcc', CLASH, *self.static_flags())
        self.assertEqual(run([program]).returncode, 0)

    def test_what_a_static_program_pays_is_stated(self):
        """Bytes of code and data beyond an empty program."""
        def size(source, *flags):
            program = self.compile('gcc', source, *flags)
            row = run(['size', program]).stdout.splitlines()[1].split()
            return sum(map(int, row[:3]))
        empty = size(EMPTY)
        pays = size('embed.c', *self.static_flags(), '-Wl,--gc-sections')
        print(f'a program that loads modules: {pays - empty} bytes more')
        self.assertLess(pays - empty, 272 << 10)

    def check_closed(self, library):
        program = self.compile('gcc', 'closed.c', '-std=gnu11',
                               *self.pkg_config('--cflags'), '-ldl',
                               '-pthread')
        done = run([program, library, MODULE])
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn('closed and open again', done.stdout)

    def test_the_library_may_be_closed_while_threads_live(self):
        self.check_closed(os.path.join(self.libs, 'libtenon.so.1'))

    def test_a_shared_object_with_the_archive_in_it_stays_too(self):
        """It is not linked with nodelete."""
        names = ('tn_open', 'tn_symbol_find', 'tn_load')
        self.check_closed(self.compile(
            'gcc', 'extern int empty;\n', '-shared', '-fPIC',
            *(f'-Wl,-u,{name}' for name in names), *self.static_flags(),
            name='plug.so'))

    def test_the_thread_sanitizer_has_nothing_to_report(self):
        """With an instrumented library; else with the suppressions, but for
        what the program itself hands over."""
        lib = os.path.join(TOP, 'build', 'host-tsan', 'lib', 'libtenon.a')
        if not os.path.exists(lib):
            self.skipTest('host-tsan is not built')
        flags = ['-fsanitize=thread', '-g', '-pthread',
                 *self.pkg_config('--cflags')]
        program = self.compile('gcc', 'threads.c', '-std=gnu11', *flags, lib,
                               '-lz', '-llzma', '-lzstd', name='instrumented')
        # As every program of that sanitizer, on kernels with much entropy.
        fixed = ['setarch', '-R'] if shutil.which('setarch') else []
        done = run([*fixed, program])
        self.assertEqual(done.returncode, 0, done.stdout)
        program = self.compile('gcc', 'threads.c', '-std=gnu11', *flags,
                               *self.pkg_config('--libs'), name='threads')
        options = (f'suppressions={self.root}/share/tenon/tsan.supp')
        done = run([*fixed, program], env={
            **os.environ, 'TSAN_OPTIONS': options,
            'LD_LIBRARY_PATH': self.libs})
        self.assertIn('0 bad', done.stdout)
        for line in re.findall(r'SUMMARY: .*', done.stdout):
            self.assertRegex(line, r'threads\.c:\d+ in (count|exchange)')

    def test_the_shared_library_says_what_it_is(self):
        lib = os.path.join(self.libs, 'libtenon.so.1.0')
        dynamic = run(['readelf', '-dW', lib]).stdout
        self.assertIn('soname: [libtenon.so.1]', dynamic)
        self.assertRegex(dynamic, r'Flags:.*NODELETE')
        self.assertNotIn('TEXTREL', dynamic)
        needed = set(re.findall(r'NEEDED\)\s+Shared library: \[(\w+)', dynamic))
        self.assertLessEqual(needed, {'libc', 'libz', 'liblzma', 'libzstd'})
        self.assertNotRegex(run(['readelf', '-lW', lib]).stdout, 'RWE')

    def test_headers_map_text_and_libraries_agree(self):
        self.assertEqual(abi.check(*(os.path.join(self.libs, name) for name in
                                     ('libtenon.so.1', 'libtenon.a'))), 0)

    def assert_seen(self):
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.assertEqual(abi.check(), 1)
        self.assertIn('make abi', said.getvalue())

    def test_the_check_sees_a_changed_offset_and_a_lost_name(self):
        with open(abi.TEXT) as f:
            text = f.read()
        for old, new in (('function tn_open\n', ''),
                         ('struct tn_symbol: ', 'struct tn_symbol: 1')):
            self.assertIn(old, text)
            path = os.path.join(self.folder.name, 'abi.txt')
            with open(path, 'w') as f:
                f.write(text.replace(old, new))
            with mock.patch.object(abi, 'TEXT', path):
                self.assert_seen()
        with mock.patch.object(abi, 'mapped', lambda: []):
            self.assert_seen()


if __name__ == '__main__':
    unittest.main()
