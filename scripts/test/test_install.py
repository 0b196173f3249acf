# SPDX-License-Identifier: MIT
"""What `make install` leaves is enough to compile, link and run a program."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
PROGRAM = '''#include <stddef.h>
#include <tenon/tenon.h>

int main(void)
{
	struct tn_system *sys = NULL;

	return tn_open(NULL, &sys) ? 1 : tn_close(sys) ? 2 : 0;
}
'''


def run(*argv, **more):
    p = subprocess.run(argv, text=True, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, check=False, **more)
    if p.returncode:
        raise AssertionError(f'{" ".join(argv)}:\n{p.stdout}')
    return p.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix='tenon-install-')
        cls.addClassCleanup(folder.cleanup)
        cls.dest = folder.name
        cls.place = [f'DESTDIR={cls.dest}', 'prefix=/opt/tenon']
        run('make', '-C', TOP, 'install', *cls.place)
        cls.root = os.path.join(cls.dest, 'opt/tenon')
        cls.env = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=cls.dest,
                       PKG_CONFIG_PATH=f'{cls.root}/lib/pkgconfig',
                       LD_LIBRARY_PATH=f'{cls.root}/lib')

    def pkg_config(self, *args):
        return run('pkg-config', *args, 'tenon', env=self.env).split()

    def build(self, language, *libs):
        suffix, compiler = language
        source = os.path.join(self.dest, f'program.{suffix}')
        with open(source, 'w', encoding='utf-8') as f:
            f.write(PROGRAM)
        program = source + '.bin'
        run(*compiler, *self.pkg_config('--cflags'), source, '-o', program,
            *libs)
        return program

    def test_c_and_cxx_programs_link_with_the_shared_library(self):
        for language in (('c', ['gcc', '-std=c11', '-Wall', '-Werror']),
                         ('cc', ['g++', '-std=c++17', '-Wall', '-Werror'])):
            with self.subTest(language=language[0]):
                program = self.build(language, *self.pkg_config('--libs'))
                run(program, env=self.env)
                needed = run('readelf', '-d', program)
                self.assertIn('[libtenon.so.1]', needed)

    def test_a_program_links_with_the_static_library(self):
        libs = self.pkg_config('--libs', '--static')
        program = self.build(('c', ['gcc', '-std=c11']), '-Wl,-Bstatic',
                             '-L' + os.path.join(self.root, 'lib'),
                             '-ltenon', '-Wl,-Bdynamic',
                             *(x for x in libs if x != '-ltenon'))
        run(program)

    def test_the_library_exports_its_prefix_only(self):
        out = run('nm', '-D', '--defined-only',
                  os.path.join(self.root, 'lib/libtenon.so.1'))
        names = {line.split()[-1].split('@')[0] for line in out.splitlines()}
        self.assertIn('tn_open', names)
        self.assertEqual(
            {n for n in names if not n.startswith(('tn_', 'plugin_'))},
            {'TENON_0.1'})

    def test_every_installed_header_compiles_alone(self):
        folder = os.path.join(self.root, 'include')
        for name in sorted(os.listdir(os.path.join(folder, 'tenon'))):
            for argv in (['gcc', '-std=c11', '-xc'],
                         ['g++', '-std=c++17', '-xc++']):
                with self.subTest(header=name, compiler=argv[0]):
                    run(*argv, '-fsyntax-only', '-Wall', '-Werror', '-I',
                        folder, '-include', f'tenon/{name}', '/dev/null')

    def test_the_examples_are_built_from_what_is_installed(self):
        examples = os.path.join(self.root, 'share/doc/tenon/examples')
        with tempfile.TemporaryDirectory() as out:
            run('make', '-C', f'{examples}/modules', f'BUILD={out}')
            built = os.path.join(out, os.uname().machine, 'common')
            said = run(f'{self.root}/bin/tenon', 'run', '-L', built, 'guest',
                       env=self.env)
            self.assertIn('greeter: Hello, guest!', said)
            shutil.copytree(f'{examples}/modules', f'{out}/copy')
            run('make', '-C', f'{out}/copy', env=dict(
                self.env, PATH=f'{self.root}/bin:{os.environ["PATH"]}'))
            for cc, file in (('gcc', 'embed.c'), ('g++', 'embed.cpp')):
                run(cc, f'{examples}/{file}', '-o', f'{out}/embed',
                    *self.pkg_config('--cflags', '--libs'))
                said = run(f'{out}/embed', f'{built}/hello.ko', 'hello_add',
                           env=self.env)
                self.assertIn('hello_add(40, 2) = 42', said)

    def test_flags_of_cxx_are_for_cxx_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (
                    ('Makefile', 'MODULE := mixed\nSOURCES := a.c b.cpp\n'
                     'MODULE_CFLAGS := -DALL\nMODULE_CXXFLAGS := -DCXX\n'
                     f'include {self.root}/share/tenon/module.mk\n'),
                    ('a.c', '#if !defined(ALL) || defined(CXX)\n#error C\n'
                     '#endif\n#include <tenon/module.h>\n'
                     'MODULE_LICENSE("Dual MIT/GPL");\n'),
                    ('b.cpp', '#if !defined(ALL) || !defined(CXX)\n'
                     '#error C++\n#endif\nint b;\n')):
                with open(os.path.join(folder, name), 'w',
                          encoding='utf-8') as f:
                    f.write(text)
            run('make', '-C', folder)

    def test_links_of_the_documents_lead_to_what_is_installed(self):
        doc = os.path.join(self.root, 'share/doc/tenon')
        seen = set()
        for folder, _, names in os.walk(doc):
            for name in (n for n in names if n.endswith('.md')):
                seen.add(name)
                with open(os.path.join(folder, name), encoding='utf-8') as f:
                    links = re.findall(r'\]\(([^):#]+)[^):]*\)', f.read())
                self.assertEqual([x for x in links if not os.path.exists(
                    os.path.join(folder, x))], [], name)
        self.assertEqual({n for n in os.listdir(os.path.join(TOP, 'docs'))
                          if n.endswith('.md')} - seen, set())
        self.assertTrue(os.path.exists(
            os.path.join(self.root, 'share/tenon/tsan.supp')))

    def test_places_that_a_shell_reads_otherwise_are_refused(self):
        with tempfile.TemporaryDirectory() as dest:
            for odd in ('prefix=/with space', 'prefix=relative', 'prefix=',
                        'prefix=/a;b', "prefix=/it's", 'prefix=/$$HOME',
                        'prefix=/100%', 'libdir=/usr/local/l b'):
                p = subprocess.run(
                    ['make', '-C', TOP, 'install', f'DESTDIR={dest}', odd],
                    text=True, capture_output=True, check=False)
                self.assertEqual(p.returncode, 2, odd)
                self.assertIn(odd.replace('$$', '$'), p.stderr)
                self.assertRegex(p.stderr, '(make or a shell reads'
                                 '|does not begin with /)[.]  Stop[.]\n$')
            self.assertEqual(os.listdir(dest), [])

    def test_libraries_may_lie_in_a_folder_of_the_machine(self):
        with tempfile.TemporaryDirectory() as dest:
            lib = f'lib/{os.uname().machine}-linux-gnu'
            run('make', '-C', TOP, 'install', f'DESTDIR={dest}', 'prefix=/usr',
                f'libdir=/usr/{lib}')
            self.assertEqual(os.listdir(f'{dest}/usr/lib'),
                             [os.path.basename(lib)])
            env = dict(self.env, PKG_CONFIG_SYSROOT_DIR=dest,
                       PKG_CONFIG_PATH=f'{dest}/usr/{lib}/pkgconfig')
            self.assertIn(f'-L{dest}/usr/{lib}',
                          run('pkg-config', '--libs', 'tenon', env=env))
        p = subprocess.run(['make', '-C', TOP, 'install', 'prefix=/usr',
                            f'DESTDIR={dest}', 'libdir=/lib'], text=True,
                           capture_output=True, check=False)
        self.assertNotEqual(p.returncode, 0)
        self.assertIn('libdir=/lib is not below prefix=/usr', p.stderr)
        self.assertFalse(os.path.exists(dest))

    def test_whatever_the_umask_everybody_can_read_it(self):
        with tempfile.TemporaryDirectory() as dest:
            run('sh', '-c', 'umask 077; exec "$@"', '-', 'make', '-C', TOP,
                'install', f'DESTDIR={dest}', 'prefix=/usr')
            hidden = [os.path.join(folder, name)
                      for folder, folders, names in os.walk(dest)
                      for name in folders + names
                      if os.stat(os.path.join(folder, name)).st_mode & 4 == 0]
            self.assertEqual(hidden, [])

    def test_uninstall_leaves_no_file(self):
        for libdir in ('/usr/lib', '/usr/lib/machine'):
            with tempfile.TemporaryDirectory() as dest:
                place = [f'DESTDIR={dest}', 'prefix=/usr', f'libdir={libdir}']
                run('make', '-C', TOP, 'install', *place)
                run('make', '-C', TOP, 'uninstall', *place)
                left = [f for _, _, files in os.walk(dest) for f in files]
                self.assertEqual(left, [])


if __name__ == '__main__':
    unittest.main()
