# SPDX-License-Identifier: MIT
"""Slots as their users get them: the C++ class, typed calls, the example.

The headers and the library of this tree, four compilers, with and without
exceptions and RTTI; what must not compile does not.
"""
import os
import platform
import shutil
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
SOURCES = os.path.join(TOP, 'lib', 'test', 'slots')
MODULES = os.path.join(TOP, 'build', 'modules', platform.machine())
HELLO = os.path.join(MODULES, 'lkmod', 'hello.so')
LIB = os.path.join(TOP, 'build', 'host', 'lib', 'libtenon.a')
INCLUDE = [f'-I{os.path.join(TOP, d, "include")}' for d in (
    'lib', 'core/slot', 'core/mod', 'core/gate', 'base', 'api')]
STRICT = ['-O2', '-Wall', '-Wextra', '-pedantic', '-Werror']
CXX = [(cc, flags) for cc in ('g++', 'clang++') for flags in (
    [], ['-fno-exceptions', '-fno-rtti'])]
LIMIT = 120

CXX_HEAD = '''#include <lkmod/gaia_module_manager.h>
int use(GaiaModuleManager &m, GaiaModuleManager::Handle &h);
int use(GaiaModuleManager &m, GaiaModuleManager::Handle &h)
{
	int r = 0; long l = 0; (void)m; (void)h; (void)r; (void)l;
	return %s;
}
'''
CXX_GOOD = ('h.call<int(int, int)>("f", &r, 1, 2)',
            'h.call<void(const char *)>("f", "text")',
            'h.call_entry<long()>(&l)')
CXX_BAD = {
    'too few arguments': 'h.call<int(int, int)>("f", &r, 1)',
    'too many arguments': 'h.call<int(int, int)>("f", &r, 1, 2, 3)',
    'a result of another type': 'h.call<int(int, int)>("f", &l, 1, 2)',
    'no place for the result': 'h.call<int(int)>("f", 1)',
    'a place for no result': 'h.call<void(int)>("f", &r, 1)',
    'a string for an integer': 'h.call<int(int)>("f", &r, "1")',
    'an integer for a pointer': 'h.call<void(char *)>("f", 1)',
    'no signature': 'h.call<int>("f", &r)',
    'an entry with a wrong result': 'h.call_entry<long()>(&r)',
    'a copy of a handle': '(GaiaModuleManager::Handle(h), 0)',
    'an assignment of a handle': '(h = h, 0)',
    'a handle as a number': 'h + 1',
    'a copy of a manager': '(GaiaModuleManager(m), 0)',
}

C_HEAD = '''#include <tenon/slot.h>
int use(struct tn_slot_handle *h);
int use(struct tn_slot_handle *h)
{
	int r = 0; long l = 0; char *s = 0; (void)r; (void)l; (void)s;
	return %s;
}
'''
C_GOOD = ('TN_SLOT_CALL(int, (int, int), h, "f", &r, (1, 2))',
          'TN_SLOT_CALL(char *, (const char *), h, "f", &s, ("x"))',
          'TN_SLOT_CALL_VOID((int), h, "f", (1))',
          'TN_SLOT_CALL_ENTRY(long, (void), h, &l, ())',
          'TN_SLOT_CALL_ENTRY_VOID((long, int), h, (1, 2))')
C_BAD = {
    'too few arguments': 'TN_SLOT_CALL(int, (int, int), h, "f", &r, (1))',
    'too many arguments': 'TN_SLOT_CALL(int, (int), h, "f", &r, (1, 2))',
    'a result of another type': 'TN_SLOT_CALL(int, (int), h, "f", &l, (1))',
    'a string for an integer': 'TN_SLOT_CALL(int, (int), h, "f", &r, ("1"))',
    'an integer for a pointer': 'TN_SLOT_CALL_VOID((char *), h, "f", (1))',
    'an entry with a wrong result':
        'TN_SLOT_CALL_ENTRY(long, (void), h, &r, ())',
    'an entry with too few arguments':
        'TN_SLOT_CALL_ENTRY_VOID((int), h, ())',
}


def run(argv, **kw):
    return subprocess.run(argv, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=LIMIT, **kw)


def accepts(compiler, source, *flags):
    """(it compiles, what the compiler says)"""
    language = 'c++' if '++' in compiler else 'c'
    done = run([compiler, *flags, *INCLUDE, '-fsyntax-only', '-x', language,
                '-'], input=source)
    return done.returncode == 0, done.stdout


class Slots(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='tenon-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def build(self, compiler, source, *flags):
        out = os.path.join(self.folder, 'program')
        done = run([compiler, '-std=c++17', *STRICT, *flags, *INCLUDE,
                    os.path.join(SOURCES, source), LIB, '-lz', '-llzma',
                    '-lzstd', '-o', out])
        self.assertEqual(done.returncode, 0, done.stdout)
        return out

    def test_the_documents_example_runs_unchanged(self):
        """proves: G05 G06 G10 G13 G15 G16 G18 G19 G24"""
        for compiler, flags in CXX:
            with self.subTest(compiler=compiler, flags=flags):
                # an include inside of a function, and lines of the example
                program = self.build(compiler, 'document.cpp', *flags)
                done = run([program, HELLO])
                self.assertEqual(done.returncode, 0, done.stdout)
                self.assertNotIn('FAIL', done.stdout)
                self.assertIn('hello_run(42)', done.stdout)

    def test_the_class_keeps_its_promises(self):
        """proves: G02 G04 G07 G08 G09 G11 G12 G13 G14 G17 G18 G20 G21"""
        for compiler, flags in CXX:
            with self.subTest(compiler=compiler, flags=flags):
                program = self.build(compiler, 'manager.cpp', *flags)
                done = run([program, HELLO])
                self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_class_calls_isolated_modules_by_type(self):
        """proves: G18"""
        for compiler, flags in CXX:
            with self.subTest(compiler=compiler, flags=flags):
                done = run([self.build(compiler, 'away.cpp', *flags)])
                self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_class_hands_over_integers_as_each_machine_wants_them(self):
        for machine in ('aarch64', 'riscv64'):
            with self.subTest(machine=machine):
                lib = LIB.replace('/host/', f'/host-{machine}/')
                compiler = f'{machine}-linux-gnu-g++'
                if not os.path.exists(lib) or shutil.which(compiler) is None:
                    self.skipTest(f'host-{machine} is not built')
                out = os.path.join(self.folder, machine)
                done = run([compiler, '-static', '-std=c++17', *STRICT,
                            *INCLUDE, os.path.join(SOURCES, 'away.cpp'), lib,
                            '-o', out])
                self.assertEqual(done.returncode, 0, done.stdout)
                done = run([f'qemu-{machine}', out])
                self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_class_is_clean_under_sanitizers(self):
        lib = LIB.replace('/host/', '/host-asan/')
        if not os.path.exists(lib):
            self.skipTest('host-asan is not built')
        out = os.path.join(self.folder, 'program')
        done = run(['g++', '-std=c++17', '-g', '-fsanitize=address,undefined',
                    *INCLUDE, os.path.join(SOURCES, 'manager.cpp'), lib, '-lz',
                    '-llzma', '-lzstd', '-o', out])
        self.assertEqual(done.returncode, 0, done.stdout)
        done = run([out, HELLO])
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_in_the_callers_pool_nothing_is_allocated(self):
        """Counted at the functions of the C library, in one thread and in 16 at
        once; without a pool the same count sees what a load takes. proves: G02
        """
        out = os.path.join(self.folder, 'heap')
        done = run(['gcc', '-std=gnu11', '-O2', '-Wall',
                    '-Werror', *INCLUDE,
                    os.path.join(SOURCES, 'heap.c'), LIB, '-lz', '-llzma',
                    '-lzstd', '-o', out])
        self.assertEqual(done.returncode, 0, done.stdout)
        done = run([out, HELLO])
        self.assertEqual(done.returncode, 0, done.stdout)
        counts, place = {}, None
        for line in done.stdout.splitlines():
            if line.startswith('['):
                place = counts.setdefault(line, {})
            elif not line.startswith('-'):
                name, n = line.split()
                place[name] = int(n)
        pool, port = counts['[pool]'], counts['[port]']
        self.assertGreater(pool.pop('open'), 0)
        self.assertEqual(len(pool), 13)
        self.assertEqual({k: n for k, n in pool.items() if n}, {})
        self.assertGreater(port['load2'], 0)  # the count counts
        self.assertGreater(port['threads'], 16)

    def test_wrong_signatures_and_copies_do_not_compile_in_cpp(self):
        """proves: G17 G18 G19"""
        for compiler in ('g++', 'clang++'):
            flags = ('-std=c++17', *STRICT)
            for line in CXX_GOOD:
                fine, said = accepts(compiler, CXX_HEAD % line, *flags)
                self.assertTrue(fine, f'{compiler}: {line}: {said}')
            for what, line in CXX_BAD.items():
                fine, said = accepts(compiler, CXX_HEAD % line, '-std=c++17')
                self.assertFalse(fine, f'{compiler} accepts {what}')
                self.assertIn('error', said)

    def test_wrong_signatures_do_not_compile_in_c(self):
        """proves: G18 G19"""
        for compiler in ('gcc', 'clang'):
            for line in C_GOOD:
                fine, said = accepts(compiler, C_HEAD % line, '-std=c11',
                                     *STRICT)
                self.assertTrue(fine, f'{compiler}: {line}: {said}')
            for what, line in C_BAD.items():
                # without -Werror: they are errors by themselves
                fine, _ = accepts(compiler, C_HEAD % line, '-std=c11')
                self.assertFalse(fine, f'{compiler} accepts {what}')

    def test_the_example_program_runs(self):
        """examples/slots as a user builds it, with the installed library."""
        root = os.path.join(self.folder, 'root')
        done = run(['make', '-s', 'install', f'DESTDIR={root}', 'prefix=/usr'],
                   cwd=TOP)
        self.assertEqual(done.returncode, 0, done.stdout)
        example = os.path.join(self.folder, 'slots')
        shutil.copytree(os.path.join(TOP, 'examples', 'slots'), example)
        libs = os.path.join(root, 'usr', 'lib')
        env = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=root,
                   PKG_CONFIG_PATH=os.path.join(libs, 'pkgconfig'),
                   LD_LIBRARY_PATH=libs, MAKEFLAGS='')
        done = run(['make', '-s'], cwd=example, env=env)
        self.assertEqual(done.returncode, 0, done.stdout)
        done = run([os.path.join(example, 'slots')], env=env)
        self.assertEqual(done.returncode, 0, done.stdout)
        for line in ('step 0: 250', 'step 4: 761', 'unload: BUSY',
                     'filter: the last value was 761'):
            self.assertIn(line, done.stdout)
        self.assertNotIn('warning', done.stdout)


if __name__ == '__main__':
    unittest.main()
