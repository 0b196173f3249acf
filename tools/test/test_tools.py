# SPDX-License-Identifier: MIT
"""`tenon run` and `tenon link` as a user sees them: output, errors, status."""
import gzip
import hashlib
import lzma
import os
import platform
import re
import shutil
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
ARCH = platform.machine()
TENON = os.path.join(TOP, 'build/host/bin/tenon')
# The beginning of a file of zstd that wants a window of 2 GiB.
LARGE = b'\x28\xb5\x2f\xfd\x00\xa8'
FOREIGN = {'aarch64': 'riscv64', 'riscv64': 'aarch64', 'x86_64': 'aarch64'}


def module(name, arch=ARCH, profile='common'):
    return os.path.join(TOP, 'build/modules', arch, profile, name + '.ko')


def tenon(*args, cwd=None):
    return subprocess.run([TENON, *args], cwd=cwd, timeout=60,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True)


class Case(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.dir = scratch.name

    def path(self, name):
        return os.path.join(self.dir, name)

    def compile(self, name, source, *flags):
        out = self.path(name)
        subprocess.run(['gcc', '-x', 'c', '-c', '-O1', '-fPIC', '-o', out,
                        *flags, '-'], input=source, text=True, check=True)
        return out

    def assertRefused(self, done, *says, status=1):
        self.assertEqual(done.returncode, status, done.stderr)
        for text in says:
            self.assertIn(text, done.stderr)
        self.assertNotIn('loaded', done.stdout)


class Run(Case):
    def test_a_module_is_loaded_called_and_unloaded(self):
        """proves: L02 L06"""
        done = tenon('run', '-v', module('hello'), '--call',
                     'hello_add,7,5', '--call', 'hello_add,-20,0x1')
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        with open(module('hello'), 'rb') as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        self.assertTrue(lines[0].startswith(f'loaded hello sha256={digest}'))
        self.assertEqual(lines[1:], ['hello_add(7, 5) = 12',
                                     'hello_add(-20, 1) = -19',
                                     'unloaded hello'])
        self.assertEqual(done.stderr, 'hello: hello\nhello: goodbye\n')

    def test_dependencies_come_from_folders_in_any_order(self):
        """proves: L09"""
        for named in ([module('user')],
                      [module('user'), module('provider')],
                      ['user']):
            done = tenon('run', '-L', os.path.dirname(module('user')), *named)
            self.assertEqual(done.returncode, 0, done.stderr)
            order = [line.split()[1].strip(',')
                     for line in done.stdout.splitlines()]
            self.assertEqual(order,
                             ['provider', 'user', 'user', 'provider'])

    def test_dependencies_come_from_the_modules_dep_beside_the_file(self):
        """proves: L15"""
        release = '1.0-test'
        tree = self.path('lib/modules/' + release)
        os.makedirs(tree)
        for name in ('provider', 'user'):
            shutil.copy(module(name), tree)
        subprocess.run(['depmod', '-b', self.dir, release], check=True,
                       capture_output=True,
                       env={'PATH': '/usr/sbin:/sbin:/usr/bin:/bin'})
        with open(os.path.join(tree, 'modules.dep')) as f:
            self.assertIn('user.ko: provider.ko\n', f.readlines())
        done = tenon('run', os.path.join(tree, 'user.ko'))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('loaded provider', done.stdout)

    def test_modules_dep_of_somebody_else_is_not_followed(self):
        """Nor waited for."""
        tree = self.path('tree')
        os.mkdir(tree)
        shutil.copy(module('user'), tree)
        dep = self.path('modules.dep')
        with open(dep, 'w') as f:
            f.write(f'{module("provider")}:\n')
        user = os.path.join(tree, 'user.ko')
        self.assertEqual(tenon('run', user).returncode, 0)
        os.chmod(dep, 0o666)
        open_to_all = f'({dep} is not followed: anybody may write to it; -L DIR'
        self.assertRefused(tenon('run', user),
                           f'no file found for provider {open_to_all}')
        self.assertRefused(tenon('run', user, 'absent'),
                           f'no file found for module absent {open_to_all}')
        if os.geteuid() == 0:
            os.chmod(dep, 0o644)
            os.chown(dep, 65534, 65534)
            self.assertRefused(tenon('run', user), 'no file found for',
                               f'({dep} is not followed: it belongs to another')
            self.assertEqual(tenon('run', '-L', self.dir, user).returncode, 0)
            os.chown(user, 65534, 65534)
            self.assertEqual(tenon('run', user).returncode, 0)
        os.remove(dep)
        os.mkfifo(dep)
        self.assertRefused(tenon('run', user), 'no file found for')

    def test_a_dependency_without_a_file_is_named(self):
        shutil.copy(module('user'), self.dir)
        done = tenon('run', self.path('user.ko'))
        self.assertRefused(done, 'user: needs provider >= 1.2 < 2, which is '
                           'not loaded: no file found for provider (-L DIR')
        self.assertEqual(done.stderr.count('\n'), 1, done.stderr)

    def test_what_it_can_do_without_is_not_called_its_dependency(self):
        self.compile('a.ko', 'int nowhere(void), *p = (int *)nowhere;'
                     'static const char info[] '
                     '__attribute__((section(".modinfo"), used)) = '
                     '"name=a\\0tenon.depends=?nobody";')
        self.assertRefused(tenon('run', '--unmarked', self.path('a.ko')),
                           'a: no file found for nobody, which it names',
                           '1 missing symbol: nowhere')

    def test_a_dependency_cycle_is_refused(self):
        for name, other in (('a', 'b'), ('b', 'a')):
            self.compile(name + '.ko', 'static const char info[] '
                         '__attribute__((section(".modinfo"), used)) = '
                         f'"name={name}\\0tenon.depends={other}";')
        self.assertRefused(
            tenon('run', '--unmarked', self.path('a.ko'), self.path('b.ko')),
            'a: depends on itself: a -> b -> a')

    def test_packed_files_are_recognised_by_their_content(self):
        with open(module('hello'), 'rb') as f:
            data = f.read()
        subprocess.run(['zstd', '-q', module('hello'), '-o',
                        self.path('z')], check=True)
        with open(self.path('g'), 'wb') as f:
            f.write(gzip.compress(data))
        with open(self.path('x'), 'wb') as f:
            f.write(lzma.compress(data))
        for name in 'gxz':
            done = tenon('run', self.path(name))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn('loaded hello', done.stdout)

    def test_the_digest_is_of_the_module_without_what_is_appended(self):
        """A hole of 64 MiB behind it costs nothing to speak of."""
        shutil.copy(module('hello'), self.path('hello.ko'))
        with open(module('hello'), 'rb') as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        with open(self.path('hello.ko'), 'r+b') as f:
            f.truncate(64 << 20)
        done = tenon('run', '-v', self.path('hello.ko'))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f'loaded hello sha256={digest} ', done.stdout)

    def test_a_file_name_that_is_too_long_is_refused(self):
        path = self.compile('n' * 56 + '.ko', 'int x;')
        self.assertRefused(tenon('run', '--unmarked', path),
                           f'{path}: states no module name, and the file',
                           'too long for one: more than 55 characters')

    def test_a_damaged_packed_file_is_refused(self):
        with open(module('hello'), 'rb') as f:
            packed = lzma.compress(f.read())
        with open(self.path('hello.ko.xz'), 'wb') as f:
            f.write(packed[:len(packed) // 2])
        self.assertRefused(tenon('run', self.path('hello.ko.xz')),
                           'hello.ko.xz: damaged xz data')

    def test_a_packed_file_that_is_too_large_is_named_with_the_limit(self):
        path = self.path('large.ko.zst')
        with open(path, 'wb') as f:
            f.write(LARGE)
        self.assertRefused(tenon('run', path), f'{path}: a file as large as '
                           'this unpacks to is not supported (the limit is '
                           '1 GiB)')

    def test_a_missing_file_is_named(self):
        self.assertRefused(tenon('run', './absent.ko'),
                           'cannot read ./absent.ko: there is no such file')
        self.assertRefused(tenon('run', 'absent'),
                           'no file found for module absent')

    def test_a_path_that_no_file_can_have_is_named(self):
        long = './' + 'n' * 300 + '.ko'
        self.assertRefused(tenon('run', long),
                           f'cannot read {long[:40]}',
                           'the path or a name in it is too long')
        os.symlink('loop.ko', self.path('loop.ko'))
        self.assertRefused(tenon('run', self.path('loop.ko')),
                           'too many symbolic links')

    def test_a_folder_to_look_in_must_be_one(self):
        for folder, why in ((self.path('absent'), 'No such file'),
                            (TENON, 'Not a directory'), ('', 'No such file')):
            done = tenon('run', '-L', folder, 'hello')
            self.assertRefused(done, f'-L {folder}: {why}', status=2)

    def test_another_machine_is_named(self):
        arch = FOREIGN[ARCH]
        self.assertRefused(tenon('run', module('hello', arch)),
                           f'hello: is for {arch}, not for {ARCH}')

    def test_an_object_without_a_note_runs_on_request_only(self):
        path = self.compile('plain.o', 'int init_module(void) { return 0; }'
                            'void cleanup_module(void) { }')
        self.assertRefused(tenon('run', path), '.note.tenon')
        done = tenon('run', '--unmarked', path)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_call_of_nothing_fails_and_unloads(self):
        done = tenon('run', module('hello'), '--call', 'no_such')
        self.assertEqual(done.returncode, 1)
        self.assertIn("no module exports 'no_such'", done.stderr)
        self.assertIn('unloaded hello', done.stdout)

    def test_what_was_loaded_is_unloaded_when_a_later_module_fails(self):
        done = tenon('run', module('hello'), module('failing_init'))
        self.assertEqual(done.returncode, 1)
        self.assertIn('init failed with -19', done.stderr)
        self.assertIn('unloaded hello', done.stdout)

    def test_a_permanent_module_is_kept_without_an_error(self):
        done = tenon('run', module('permanent'))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('kept permanent', done.stdout)

    def test_lost_output_is_a_failure(self):
        with open('/dev/full', 'w') as full:
            done = subprocess.run([TENON, 'run', module('hello')],
                                  stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 1)

    def test_only_exports_of_modules_are_called(self):
        done = tenon('run', module('hello'), '--call', 'printk')
        self.assertEqual(done.returncode, 1)
        self.assertIn("no module exports 'printk'", done.stderr)

    def test_the_release_is_told(self):
        done = tenon('--version')
        self.assertEqual(done.returncode, 0)
        with open(os.path.join(TOP, 'mk/library.mk')) as f:
            release = re.search(r'TENON_VERSION := (\S+)', f.read())[1]
        self.assertEqual(done.stdout, f'tenon {release}\n')
        self.assertEqual(tenon('version').stdout, done.stdout)

    def test_wrong_use_is_status_2_with_the_usage(self):
        for args in ([], ['nonsense']):
            done = tenon(*args)
            self.assertEqual(done.returncode, 2, args)
            self.assertIn('usage: tenon', done.stderr)
            self.assertEqual(done.stdout, '')


class Link(Case):
    def link(self, path, *args, symbols=''):
        with open(self.path('System.map'), 'w') as f:
            f.write(symbols)
        return tenon('link', path, '--at', '0x40000000', '--symbols',
                     self.path('System.map'), '-o', self.path('image'),
                     *args)

    def test_the_image_is_read_by_conventional_tools(self):
        for arch in ('x86_64', 'aarch64', 'riscv64'):
            done = self.link(module('hello', arch), '--map',
                             self.path('map'),
                             symbols='0000000040100000 T printk\n')
            self.assertEqual(done.returncode, 0, done.stderr)
            out = subprocess.run(['readelf', '-hSlsW', self.path('image')],
                                 capture_output=True, text=True, check=True)
            self.assertNotIn('Warning', out.stderr)
            self.assertIn('EXEC', out.stdout)
            self.assertIn('40100000', out.stdout)
            with open(self.path('map')) as f:
                text = [line.split() for line in f if '.text' in line]
            self.assertEqual(text[0][3], '40000000')

    def test_a_symbol_out_of_reach_gets_a_stub_and_a_cell(self):
        """proves: K5.7"""
        for arch in ('x86_64', 'aarch64', 'riscv64'):
            done = self.link(module('hello', arch), '--map',
                             self.path('map'),
                             symbols='7f00000000000000 T printk\n')
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(self.path('map')) as f:
                kinds = [line.split()[0] for line in f if 'printk' in line]
            self.assertEqual(kinds, ['got', 'stub'])

    def test_refusals_by_name_are_status_3(self):
        path = self.compile('tls.o', '__thread int x; int *f(void) '
                            '{ return &x; }')
        self.assertRefused(self.link(path), 'thread-local storage',
                           'not supported', status=3)
        path = self.compile('ifunc.o', 'static void g(void) { } '
                            'static void *r(void) { return g; } '
                            'void f(void) __attribute__((ifunc("r")));')
        self.assertRefused(self.link(path), 'ifunc', "'f'", status=3)

    def test_every_missing_symbol_is_listed(self):
        """proves: L11"""
        path = self.compile('m.o', 'extern int aa, bb; int f(void) '
                            '{ return aa + bb; }')
        done = self.link(path, symbols='0000000000001000 D aaa\n')
        self.assertRefused(done, '2 missing symbols', '\n  aa', '\n  bb')
        self.assertFalse(os.path.exists(self.path('image')))

    def test_a_value_that_does_not_fit_is_explained(self):
        path = self.compile('r.o', 'extern int far; int f(void) '
                            '{ return far; }', '-fno-pic',
                            '-mcmodel=small') if ARCH == 'x86_64' else None
        if path is None:
            self.skipTest('the example is x86_64 code')
        self.assertRefused(
            self.link(path, symbols='7f00000000000000 D far\n'),
            '.text+0x', 'R_X86_64_PC32', "'far'", '-2147483648', status=1)

    def test_an_image_beyond_the_last_address_is_not_called_too_large(self):
        obj = self.compile('a.o', 'char x[9000]; int f(void) { return 1; }',
                           '-fno-common')
        done = tenon('link', obj, '--at', '0xfffffffffffff000', '-o',
                     self.path('a'))
        self.assertRefused(done, f'{obj}: its parts do not fit between --at '
                           '0xfffffffffffff000 and the last address')
        done = tenon('link', obj, '--at', '0xffffffffffff0000', '-o',
                     self.path('a'))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_bad_symbol_file_is_refused_with_its_line(self):
        for line in ('nonsense', '0x1000 T x', '-1000 T x', ' 1000 T x',
                     '10000000000000000 T x', '1000 T ', '1000\tT\tx'):
            self.assertRefused(
                self.link(module('hello'), symbols=f'\n1000 T a\n{line}\n'),
                'System.map:3: not a System.map line')
        self.assertRefused(
            tenon('link', module('hello'), '--at', '0', '--symbols',
                  self.path('absent'), '-o', self.path('image')), 'absent')

    def test_a_link_that_leads_nowhere_is_no_place_for_an_output(self):
        os.symlink('image', self.path('image'))
        self.assertRefused(self.link(
            module('hello'), symbols='40100000 T printk\n'), 'Too many levels')
        self.assertTrue(os.path.islink(self.path('image')))

    def test_outputs_appear_whole_or_not_at_all(self):
        """Also on a full disk, and with what was there before."""
        with open(self.path('image'), 'w') as f:
            f.write('before')
        os.chmod(self.path('image'), 0o640)
        done = subprocess.run(
            ['sh', '-c', 'ulimit -f 1; trap "" XFSZ; exec "$@"', 'sh', TENON,
             'link', module('bigdata'), '--at', '0x10000', '-o',
             self.path('image')], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn('image: ', done.stderr)
        with open(self.path('image')) as f:
            self.assertEqual(f.read(), 'before')
        self.assertEqual(os.listdir(self.dir), ['image'])
        done = self.link(module('weak'), '--map', '/dev/full')
        self.assertEqual(done.returncode, 1)
        with open(self.path('image')) as f:
            self.assertEqual(f.read(), 'before')
        done = self.link(module('weak'), '--map', self.path('map'))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.stat(self.path('image')).st_mode & 0o777, 0o640)
        self.assertEqual(sorted(os.listdir(self.dir)),
                         ['System.map', 'image', 'map'])

    def test_outputs_may_be_no_files(self):
        done = tenon('link', module('weak'), '--at', '0x10000', '-o',
                     '/dev/null', '--map', '/dev/stdout')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('section ', done.stdout)
        os.symlink('real', self.path('image'))
        with open(self.path('real'), 'w'):
            pass
        self.assertEqual(self.link(module('weak')).returncode, 0)
        self.assertTrue(os.path.islink(self.path('image')))
        self.assertGreater(os.stat(self.path('real')).st_size, 0)

    def test_outputs_replace_no_other_file_of_the_same_call(self):
        shutil.copy(module('weak'), self.path('weak.ko'))
        os.link(self.path('weak.ko'), self.path('same.ko'))
        with open(self.path('symbols'), 'w'):
            pass
        for args in (['-o', 'image', '--map', './image'],
                     ['-o', 'weak.ko'], ['-o', 'same.ko'],
                     ['-o', 'image', '--map', 'weak.ko'],
                     ['-o', 'symbols'], ['-o', 'i', '--map', 'symbols']):
            done = tenon('link', 'weak.ko', '--at', '0x10000', '--symbols',
                         'symbols', *args, cwd=self.dir)
            self.assertRefused(done, 'would be overwritten', status=2)
        self.assertEqual(sorted(os.listdir(self.dir)),
                         ['same.ko', 'symbols', 'weak.ko'])
        with open(module('weak'), 'rb') as f, \
                open(self.path('weak.ko'), 'rb') as g:
            self.assertEqual(f.read(), g.read())

    def test_an_output_that_cannot_be_written_is_an_error(self):
        done = tenon('link', module('weak'), '--at', '0x10000', '-o',
                     self.path('no/such/folder'))
        self.assertEqual(done.returncode, 1)


if __name__ == '__main__':
    unittest.main()
