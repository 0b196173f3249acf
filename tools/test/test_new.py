# SPDX-License-Identifier: MIT
"""The author's kit, from a clean installed prefix: `tenon new` to a module
that builds, runs and is read by kmod's own tools, `tenon cc`, and what bash
completes."""
import os
import platform
import re
import signal
import shutil
import subprocess
import tempfile
import time
import unittest

import child

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
HERE = platform.machine()
MACHINES = {'x86_64': 'X86-64', 'aarch64': 'AArch64', 'riscv64': 'RISC-V'}
KMOD = ('insmod', 'rmmod', 'modprobe', 'lsmod', 'modinfo', 'depmod')
SYSTEM = '/usr/sbin:/usr/bin:/sbin:/bin'
BASE = '''#include <tenon/module.h>
int base_three(void);
int base_three(void) { return 3; }
EXPORT_SYMBOL(base_three);
MODULE_LICENSE("Dual MIT/GPL");
'''
USER = '''#include <tenon/module.h>
TENON_IMPORTS_BEGIN
int base_three(void);
TENON_IMPORTS_END
int user_six(void);
int user_six(void) { return 2 * base_three() + EXTRA; }
EXPORT_SYMBOL(user_six);
MODULE_LICENSE("Dual MIT/GPL");
'''


class Kit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix='tenon-kit-')
        cls.addClassCleanup(folder.cleanup)
        cls.prefix = os.path.join(folder.name, 'opt')
        subprocess.run(['make', '-s', '-C', TOP, 'install',
                        f'DESTDIR={folder.name}', 'prefix=/opt'], check=True,
                       stdout=subprocess.DEVNULL)
        # Nothing of Tenon's tree, and of this make, is to be found.
        cls.env = {'PATH': f'{cls.prefix}/bin:{SYSTEM}', 'LC_ALL': 'C',
                   'LD_LIBRARY_PATH': f'{cls.prefix}/lib'}

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='tenon-kit-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def run_in(self, *argv, status=0, cwd=None, **env):
        done = subprocess.run(argv, cwd=cwd or self.folder, text=True,
                              env={**self.env, 'TMPDIR': self.folder, **env},
                              stdin=subprocess.DEVNULL, timeout=100,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, status, done.stdout)
        return done.stdout

    def write(self, name, text):
        with open(os.path.join(self.folder, name), 'w') as f:
            f.write(text)

    def files(self):
        return sorted(os.listdir(self.folder))


class New(Kit):
    def test_makes_a_module_that_builds_runs_and_passes_its_test(self):
        """proves: L01"""
        said = self.run_in('tenon', 'new', 'hello')
        self.assertIn('`make -C hello check` builds and tests it', said)
        self.assertEqual(self.files(), ['hello'])
        text = self.run_in('make', '-C', 'hello', 'check')
        self.assertRegex(text, r'Ran 3 tests in [\s\S]*OK')
        text = self.run_in('tenon', 'run', '-q',
                           f'hello/build/{HERE}/common/hello.ko', 'step=7',
                           '--call', 'hello_count')
        self.assertEqual(text, 'hello: hello, world\nhello_count() = 7\n'
                               'hello: goodbye\n')

    def test_its_test_can_fail(self):
        self.run_in('tenon', 'new', 'hello')
        path = os.path.join(self.folder, 'hello', 'hello.c')
        with open(path) as f:
            text = f.read()
        with open(path, 'w') as f:
            f.write(text.replace('count += step', 'count -= step'))
        self.assertIn('FAILED', self.run_in('make', '-C', 'hello', 'check',
                                            status=2))

    def test_is_read_by_the_tools_of_kmod(self):
        """proves: L15"""
        tree = os.path.join(self.folder, 'lib/modules/1.0/extra')
        os.makedirs(tree)
        for name in ('one', 'two'):
            self.run_in('tenon', 'new', name)
            self.run_in('make', '-C', name)
            shutil.copy(os.path.join(self.folder, name, 'build', HERE,
                                     'common', name + '.ko'), tree)
        text = self.run_in('/sbin/modinfo', os.path.join(tree, 'one.ko'))
        for line in (r'name: +one', r'license: +Dual MIT/GPL',
                     r'version: +0\.1', r'parm: +step:how much .* \(int\)',
                     r'parm: +who:who is greeted \(charp\)'):
            self.assertRegex(text, line)
        self.run_in('/sbin/depmod', '-b', self.folder, '1.0')
        with open(os.path.join(tree, '../modules.dep')) as f:
            self.assertEqual(sorted(f), ['extra/one.ko:\n', 'extra/two.ko:\n'])
        with open(os.path.join(tree, '../modules.symbols')) as f:
            self.assertIn('alias symbol:one_count one\n', f.read())

    def test_builds_for_every_machine_and_profile(self):
        self.run_in('tenon', 'new', 'hello')
        for machine, word in MACHINES.items():
            self.run_in('make', '-C', 'hello', f'ARCH={machine}')
            text = self.run_in('readelf', '-h',
                               f'hello/build/{machine}/common/hello.ko')
            self.assertIn(word, text)
        self.run_in('make', '-C', 'hello', 'PROFILE=hosted', 'check')

    def test_overwrites_nothing(self):
        self.write('there', 'mine')
        os.mkdir(os.path.join(self.folder, 'dir'))
        for name in ('there', 'dir'):
            self.assertEqual(
                self.run_in('tenon', 'new', name, status=1),
                f'tenon new: {name}: it is there already, and stays as it '
                'is\n')
        self.assertEqual(os.listdir(os.path.join(self.folder, 'dir')), [])

    def test_takes_back_what_a_failed_call_has_made(self):
        # No room for a file: the limit is the process's own.
        text = self.run_in('bash', '-c',
                           'trap "" XFSZ; ulimit -f 0; tenon new hello',
                           status=1)
        self.assertIn('tenon new: hello: File too large', text)
        self.assertEqual(self.files(), [])
        text = self.run_in('sh', '-c', 'tenon new hello >/dev/full', status=1)
        self.assertEqual(
            text, 'tenon new: standard output cannot be written\n')
        self.assertEqual(self.files(), [])

    def test_refuses_what_is_no_name(self):
        for name, why in (('1x', 'does not begin with a letter'),
                          ('a-b', 'has something else than letters'),
                          ('../x', 'does not begin with a letter'),
                          ('a/b', 'has something else'),
                          ('module', 'is taken'),
                          ('', 'does not begin with a letter'),
                          ('x' * 56, 'has more than 55 characters')):
            text = self.run_in('tenon', 'new', '--', name, status=2)
            self.assertIn(why, text)
        self.run_in('tenon', 'new', 'x' * 55)
        self.assertEqual(self.files(), ['x' * 55])
        self.run_in('tenon', 'new', status=2)
        self.run_in('tenon', 'new', '--bad', 'x', status=2)
        self.assertIn('nowhere: No such file',
                      self.run_in('tenon', 'new', '-C', 'nowhere', 'x',
                                  status=1))

    def test_says_that_tenon_is_not_in_the_path(self):
        self.run_in('tenon', 'new', 'hello')
        self.assertIn('the program tenon is not in the PATH',
                      self.run_in('make', '-C', 'hello', status=2,
                                  PATH=SYSTEM))


class Cc(Kit):
    def test_builds_one_file_for_each_machine_and_leaves_nothing(self):
        self.write('b-ase.c', BASE)
        for machine, word in MACHINES.items():
            self.run_in('tenon', 'cc', '-m', machine, '-o', f'{machine}.ko',
                        '-n', 'base', 'b-ase.c')
            self.assertIn(word, self.run_in('readelf', '-h', f'{machine}.ko'))
        self.assertEqual(self.run_in('tenon', 'cc', 'b-ase.c'), '')
        self.assertEqual(self.files(),
                         sorted(['b-ase.c', 'b_ase.ko'] +
                                [f'{m}.ko' for m in MACHINES]))

    def test_links_modules_by_symvers_as_kmod_reads_them(self):
        """proves: L12 L15"""
        self.write('base.c', BASE)
        self.write('user.c', USER)
        self.run_in('tenon', 'cc', '-S', 'base.symvers', 'base.c')
        self.run_in('tenon', 'cc', '-DEXTRA=0', '-s', 'base.symvers',
                    os.path.join(self.folder, 'user.c'))
        self.assertEqual(
            self.run_in('/sbin/modinfo', '-F', 'depends', './user.ko'),
            'base\n')
        self.assertIn('user_six() = 6\n',
                      self.run_in('tenon', 'run', '-q', '-L', '.', 'user',
                                  '--call', 'user_six'))
        text = self.run_in('tenon', 'cc', '-DEXTRA=0', 'user.c', status=1)
        self.assertIn('base_three', text)

    def test_exports_get_versions_by_their_types_on_request(self):
        versions = []
        for options, text in (([], BASE), (['--versions'], BASE),
                              (['--versions'], BASE.replace('int', 'long'))):
            self.write('base.c', text)
            self.run_in('tenon', 'cc', *options, '-S', 'base.symvers',
                        'base.c')
            with open(os.path.join(self.folder, 'base.symvers'),
                      encoding='ascii') as lines:
                versions.append(lines.read().split()[0])
        self.assertEqual(versions[0], '0x00000000')
        self.assertEqual(len(set(versions)), 3, versions)

    def test_flags_reach_the_compiler_whole(self):
        self.write('flag.c', BASE + '''
#define S_(x) #x
#define S(x) S_(x)
static const char text[] __attribute__((used)) = S(WORDS);
MODULE_DESCRIPTION(S(WORDS));
''')
        self.run_in('tenon', 'cc', "-DWORDS=it's & 1 > 2", '-O1', '-g',
                    'flag.c')
        self.assertEqual(
            self.run_in('/sbin/modinfo', '-F', 'description', './flag.ko'),
            "it's & 1 > 2\n")
        long = 'long ' * 300 + 'end'
        self.run_in('tenon', 'cc', '-DWORDS=' + long, 'flag.c')
        self.assertEqual(
            self.run_in('/sbin/modinfo', '-F', 'description', './flag.ko'),
            long + '\n')
        other = next(m for m in MACHINES if m != HERE)
        self.run_in('tenon', 'cc', '-m', other, '-m', HERE, '--cc=none',
                    '--cc=gcc', '--profile=hosted', '--profile=common', '-Os',
                    '-O2', '-DWORDS=x', '-g', 'flag.c')
        self.assertIn('no level', self.run_in(
            'tenon', 'cc', '-O2 -Os', 'flag.c', status=2))
        self.assertIn("has '$' or '#'",
                      self.run_in('tenon', 'cc', '-DX=$HOME', 'flag.c',
                                  status=2))
        self.assertIn('.debug_info', self.run_in('readelf', '-SW', 'flag.ko'))

    def test_hosted_modules_have_the_c_library(self):
        self.write('host.c', '''#include <math.h>
#include <tenon/module.h>
int host_root(void);
int host_root(void) { volatile double x = 81; return (int)sqrt(x); }
EXPORT_SYMBOL(host_root);
MODULE_LICENSE("Dual MIT/GPL");
''')
        self.run_in('tenon', 'cc', '--profile=hosted', '-fno-math-errno',
                    'host.c')
        self.run_in('tenon', 'cc', 'host.c', status=1)
        self.assertIn('host_root() = 9\n',
                      self.run_in('tenon', 'run', '-q', 'host.ko', '--call',
                                  'host_root'))

    def test_a_failed_build_leaves_the_old_file(self):
        self.write('base.c', BASE)
        self.run_in('tenon', 'cc', 'base.c')
        with open(os.path.join(self.folder, 'base.ko'), 'rb') as f:
            before = f.read()
        self.write('base.c', BASE + 'int x = ;\n')
        text = self.run_in('tenon', 'cc', 'base.c', status=1)
        self.assertRegex(text, r'base\.c:6:9: error')
        with open(os.path.join(self.folder, 'base.ko'), 'rb') as f:
            self.assertEqual(f.read(), before)
        self.assertEqual(self.files(), ['base.c', 'base.ko'])

    def open_when_read(self, name, limit=60):
        """The end of a pipe to write to, as soon as somebody reads it."""
        end = time.monotonic() + limit
        while True:
            try:
                return os.open(os.path.join(self.folder, name),
                               os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                if time.monotonic() > end:
                    raise
            time.sleep(0.005)

    def test_who_interrupts_it_finds_nothing_left(self):
        """The compiler waits for a pipe until then."""
        os.mkfifo(os.path.join(self.folder, 'pipe.h'))
        self.write('base.c', '#include "pipe.h"\n' + BASE)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT,
                       signal.SIGPIPE):
            p = child.start(
                self, ['sh', '-c', 'ulimit -c 0; exec tenon cc -I. base.c'],
                cwd=self.folder, env={**self.env, 'TMPDIR': self.folder},
                start_new_session=True, stderr=subprocess.DEVNULL)
            pipe = self.open_when_read('pipe.h')
            p.send_signal(number)
            self.assertEqual(p.wait(60), -number)
            os.close(pipe)
            self.assertEqual(self.files(), ['base.c', 'pipe.h'])

    def test_who_was_told_to_ignore_its_children_waits_for_them(self):
        self.write('base.c', BASE)
        done = subprocess.run(
            ['tenon', 'cc', 'base.c'], cwd=self.folder, env=self.env,
            timeout=100, preexec_fn=lambda: signal.signal(signal.SIGCHLD,
                                                          signal.SIG_IGN))
        self.assertEqual(done.returncode, 0)
        self.assertIn('base.ko', self.files())

    def test_a_long_name_of_the_temporary_folder_is_heeded(self):
        self.write('base.c', BASE)
        tmp = os.path.join(self.folder, 'x' * 100)
        self.assertIn(tmp, self.run_in('tenon', 'cc', 'base.c', status=1,
                                       TMPDIR=tmp))
        os.mkdir(tmp)
        self.run_in('tenon', 'cc', 'base.c', TMPDIR=tmp)
        self.assertEqual(os.listdir(tmp), [])

    def test_bad_arguments_are_refused_with_a_sentence(self):
        self.write('base.c', BASE)
        self.write('a b.c', BASE)
        self.write('text.txt', BASE)
        for argv, why in (
                (['nope.c'], 'nope.c: No such file'),
                (['text.txt'], 'text.txt: sources end with'),
                (['a b.c'], 'a path with blanks'),
                (['-m', 'vax', 'base.c'], 'vax: modules are built for'),
                (['--profile=x', 'base.c'], 'the profiles are'),
                (['-n', '9', 'base.c'], '9: it does not begin'),
                (['--bad', 'base.c'], 'bad')):
            self.assertIn(why, self.run_in('tenon', 'cc', *argv, status=2))

    def test_says_where_the_makefile_is(self):
        path = self.run_in('tenon', 'cc', '--makefile').strip()
        self.assertEqual(os.path.realpath(path), os.path.realpath(
            f'{self.prefix}/share/tenon/module.mk'))


class Manual(Kit):
    def test_each_applet_has_a_man_page(self):
        for applet in re.findall(r'^  ([a-z]\w*) ',
                                 self.run_in('tenon', '--help'), re.M):
            names = (f'tenon-{applet}.1', f'{applet}.8', f'{applet}.1')
            self.assertTrue(any(
                os.path.exists(f'{self.prefix}/share/man/man{n[-1]}/{n}')
                for n in names), applet)


class Completion(Kit):
    def complete(self, *words):
        """What bash offers for the last of @words."""
        script = '''source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
read -ra spec < <(complete -p "$1")
"${spec[2]}"
printf '%s\\n' "${COMPREPLY[@]}"'''
        file = f'{self.prefix}/share/bash-completion/completions/tenon'
        text = self.run_in('bash', '--norc', '-c', script, 'bash', file,
                           *words)
        return text.split()

    def test_applets(self):
        every = self.complete('tenon', '')
        self.assertIn('run', every)
        self.assertIn('--version', every)
        self.assertEqual(self.complete('tenon', 'ne'), ['new'])

    def test_every_applet_is_completed_under_its_long_name(self):
        applets = re.findall(r'^  ([a-z]\w*) ',
                             self.run_in('tenon', '--help'), re.M)
        file = f'{self.prefix}/share/bash-completion/completions/tenon'
        for applet in applets:
            self.run_in('bash', '--norc', '-c',
                        'source "$1"; complete -p "$2"', 'bash', file,
                        f'tenon-{applet}')

    def test_options_are_those_of_the_help(self):
        for applet in ('run', 'cc', 'link', 'modpost'):
            text = self.run_in('tenon', applet, '--help')
            longs = set(re.findall(r'(?<![\w-])--[a-z][a-z-]*', text))
            offered = {o.rstrip('=') for o in
                       self.complete('tenon', applet, '--')}
            self.assertTrue(longs and longs <= offered, (applet, longs))

    def test_files_are_those_that_the_applet_takes(self):
        for name in ('a.ko', 'a.ko.xz', 'a.c', 'a.txt', 'a.o'):
            self.write(name, '')
        os.mkdir(os.path.join(self.folder, 'dir'))
        self.assertEqual(sorted(self.complete('tenon', 'run', '')),
                         ['a.ko', 'a.ko.xz', 'dir'])
        self.assertEqual(sorted(self.complete('tenon', 'cc', '')),
                         ['a.c', 'dir'])
        self.assertEqual(self.complete('tenon', 'run', 'a.ko.'), ['a.ko.xz'])
        self.assertEqual(self.complete('tenon', 'modpost', 'a'), ['a.o'])

    def test_commands_of_kmods_names_have_the_options_of_their_help(self):
        """Whoever is found under the name: kmod's here."""
        self.assertIn('--show-depends', self.complete('modprobe', '--show'))
        self.assertIn('--author', self.complete('modinfo', '--au'))
        self.assertIn('--force', self.complete('rmmod', '--'))
        self.write('x.ko', '')
        self.assertEqual(self.complete('insmod', 'x'), ['x.ko'])

    def test_is_installed_for_every_command_that_it_completes(self):
        folder = f'{self.prefix}/share/bash-completion/completions'
        for name in ('tenon', *KMOD):
            self.assertTrue(os.path.exists(os.path.join(folder, name)), name)


if __name__ == '__main__':
    unittest.main()
