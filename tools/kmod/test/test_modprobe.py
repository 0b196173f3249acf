# SPDX-License-Identifier: MIT
"""modprobe beside kmod's: order, configuration, aliases, messages, damage.

The trees are our own modules, and modules of the distribution's kernel where
they can be had; kmod's depmod writes their indexes.
"""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import child

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(TOP, 'oracle'))
import allocs           # noqa: E402  pylint: disable=wrong-import-position
import apt              # noqa: E402  pylint: disable=wrong-import-position
import fetch            # noqa: E402  pylint: disable=wrong-import-position
import kmod_pair        # noqa: E402  pylint: disable=wrong-import-position
import kmod_query       # noqa: E402  pylint: disable=wrong-import-position

VERSION = '1.0-test'
SLICE = 120             # Modules of the distribution's kernel.

# Names that random configurations are made of: modules of ours that need each
# other, modules that do not, aliases, and names that nobody knows.
NAMES = ['guest', 'greeter', 'user', 'provider', 'hello', 'params', 'weak',
         'test:params1', 'al-one', 'al_two', 'x[a-c]y', 'symbol:hello_add',
         'nosuch', 'g*', 'al?one', 'bad[']


def random_config(rng):
    """A file of modprobe.d, of which some lines are wrong."""
    lines = []
    for _ in range(rng.randrange(1, 12)):
        word = rng.choice(['alias', 'alias', 'options', 'softdep', 'softdep',
                           'blacklist', 'install', 'remove', '#', 'nonsense'])
        rest = [rng.choice(NAMES)]
        if word == 'alias':
            rest += [rng.choice(NAMES)] * rng.choice([1, 1, 1, 0])
        elif word == 'options':
            rest += [rng.choice(['a=1', 'b="x y"', r'c=\\d', '', ' e=1 '])]
        elif word == 'softdep':
            rest += rng.sample(NAMES, rng.randrange(0, 2))
            for list_ in rng.sample(['pre:', 'post:'], rng.randrange(0, 3)):
                rest += [list_, *rng.sample(NAMES, rng.randrange(0, 4))]
        elif word in ('install', 'remove'):
            rest.append(rng.choice(['/bin/true', '/bin/x $CMDLINE_OPTS', '']))
        line = rng.choice([' ', '  ', '\t']).join([word, *rest])
        lines.append(rng.choice(['', '', '', ' ']) + line.replace(
            ' ', rng.choice([' ', ' ', ' \\\n']), 1))
    return '\n'.join(lines) + rng.choice(['\n', '', '\n\n'])


def random_command(rng):
    """Arguments that go with such a configuration."""
    options = rng.sample(['-b', '-i', '-a', '-q', '-f', '--first-time',
                          '--ignore-install', '-vv'], rng.randrange(0, 3))
    verb = rng.choice([['-D'], ['-R'], ['-n', '-v'], ['-n'], ['-c'],
                       ['-D'], ['-R', '-a']])
    words = rng.sample(NAMES, rng.randrange(1, 3))
    if rng.randrange(3) == 0:
        words += ['p=1', 'q=a b', "r='c d'"]
    return [*verb, *options, *words]


def told(messages):
    """How many errors and warnings there are; kmod's -v adds much more."""
    return len(re.findall(rb'ERROR|WARNING|FATAL', messages))


def random_bytes(rng):
    """A file that may hold anything, words of configurations among it."""
    words = [b'alias', b'options', b'softdep', b'blacklist', b'install',
             b'remove', b'include', b'guest', b'user', b'pre:', b'post:',
             b'*', b'[a', b'a]', b'\xff\xfe', b'\0', b'\r', b'\v', b'\n', b'\n',
             b'\\\n', b'\\x', b' ', b'\t', b'"', b"'", b'#', b'=', b'a=1',
             b'x' * 300]
    return b''.join(rng.choice(words) + rng.choice([b' ', b' ', b'', b'\n'])
                    for _ in range(rng.randrange(1, 40)))


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if kmod_pair.theirs('modprobe') is None:
            raise unittest.SkipTest('kmod is not installed')
        cls.scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.root = cls.scratch.name
        kmod_pair.our_tree(cls.root, VERSION)
        cls.pair = kmod_pair.Pair('modprobe', cls.root, VERSION)

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.dir = scratch.name

    def config(self, text, name='test.conf'):
        path = os.path.join(self.dir, name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return path

    def same(self, *args, env=None):
        """Status, output and messages are kmod's; gives the output."""
        want, got = self.pair.both(*args, env=env)
        self.assertEqual(got, want, args)
        return got[1].decode()

    def ours(self, *args, env=None):
        status, out, err = kmod_pair.run(
            self.pair.ours, [*self.pair.where, *args], env)
        return status, out.decode(), err.decode()


class Order(Case):
    def test_dependencies_come_first(self):
        """proves: L14 L15"""
        out = self.same('-D', 'user')
        self.assertEqual([os.path.basename(line.split()[1])
                          for line in out.splitlines()],
                         ['provider.ko', 'user.ko'])

    def test_every_module_of_ours_is_shown_as_by_kmod(self):
        names = kmod_pair.modules_of(self.pair.tree)
        self.assertGreater(len(names), 20)
        cases = kmod_pair.modprobe_cases(
            names, kmod_pair.aliases_of(self.pair.tree, 40))
        self.assertEqual(self.pair.all_differences(cases), [])

    def test_soft_dependencies_stand_around_their_module(self):
        path = self.config('softdep guest pre: hello nosuch post: weak\n'
                           'softdep greeter pre: user\n')
        out = self.same('-C', path, '-D', 'guest')
        self.assertEqual(re.findall(r'(\w+)\.ko', out),
                         ['provider', 'user', 'greeter', 'hello', 'guest',
                          'weak'])

    def test_parameters_are_quoted_and_handed_on(self):
        for words in (['a b'], ['c=d e'], ['f="g h"'], ["i='j k'"],
                      ['q=a"b c"'], ["x='"], ['a=1', 'b=2']):
            self.same('-n', '-v', 'guest', *words)


class Configuration(Case):
    def test_random_configurations_mean_what_they_mean_to_kmod(self):
        for seed in range(300):
            rng = random.Random(seed)
            text, args = random_config(rng), random_command(rng)
            path = self.config(text)
            want, got = self.pair.both('-C', path, *args)
            self.assertEqual(got[:2], want[:2], (seed, text, args))
            # kmod names a place in its source; -q comes too late for it
            if '-q' not in args:
                self.assertEqual(told(got[2]), told(want[2]),
                                 (seed, text, args))

    def test_any_bytes_mean_what_they_mean_to_kmod(self):
        path = os.path.join(self.dir, 'test.conf')
        for seed in range(60):
            with open(path, 'wb') as file:
                file.write(random_bytes(random.Random(seed)))
            for args in (['-c'], ['-D', '-a', 'guest', 'user']):
                self.assertIsNone(self.pair.differs('-C', path, *args), seed)

    def test_files_are_read_in_the_order_of_their_names(self):
        for folder, names in (('one', ['b.conf', 'a.conf', '.h.conf', 'c.x',
                                       'k.alias', 'a.alias', '.alias',
                                       'c.alias.x', 'c.ALIAS', 'calias']),
                              ('two', ['B.conf', 'a.conf', 'd.conf', 'a.alias'])):
            os.mkdir(os.path.join(self.dir, folder))
            for name in names:
                self.config(f'alias {folder}-{name} guest\n',
                            os.path.join(folder, name))
        os.mkdir(os.path.join(self.dir, 'two/e.conf'))
        folders = [os.path.join(self.dir, name) for name in ('one', 'two')]
        for order in (folders, folders[::-1], ['/nonexistent'] + folders[:1]):
            paths = [word for folder in order for word in ('-C', folder)]
            want, got = self.pair.both(*paths, '-c')
            self.assertEqual(got[:2], want[:2])
            self.assertIn(b'alias one_b.conf guest\n', got[1])
            self.assertIn(b'alias one_k.alias guest\n', got[1])

    def test_bad_lines_are_told_with_file_and_line(self):
        path = self.config('alias a b\n\nalias x\ninclude y\n')
        status, _, err = self.ours('-C', path, '-c')
        self.assertEqual(status, 0)
        self.assertEqual(err.splitlines(), [
            f"modprobe: ERROR: {path} line 3: ignoring bad line starting "
            "with 'alias'",
            f'modprobe: ERROR: {path}: command include is deprecated and '
            'not parsed anymore'])

    def test_the_environment_puts_options_in_front(self):
        for text in ('-D', ' -D  -q ', "-D '-C' /dev/null", '-D "x',
                     '--show-depends -i', '-R -a params'):
            want, got = self.pair.both(
                'guest', env={'MODPROBE_OPTIONS': text.strip()})
            if "'" not in text and '  ' not in text.strip():
                self.assertEqual(got, want, text)
            self.assertEqual(self.ours(
                'guest', env={'MODPROBE_OPTIONS': text})[0], got[0], text)

    def test_install_commands_run_only_when_that_is_asked_for(self):
        mark = os.path.join(self.dir, 'mark')
        path = self.config(f'install guest echo $CMDLINE_OPTS > {mark}\n')
        self.same('-C', path, '-D', 'guest', 'a=1')
        self.assertFalse(os.path.exists(mark))

    def test_commands_find_in_their_environment_what_kmods_find(self):
        """The module is not in the tree, so kmod runs the command alone."""
        path = self.config('install zork env | grep ^MODPROBE | sort; '
                           'echo "$CMDLINE_OPTS"\n')
        ours = [*self.pair.ours, '--kernel', '--run-commands']
        for words in ('-v', '-q -s', '-v -v -C /nonexistent', '-b', ''):
            for env in ({}, {'MODPROBE_OPTIONS': '-f'}):
                args = [*self.pair.where, '-C', path, *words.split(), 'zork',
                        'x=a b']
                want = kmod_pair.run(self.pair.kmod, args, env)
                got = kmod_pair.run(ours, args, env)
                # kmod's own lines come last when it writes to a pipe
                self.assertEqual(sorted(got[1].splitlines()),
                                 sorted(want[1].splitlines()), (words, env))
                self.assertIn(b'MODPROBE_MODULE=zork', got[1])


class CommandLine(Case):
    """The kernel's, with another file in the place of /proc/cmdline."""

    LINES = [
        'quiet modprobe.blacklist=foo,bar-baz,,x modprobe.other=1 a-b.c-d=1 '
        'mod.flag mod2.opt="x y" "mod3.opt=z w" mod4.a.b=2 k=v.w=1 .x=1 y.=1',
        '"q r".s=1 m5.p=a"b c"d modprobe.blacklist modprobe.blacklist= m6.= '
        'm7.x=a,b=c "m8".x=1 m9."x"=1 [m].x=1 m]m.x=2 m10.x=1=2 -- m11.x=1',
        "m12.a='b c' m.x=1.5 a.b.c d.e.f=1 m2.x=\"1.5 2\" q\"u.x=1 \"n1.x=1 "
        'n2.x=2" after.z=1 p.q"r=1 s"=2 t.u==3 v..w=1 w.a=b.c.d x.y=" z a.b=1',
        'm.x=1\tn.y=2\nq.r=3 s.t=4',
        '"m20.flag" "m21.x=1" "m22.x=1"y "m23.x=" z"m24.x=1" ""m25.x=1 q',
        'm1.x=1 m2.y="a b', 'm.x=1 "modprobe.blacklist=a,b c" x.y=2',
        'm1.x="1\t2" "m2.x=\t3" m3.x="\t"']

    def test_options_and_blacklists_are_those_of_kmod(self):
        able = subprocess.run(['unshare', '-Urm', 'true'], check=False,
                              capture_output=True).returncode == 0
        if not able:
            self.skipTest('no user namespaces here')
        for line in self.LINES:
            path = self.config(line, 'cmdline')
            shell = ['unshare', '-Urm', 'sh', '-c',
                     f'mount --bind {path} /proc/cmdline && exec "$@"', 'sh']
            args = [*self.pair.where, '-C', '/nonexistent', '-c']
            want = kmod_pair.run(shell + self.pair.kmod, args)
            got = kmod_pair.run(shell + self.pair.ours, args)
            self.assertEqual(got[:2], want[:2], line)
            self.assertIn(b'options ', got[1])


class Messages(Case):
    def test_errors_are_those_of_kmod(self):
        for args in (['-D', 'nosuch'], ['-R', 'nosuch'], ['-q', '-D', 'nosuch'],
                     ['-a', '-D', 'guest', 'nosuch'], [], ['-D', 'bad['],
                     ['-D', ''], ['-w', 'x', '-n', 'guest'], ['-n', 'nosuch'],
                     ['-n', '-r', 'nosuch'], ['-n', '-r', '-a', 'nosuch'],
                     ['-n', '-r', 'guest'], ['-n', '-s', '-v', 'guest']):
            self.same(*args)

    def test_usage_errors_end_with_1(self):
        for args in (['--bogus'], ['-w'], ['-Z', 'guest'], ['-C']):
            want, got = self.pair.both(*args)
            self.assertEqual((got[0], got[1]), (want[0], want[1]), args)
            self.assertEqual(got[2].split(b': ', 1)[1],
                             want[2].split(b': ', 1)[1])

    def test_no_mixture_of_options_ends_by_a_signal(self):
        """Dry runs: of kmod's options with its status, of ours with one."""
        theirs = ['-a', '-r', '-R', '-D', '-c', '-q', '-b', '-i', '-f', '-v',
                  '--first-time', '--remove-holders', '--show-exports',
                  '--show-modversions', '-w1']
        ours = ['--explain', '--json', '--provides=hello_add']
        names = ['guest', 'nosuch', 'hello', 'symbol:hello_add', 'a=1',
                 os.path.join(self.pair.tree, 'kernel/guest.ko')]
        for seed in range(300):
            rng = random.Random(seed)
            args = ['-n', *rng.sample(theirs, rng.randrange(5)),
                    *rng.sample(names, rng.randrange(3))]
            with self.subTest(args):
                self.assertIsNone(self.pair.differs(*args))
                self.assertIn(self.ours(*args, *rng.sample(
                    ours, rng.randrange(1, 3)))[0], (0, 1))

    def test_without_a_host_or_kernel_removal_is_shown(self):
        for args in (['-D', '-r', '--remove-holders', 'guest'],
                     ['-n', '-v', '-r', '--remove-holders', 'guest']):
            self.assertIsNone(self.pair.differs(*args))
        status, out, err = self.ours(
            '--socket', os.path.join(self.dir, 'nobody'), '-R', '-r', 'guest')
        self.assertEqual((status, out), (1, ''))
        self.assertIn('--kernel', err)

    def test_without_a_host_or_kernel_nothing_is_loaded(self):
        status, out, err = self.ours(
            '--socket', os.path.join(self.dir, 'nobody'), 'guest')
        self.assertEqual((status, out), (1, ''))
        self.assertIn('--kernel', err)


class Kernel(Case):
    """A Linux with modules: another folder in the place of /sys/module."""

    # name, references, state, who uses it
    LOADED = (('greeter', 1, 'live', ['guest']), ('guest', 0, 'live', []),
              ('provider', 1, 'live', ['user']), ('user', 0, 'live', []),
              ('hello', 2, 'live', []), ('weak', 0, 'live', []),
              ('params', 1, 'coming', []))
    CASES = (
        ('', '-r guest'), ('', '-r greeter'), ('', '-r user guest'),
        ('', '-r --remove-holders greeter'), ('', '-r hello'),
        ('', '-r params'), ('', '-r nosuch guest'), ('', '-r -a nosuch guest'),
        ('', '-r -q hello guest'), ('', '-r -a hello weak'),
        ('', '-r -D guest'), ('', '-r -D greeter'), ('', '-r -D permanent'),
        ('', '-r -D --remove-holders greeter'), ('', '-r -D -R greeter'),
        ('', '-r -R guest'), ('', '-r -w 100 hello'),
        ('', '-r --first-time permanent'),
        ('', '-r permanent guest'), ('', 'guest'), ('', 'user weak'),
        ('', '--first-time guest'), ('', '-a guest permanent hello'),
        ('', 'params'), ('', '-D guest'),
        ('softdep guest pre: weak post: user', '-r guest'),
        ('softdep guest pre: hello', '-r guest'),
        ('softdep guest pre: hello post: weak', '-r -a guest user'),
        ('softdep guest post: hello', '-r guest'),
        ('remove guest /bin/x', '-r guest'),
        ('remove guest /bin/x', '-r -i guest'),
        ('remove hello /bin/x', '-r hello'),
        ('remove greeter /bin/x', '-r guest'),
        ('remove zork /x\nsoftdep zork pre: guest post: weak', '-r zork'),
        ('alias zz guest\nalias zz hello', '-r zz'),
        ('softdep permanent pre: guest params post: roafter', 'permanent'))

    def setUp(self):
        super().setUp()
        sys_module = os.path.join(self.dir, 'sys')
        for name, refs, state, holders in self.LOADED:
            folder = os.path.join(sys_module, name)
            os.makedirs(os.path.join(folder, 'holders'))
            for holder in holders:
                os.symlink(f'../../{holder}',
                           os.path.join(folder, 'holders', holder))
            for file, text in (('refcnt', refs), ('initstate', state)):
                with open(os.path.join(folder, file), 'w',
                          encoding='ascii') as out:
                    out.write(f'{text}\n')
        self.shell = ['unshare', '-Urm', 'sh', '-c',
                      f'mount --bind {sys_module} /sys/module && exec "$@"',
                      'sh']
        if subprocess.run([*self.shell, 'true'], check=False,
                          capture_output=True).returncode != 0:
            self.skipTest('no user namespaces here')

    def test_what_is_loaded_decides_as_it_does_for_kmod(self):
        """proves: L14 L16 L20"""
        for text, words in self.CASES:
            args = [*self.pair.where, '-C', self.config(text), '-n', '-v',
                    *words.split()]
            want = kmod_pair.run(self.shell + self.pair.kmod, args)
            got = kmod_pair.run(self.shell + [*self.pair.ours, '--kernel'],
                                args)
            self.assertEqual(got, want, (text, words))

    def test_soft_dependencies_in_a_circle_are_told(self):
        path = self.config('softdep guest pre: user\nsoftdep user pre: guest')
        status, out, err = kmod_pair.run(
            self.shell + [*self.pair.ours, '--kernel'],
            [*self.pair.where, '-C', path, '-r', '-n', '-v', 'guest'])
        self.assertEqual((status, out), (1, b'rmmod guest\nrmmod user\n'))
        self.assertIn(b'in a circle', err)


class Host(Case):
    """A module host, into which modules are really loaded."""

    def setUp(self):
        super().setUp()
        self.socket = os.path.join(self.dir, 'socket')
        host = child.start(
            self, [os.path.join(TOP, 'build/host/bin/tenon'), 'host',
                   '--socket', self.socket],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(host.wait, 60)
        self.addCleanup(host.terminate)
        self.assertIn(b'serving', host.stdout.readline())

    def modprobe(self, *args):
        return self.ours('--socket', self.socket, '-C', '/nonexistent', *args)

    def loaded(self):
        """The names that lsmod shows."""
        _, out, _ = kmod_pair.run([kmod_pair.OURS, 'lsmod'],
                                  ['--socket', self.socket])
        return {line.split()[0] for line in out.decode().splitlines()[1:]}

    def test_a_module_comes_with_what_it_needs_and_goes_with_it(self):
        """proves: L14 L16"""
        status, out, err = self.modprobe('-v', 'user')
        self.assertEqual((status, err), (0, ''))
        self.assertEqual(re.findall(r'(\w+)\.ko', out), ['provider', 'user'])
        self.assertEqual(self.loaded(), {'provider', 'user'})
        self.assertEqual(self.modprobe('user'), (0, '', ''))
        self.assertEqual(self.modprobe('--first-time', 'user')[0], 1)
        self.assertEqual(self.modprobe('-r', '-v', 'user'),
                         (0, 'rmmod user\nrmmod provider\n', ''))
        self.assertEqual(self.loaded(), set())

    def test_a_module_in_use_stays(self):
        """proves: L20"""
        self.assertEqual(self.modprobe('user')[0], 0)
        status, _, err = self.modprobe('-r', 'provider')
        self.assertEqual((status, err), (
            1, 'modprobe: FATAL: Module provider is in use.\n'))
        self.assertEqual(self.loaded(), {'provider', 'user'})

    def test_a_refusal_is_told_in_the_words_of_the_host(self):
        status, _, err = self.modprobe('missing')
        self.assertEqual(status, 1)
        self.assertIn("could not insert 'missing'", err)
        self.assertIn('memcopy (nearest: memcpy)', err)
        status, _, err = self.modprobe('greeter', 'times=9')
        self.assertEqual(status, 1)
        self.assertIn('not within 1 to 5', err)
        self.assertEqual(self.loaded(), set())


class Beyond(Case):
    def test_explain_says_why_each_module_is_loaded(self):
        path = self.config('softdep greeter post: hello\noptions guest a=1\n')
        status, out, _ = self.ours(
            '-C', path, '--explain', 'guest')
        self.assertEqual(status, 0)
        self.assertEqual(out.splitlines(), [
            'greeter: guest needs it',
            f'hello: softdep post of greeter ({path} line 1)',
            'guest: requested',
            f'    options a=1: {path} line 2'])

    def test_a_symbol_leads_to_who_exports_it(self):
        self.assertEqual(self.ours('--provides', 'greeter_greet')[:2],
                         (0, 'greeter\n'))
        status, _, err = self.ours('--provides', 'no_such_symbol')
        self.assertEqual(status, 1)
        self.assertIn('no_such_symbol', err)

    def test_json_has_a_line_for_each_action(self):
        import json
        status, out, _ = self.ours('-D', '--json', 'guest', 'a="b"')
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(status, 0)
        self.assertEqual([(x['module'], x['why'], x['of']) for x in lines],
                         [('greeter', 'dependency', 'guest'),
                          ('guest', 'requested', None)])
        self.assertEqual(lines[1]['options'], 'a="b"')


class Damage(Case):
    """A tree whose indexes are cut off or changed."""

    def damaged(self, change):
        root = os.path.join(self.dir, 'tree')
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(self.root, root)
        path = os.path.join(root, 'lib/modules', VERSION, 'modules.dep.bin')
        with open(path, 'rb') as file:
            data = bytearray(file.read())
        with open(path, 'wb') as file:
            file.write(change(data))
        return kmod_pair.run(self.pair.ours, ['-d', root, '-S', VERSION,
                                              '-D', 'guest'])

    def test_another_magic_number_is_told(self):
        status, _, err = self.damaged(lambda data: b'\0' + data[1:])
        self.assertEqual(status, 1)
        self.assertIn(b'modules.dep.bin is not an index of depmod', err)

    def test_every_cut_and_flip_ends_with_a_status(self):
        told = 0
        with open(os.path.join(self.pair.tree, 'modules.dep.bin'),
                  'rb') as file:
            size = len(file.read())
        for at in range(0, size, max(1, size // 60)):
            def flip(data, at=at):
                data[at] ^= 0xff
                return data
            for change in (flip, lambda data, at=at: data[:at]):
                status, _, err = self.damaged(change)
                self.assertIn(status, (0, 1))
                told += b'damaged' in err
        self.assertGreater(told, 0)

    def test_a_missing_file_of_a_dependency_is_named(self):
        root = os.path.join(self.dir, 'tree')
        shutil.copytree(self.root, root)
        os.unlink(os.path.join(root, 'lib/modules', VERSION,
                               'kernel/greeter.ko'))
        pair = kmod_pair.Pair('modprobe', root, VERSION)
        want, got = pair.both('-D', 'guest')
        self.assertEqual(got[:2], want[:2])
        self.assertIn(b'greeter.ko, which modules.dep names: No such file',
                      got[2])
        path = os.path.join(pair.tree, 'kernel/greeter.ko')
        os.symlink(path, path)
        want, got = pair.both('-D', 'guest')
        self.assertEqual(got[:2], want[:2])
        self.assertIn(b'Too many levels of symbolic links', got[2])


class Memory(Case):
    """Each allocation fails once, at every position."""

    def test_no_memory_is_told_at_every_position(self):
        path = self.config('softdep guest pre: hello weak\noptions guest a=1\n'
                           + 'options long x=' + 'y' * 40000 + '\n')
        for command, args in (
                ('modprobe', ['-C', path, '-D', 'guest', 'b=2']),
                ('modprobe', ['-C', path, '--explain', 'test:params1']),
                ('modinfo', ['guest', 'hello'])):
            pair = kmod_pair.Pair(command, self.root, VERSION)
            good = kmod_pair.run(pair.ours, [*pair.where, *args])
            failed = 0
            for at, (status, out, err) in allocs.each_failure(
                    self.dir, lambda env: kmod_pair.run(
                        pair.ours, [*pair.where, *args],
                        {'MODPROBE_OPTIONS': '-b', **env})):
                self.assertIn(status, (0, 1), (at, err))
                # whoever succeeds has done all, or has said what is missing
                self.assertTrue(err or (status == 0 and out == good[1]),
                                (at, status, out, err))
                failed += status
            self.assertEqual((status, out), good[:2])
            print(f'{command}: {failed} positions of {at}')
            self.assertGreater(failed, 5)


class Distribution(unittest.TestCase):
    def test_a_slice_of_the_distribution_kernel_is_as_by_kmod(self):
        try:
            with fetch.Store() as store:
                pin, folder = store.trees(('slice',), 'amd64')[0]
        except apt.Unavailable as error:
            self.skipTest(str(error))
        with tempfile.TemporaryDirectory() as root:
            version = kmod_query.tree_of(folder, root)
            pair = kmod_pair.Pair('modprobe', root, version)
            names = kmod_pair.modules_of(pair.tree)
            self.assertGreater(len(names), 1000, pin)
            rng = random.Random(7)
            cases = kmod_pair.modprobe_cases(
                rng.sample(names, SLICE),
                kmod_pair.aliases_of(pair.tree, SLICE))
            self.assertEqual(pair.all_differences(cases), [])


if __name__ == '__main__':
    unittest.main()
