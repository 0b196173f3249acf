# SPDX-License-Identifier: MIT
"""Plugins as their users build them: the printed example unchanged, every
fault of the printed code as a scenario that the printed code fails and
libtenon passes, crashes, starvation, module objects, and examples/plugins."""
import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
HERE = os.path.join(TOP, 'lib', 'test')
PLUGINS = os.path.join(TOP, 'build', 'host', 'plugins')
INCLUDES = [f'-I{p}' for form in ('lib/include', 'core/*/include',
                                  'base/include', 'api/include')
            for p in sorted(glob.glob(os.path.join(TOP, form)))]
LIBRARIES = ['-lz', '-llzma', '-lzstd', '-pthread', '-ldl']
EXPECTED = ('My plugin initializing\n'
            'Plugin loaded: ./my_plugin.so (my_plugin)\n'
            'Processing: Hello, plugin!\n'
            'My plugin exiting\n'
            'Plugin unloaded\n')


def run(*argv, cwd=None, timeout=100, **env):
    return subprocess.run(argv, cwd=cwd, text=True, timeout=timeout,
                          env={**os.environ, **env},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix='tenon-plugins-')
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        for name in os.listdir(PLUGINS):
            shutil.copy(os.path.join(PLUGINS, name), cls.folder)

    def compile(self, out, *argv, cc='gcc'):
        done = run(cc, '-std=gnu11', '-g', '-O1', *argv, '-o', out,
                   cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stdout)

    def program(self, out, *sources, cc='gcc', config='host', flags=()):
        library = os.path.join(TOP, 'build', config, 'lib', 'libtenon.a')
        self.compile(out, *flags, *INCLUDES,
                     *(os.path.join(HERE, s) for s in sources), library,
                     *LIBRARIES, cc=cc)

    def run_here(self, *argv, **more):
        return run(*argv, cwd=self.folder, **more)


class Printed(Case):
    def test_main_and_plugin_of_the_document_print_what_it_says(self):
        """proves: L22 L23 L25 L26 L27 L28 L29"""
        for cc in ('gcc', 'clang'):
            self.compile('my_plugin.so', '-fPIC', '-shared', *INCLUDES,
                         os.path.join(HERE, 'plugin/my_plugin.c'), cc=cc)
            self.program('main', 'plugin/main.c', cc=cc)
            done = self.run_here('./main')
            self.assertEqual((done.returncode, done.stdout), (0, EXPECTED))

    def test_the_printed_code_prints_the_same(self):
        """What we compare with is right."""
        self.compile('printed', f'-I{HERE}/never', '-include', 'printed.h',
                     os.path.join(HERE, 'never/printed.c'),
                     '-x', 'c', self.main_without_include(), '-ldl')
        done = self.run_here('./printed')
        self.assertEqual((done.returncode, done.stdout), (0, EXPECTED))

    def main_without_include(self):
        with open(os.path.join(HERE, 'plugin/main.c')) as f:
            text = f.read().replace('#include <tenon/plugin.h>', '')
        path = os.path.join(self.folder, 'main.txt')
        with open(path, 'w') as f:
            f.write(text)
        return path


class Never(Case):
    """Each fault, with the code that had it and without."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls('run_one')
        asan = ['-fsanitize=address', '-fno-omit-frame-pointer']
        case.compile('printed', '-DPRINTED', *asan,
                     *(os.path.join(HERE, 'never', f)
                       for f in ('never.c', 'printed.c')), '-ldl', '-pthread')
        config = 'host-asan'
        if not os.path.exists(os.path.join(TOP, 'build', config, 'lib')):
            config = 'host'
        case.program('ours', 'never/never.c', config=config,
                     flags=[*asan, '-fsanitize=undefined'])

    def run_one(self, program, scenario):
        # Plugins that stay at the end are no leak of theirs.
        return self.run_here(f'./{program}', scenario, timeout=60,
                             ASAN_OPTIONS='detect_leaks=0')

    def check(self, scenario, fault):
        done = self.run_one('printed', scenario)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, fault)
        done = self.run_one('ours', scenario)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(done.stdout.splitlines()[-1], 'well', done.stdout)

    def test_use_after_free_of_a_get_that_races_an_unload(self):
        """proves: L26 L28"""
        self.check('race', 'heap-use-after-free')

    def test_one_library_loaded_twice_by_two_spellings(self):
        """proves: L25"""
        self.check('spelling', 'not well: init has run twice')

    def test_a_double_unload(self):
        """proves: L28"""
        self.check('twice', 'heap-use-after-free|not well')

    def test_a_count_below_what_there_is(self):
        """proves: L27"""
        self.check('puts', 'not well: the count is not 1')

    def test_a_get_while_it_leaves(self):
        """proves: L26"""
        self.check('exit', 'not well: it could be had while it left')

    def test_a_deadlock_of_init_that_loads(self):
        """proves: L25"""
        done = self.run_one('printed', 'nested')
        self.assertEqual(done.returncode, -14, done.stdout)  # its alarm
        done = self.run_one('ours', 'nested')
        self.assertEqual(done.stdout.splitlines()[-1], 'well', done.stdout)

    def test_a_call_of_no_process(self):
        """proves: L22"""
        self.check('process', 'SEGV')

    def test_a_plugin_for_another_abi(self):
        self.check('version', 'not well: a later ABI was loaded')

    def test_what_is_needed_comes_later_or_goes_first(self):
        self.check('order', 'not well: it came before what it needs')


class Process(Case):
    def test_a_crash_is_told_with_the_name_of_the_plugin(self):
        self.program('crash', 'never/crash.c')
        done = self.run_here('./crash')
        self.assertEqual(done.returncode, -11, done.stdout)
        self.assertRegex(done.stdout,
                         r'#0 .* crash_here\+0x\w+/0x\w+ \[crasher\]|'
                         r'#0 .* \S+ \[crasher\]')
        self.assertIn('modules: crasher', done.stdout)

    def test_each_allocation_fails_once_and_leaves_nothing(self):
        """proves: L25"""
        wrap = [f'-Wl,--wrap={name}' for name in
                ('malloc', 'calloc', 'realloc', 'strdup', 'realpath',
                 'dlopen', 'mmap')]
        self.program('starve', 'never/starve.c', flags=wrap)
        done = self.run_here('./starve', './actor.so')
        self.assertEqual(done.returncode, 0, done.stdout)
        # Before it the log says what could not be had.
        counts = re.search(r'(?m)^(\d\d) positions, (\d+) refusals$',
                           done.stdout)
        positions, refusals = (int(n) for n in counts.groups())
        self.assertGreater(refusals, positions // 2, done.stdout)

    def test_a_whole_life_leaks_nothing(self):
        if not shutil.which('valgrind'):
            self.skipTest('valgrind is not installed')
        self.program('main', 'plugin/main.c')
        done = self.run_here('valgrind', '-q', '--leak-check=full',
                             '--errors-for-leak-kinds=definite',
                             '--error-exitcode=9', './main')
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_a_module_object_is_a_plugin_too(self):
        tenon = os.path.join(TOP, 'build', 'host', 'bin', 'tenon')
        done = self.run_here(tenon, 'cc', '--profile=hosted',
                             *INCLUDES, '-o', 'my_plugin.ko',
                             os.path.join(HERE, 'plugin/my_plugin.c'))
        self.assertIn('MODULE_LICENSE is missing', done.stdout)
        source = os.path.join(self.folder, 'object.c')
        with open(os.path.join(HERE, 'plugin/my_plugin.c')) as f:
            text = f.read()
        with open(source, 'w') as f:
            f.write(text + '\n#include <tenon/module_info.h>\n'
                    'MODULE_LICENSE("Dual MIT/GPL");\n')
        done = self.run_here(tenon, 'cc', '--profile=hosted', *INCLUDES,
                             '-o', 'my_plugin.ko', 'object.c')
        self.assertEqual(done.returncode, 0, done.stdout)
        with open(os.path.join(HERE, 'plugin/main.c')) as f:
            text = f.read()
        with open(os.path.join(self.folder, 'ko.c'), 'w') as f:
            f.write(text.replace('my_plugin.so', 'my_plugin.ko'))
        self.program('ko', os.path.join(self.folder, 'ko.c'))
        done = self.run_here('./ko')
        self.assertEqual((done.returncode, done.stdout),
                         (0, EXPECTED.replace('.so', '.ko')))

    def test_a_name_without_a_slash_is_looked_for_as_dlopen_does(self):
        with open(os.path.join(HERE, 'plugin/main.c')) as f:
            text = f.read()
        with open(os.path.join(self.folder, 'bare.c'), 'w') as f:
            f.write(text.replace('./my_plugin.so', 'my_plugin.so'))
        self.program('by_name', os.path.join(self.folder, 'bare.c'))
        done = self.run_here('./by_name')
        self.assertEqual(done.returncode, 1, done.stdout)
        done = self.run_here('./by_name', LD_LIBRARY_PATH=self.folder)
        self.assertEqual((done.returncode, done.stdout),
                         (0, EXPECTED.replace('./', '')))


class Example(Case):
    """examples/plugins, built by its makefile from an installed prefix."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        prefix = os.path.join(cls.folder, 'usr')
        cls.place = os.path.join(cls.folder, 'darkroom')
        shutil.copytree(os.path.join(TOP, 'examples', 'plugins'), cls.place)
        cls.env = {'PKG_CONFIG_PATH': f'{prefix}/lib/pkgconfig',
                   'LD_LIBRARY_PATH': f'{prefix}/lib', 'MAKEFLAGS': '',
                   'CFLAGS': '-O2 -Wall -Wextra -Werror'}
        for argv in (['make', '-s', '-C', TOP, 'install', f'prefix={prefix}'],
                     ['make', '-C', cls.place, 'check']):
            done = run(*argv, **cls.env)
            assert done.returncode == 0, done.stdout

    def develop(self, pixels, *filters, kind=5, status=0):
        """@pixels: rows of bytes; returns rows, or what it has said."""
        channels = 1 if kind == 5 else 3
        width = len(pixels[0]) // channels
        with open(os.path.join(self.place, 'in.pnm'), 'wb') as f:
            f.write(f'P{kind}\n# made by a test\n{width} {len(pixels)}\n255\n'
                    .encode() + b''.join(map(bytes, pixels)))
        done = run('./darkroom', 'in.pnm', 'out.pnm', *filters,
                   cwd=self.place, **self.env)
        self.assertEqual(done.returncode, status, done.stdout)
        if status != 0:
            return done.stdout
        with open(os.path.join(self.place, 'out.pnm'), 'rb') as f:
            data = f.read()
        head = f'P{kind}\n{width} {len(pixels)}\n255\n'.encode()
        self.assertTrue(data.startswith(head))
        data = data[len(head):]
        n = width * channels
        return [list(data[i:i + n]) for i in range(0, len(data), n)]

    def test_filters_do_what_they_say(self):
        self.assertEqual(self.develop([[0, 1, 255]], './invert.so'),
                         [[255, 254, 0]])
        self.assertEqual(self.develop([[0, 90, 30]], './blur.so'),
                         [[45, 40, 60]])
        self.assertEqual(
            self.develop([[0, 90, 30], [60, 0, 0]], './blur.so', 'radius=2'),
            [[30, 30, 30], [30, 30, 30]])
        self.assertEqual(
            self.develop([[255, 0, 0, 0, 255, 0]], './tone.so', kind=6),
            [[76, 76, 76, 149, 149, 149]])
        self.assertEqual(
            self.develop([[255, 0, 0, 0, 255, 0]], './tone.so', './print.so',
                         'threshold=100', kind=6),
            [[0, 0, 0, 255, 255, 255]])

    def test_filters_run_one_after_the_other(self):
        self.assertEqual(
            self.develop([[0, 90, 30]], './blur.so', './invert.so'),
            [[210, 215, 195]])

    def test_mistakes_are_told_by_name(self):
        for filters, why in (
                (['./blur.so', 'radius=40'],
                 'blur: parameter radius: 40 is not within 1 to 16'),
                (['./blur.so', 'radios=4'], 'nearest: radius'),
                (['./blur.so', *['radius=2'] * 60],
                 './blur.so: so many parameters are not supported'),
                (['./print.so'], 'print: needs tone >= 1.0 < 2, which is not '
                                 'loaded'),
                (['./blur.so', './././blur.so'], 'blur is loaded already'),
                (['./no.so'], 'cannot read ./no.so: there is no such file'),
                (['./darkroom.c'], 'is not an ELF file')):
            self.assertIn(why, self.develop([[1]], *filters, status=1))
        with open(os.path.join(self.place, 'in.pnm'), 'wb') as f:
            f.write(b'P5 2 2 255\n12')
        done = run('./darkroom', 'in.pnm', 'out.pnm', './invert.so',
                   cwd=self.place, **self.env)
        self.assertIn('it ends in the middle of the picture', done.stdout)


if __name__ == '__main__':
    unittest.main()
