# SPDX-License-Identifier: MIT
"""depmod against kmod's: the same files, messages and exit status.

Trees are written by komod.py, from fixed seeds where they are random.  kmod 30
runs in a bounded process, because it does not end on some cycles.
"""
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import unittest

import allocs
import komod
from komod import Module

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), '../../..'))
TENON = os.path.join(TOP, 'build/host/bin/tenon')
sys.path.append(os.path.join(TOP, 'oracle'))

import kmod_pair  # noqa: E402
from kmod_depmod import KMOD, LISTS, OUTPUTS  # noqa: E402


def bounded():
    """In the child: no more than a gigabyte and ten seconds."""
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(program, *args, **more):
    return subprocess.run([*program, *args], capture_output=True, timeout=60,
                          stdin=subprocess.DEVNULL, check=False, **more)


def tenon(*args, **more):
    return run((TENON, 'depmod'), *args, **more)


def kmod(*args):
    return run((KMOD,), *args, preexec_fn=bounded)


def outcome(done):
    """What a caller sees, whoever has done it."""
    text = done.stderr.decode('latin-1').replace(KMOD, 'depmod')
    return (done.returncode, done.stdout,
            text.replace('tenon depmod', 'depmod'))


def simple(name, exports=(), imports=(), info=(), **more):
    return Module([('name', name), *info], {e: 1 for e in exports}, imports,
                  **more)


def walk(folder):
    """The paths of all files below a folder."""
    return [os.path.relpath(os.path.join(top, name), folder)
            for top, _, names in os.walk(folder) for name in names]


def plain(path):
    """A path as modules.order has it."""
    return path.split('.ko')[0] + '.ko'


class Case(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.dir = scratch.name

    def tree(self, modules=(), lists=True, name='tree'):
        """A tree of {path: Module}, with empty lists unless told otherwise."""
        tree = komod.Tree(os.path.join(self.dir, name))
        for path, module in dict(modules).items():
            tree.write(path, module)
        if lists:
            for path in LISTS:
                tree.write(path, '')
            tree.write('modules.order', [plain(p) for p in dict(modules)])
        return tree

    def take(self, tree):
        """{name: bytes} of the written files, which are removed."""
        found = {}
        for name in os.listdir(tree.folder):
            if name.startswith('modules.') and name not in LISTS:
                with open(tree.path(name), 'rb') as f:
                    found[name] = f.read()
                os.unlink(tree.path(name))
        return found

    def both(self, tree, *args, version=True):
        """(outcome, files) of kmod and of ours, of one tree."""
        args = ('-b', tree.base, *args, *([tree.release] if version else []))
        results = []
        for program in (kmod, tenon):
            done = program(*args)
            results.append((outcome(done), self.take(tree)))
        return results

    def same(self, tree, *args, status=0, **more):
        """Both do the same; the files."""
        theirs, mine = self.both(tree, *args, **more)
        self.assertEqual(mine[0], theirs[0])
        self.assertEqual(sorted(mine[1]), sorted(theirs[1]))
        for name, data in theirs[1].items():
            self.assertEqual(mine[1][name], data, name)
        self.assertEqual(mine[0][0], status)
        return mine[1]

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='latin-1') as f:
            f.write(text)
        return path


class Files(Case):
    def test_modules_dep_has_the_nearest_first(self):
        """proves: L15"""
        files = self.same(self.tree({
            'kernel/a.ko': simple('a', ['a'], ['b', 'c', 'printk']),
            'kernel/b-x.ko': simple('b', ['b'], ['c']),
            'kernel/c.ko': simple('c', ['c']),
        }))
        self.assertEqual(files['modules.dep'],
                         b'kernel/a.ko: kernel/b-x.ko kernel/c.ko\n'
                         b'kernel/b-x.ko: kernel/c.ko\nkernel/c.ko:\n')
        self.assertEqual(sorted(files), sorted(OUTPUTS))

    def test_it_works_under_its_own_name(self):
        tree = self.tree({'k/a.ko': simple('a', ['a'])})
        link = os.path.join(self.dir, 'depmod')
        os.symlink(TENON, link)
        done = run((link,), '-b', tree.base, tree.release)
        self.assertEqual(outcome(done), (0, b'', ''))
        self.assertEqual(self.take(tree)['modules.dep'], b'k/a.ko:\n')

    def test_aliases_soft_dependencies_and_devices(self):
        self.same(self.tree({
            'k/b.ko': simple('b', info=[
                ('alias', 'x_y'), ('alias', 'pr\xe4'), ('alias', 'x-y'),
                ('alias', 'char-major-1-2')]),
            'k/a.ko': simple('a', info=[
                ('alias', 'x-y'), ('alias', 'x-y[-a-]-'), ('alias', 'p[q'),
                ('alias', 'p]q'), ('alias', ''), ('alias', 'sp ace'),
                ('alias', 'x-y'), ('softdep', 'pre: x'), ('softdep', ''),
                ('alias', None), ('junk', None), ('', 'v'),
                ('softdep', 'post: z'), ('ALIAS', 'no')]),
            'k/c.ko': simple('c', info=[
                ('alias', 'block-major-1-*'), ('alias', 'devname:x/y')]),
            'k/d.ko': simple('d', info=[
                ('alias', 'block-major-7-8x'), ('alias', 'char-major-9-9'),
                ('alias', 'devname:one'), ('alias', 'devname:two')]),
            'k/e.ko': simple('e', info=[
                ('alias', 'devname:one'), ('alias', 'devname:two'),
                ('alias', 'block-major- 7-+8')]),
            'k/f.ko': simple('f', info=[
                ('alias', 'devname:one'),
                ('alias', 'char-major-4294967297--1')]),
        }), '-w')

    def test_of_two_exporters_the_later_one_counts(self):
        modules = {'k/a.ko': simple('a', ['s', 't']),
                   'k/b.ko': simple('b', ['s']),
                   'k/c.ko': simple('c', [], ['s', 't'])}
        self.same(self.tree(modules), '-w')
        tree = self.tree(modules, name='other')
        tree.write('modules.order', ['k/b.ko', 'k/a.ko'])
        self.same(tree, '-v')

    def test_exports_with_and_without_versions(self):
        for crcs in ('section', 'absolute', None):
            self.same(self.tree({
                'k/p.ko': simple('p', ['s1', 's2', '.dot', '_us'], crcs=crcs),
                'k/u.ko': simple('u', [], [
                    ('s1', {'weak': True}), ('_us', {'unversioned': True})]),
                'k/v.ko': simple('v', [], [('s2', {'only_version': True})]),
                'k/w.ko': simple('w', [], ['dot', 's1'], versions=False),
                'k/x.ko': simple('x', [], ['..dot', '.s1']),
            }, name=str(crcs)))

    def test_packed_modules(self):
        """By content; Debian's kmod does not look at .gz."""
        self.same(self.tree({
            'k/a.ko.xz': simple('a', ['a'], ['b']),
            'k/b.ko.zst': simple('b', ['b'], ['c']),
            'k/c.ko': simple('c', ['c'])}))
        tree = self.tree({'k/g.ko.gz': simple('g', ['g'], info=[
            ('alias', 'of:g')])}, name='gz')
        self.assertEqual(outcome(tenon('-b', tree.base, tree.release)),
                         (0, b'', ''))
        files = self.take(tree)
        self.assertEqual(files['modules.dep'], b'k/g.ko.gz:\n')
        self.assertIn(b'alias of:g g\n', files['modules.alias'])

    def test_what_is_built_in(self):
        tree = self.tree()
        for lines in (['kernel/a-b.ko', 'x', 'kernel/c.ko.xz', '', '/abs/d.ko',
                       'kernel/a-b.ko', 'kernel/.ko', 'q.ko q', '1.ko'],
                      'k/a.ko', ' k/a.ko\nk/a\n', 'k/a.ko \nk/\n',
                      'k/a-[-].ko\n', 'a' * 5000 + '\nk/b.ko\n'):
            tree.write('modules.builtin', lines)
            with self.subTest(lines):
                self.same(tree)
        for text in ('a.alias=x\0b.alias=x\0c.alias=x\0',
                     'a.alias=foo-bar\0b.alias=p[q\0b.license=x\0'
                     'a.alias=foo-bar\0c.alias=zz\0', 'noprefix\0',
                     'a.alias=x\0noprefix\0b.alias=y\0', '\0\0a.alias=x\0',
                     'a.alias=x\0.q=1\0b.alias=y\0', '.alias=x\0',
                     'a.alias=x\0b.alias=q\0b.alias=y', '', 'zz',
                     'a.alias=x\0a.file=k/a\0b.alias=a\0a.alias=late\0'):
            tree.write('modules.builtin.modinfo', text)
            with self.subTest(text):
                self.same(tree)

    def test_lists_that_are_missing_are_told(self):
        self.same(self.tree(lists=False))
        self.same(self.tree({'k/a.ko': simple('a')}, lists=False, name='one'))


class Order(Case):
    def test_modules_come_as_in_kmods_tables(self):
        names = [f'm{i}' for i in range(700)] + list('abcdefghij')
        tree = self.tree({f'k/{n}.ko': simple(n, [n + '_s', n * 3], [
            names[(i * 7) % 50] + '_s'] if i > 50 else [])
            for i, n in enumerate(names)})
        for lines in ('', ['k/f.ko', 'k/none.ko', '', 'k/a.ko', 'k/f.ko',
                           'k/m8.ko'], 'k/f.ko\nk/b.ko'):
            tree.write('modules.order', lines)
            self.same(tree)

    def test_folders_that_are_left_out_and_odd_names(self):
        tree = self.tree({path: simple('x') for path in (
            'a.b.ko', '.h.ko', 'ko', '.ko', 'x.ko.ko', 'UP.ko', 'sp ace.ko',
            'build/a.ko', 'source/b.ko', 'k/build/c.ko', '.d/e.ko', 'x.kom',
            'q.ko.xz.bak', 'dir.ko/in.ko')})
        os.symlink('a.b.ko', tree.path('ln.ko'))
        os.symlink('none', tree.path('dang.ko'))
        os.symlink('k', tree.path('lk'))
        os.mkfifo(tree.path('ff.ko'))
        self.same(tree)

    def test_a_link_that_leads_back_ends(self):
        tree = self.tree({'k/a.ko': simple('a')})
        os.symlink('..', tree.path('k/up'))
        done = tenon('-b', tree.base, tree.release)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b'k/up leads back to a folder that it is in',
                      done.stderr)
        self.assertEqual(self.take(tree)['modules.dep'], b'k/a.ko:\n')


class Configuration(Case):
    def test_which_of_several_files_counts(self):
        folders = ('kernel', 'updates', 'updates2', 'extra', 'weak-updates',
                   'kernel/updates')
        tree = self.tree({d + '/m.ko': simple('m') for d in folders})
        for text in (
                '', 'search extra', 'search extra built-in updates',
                'search built-in', 'search updates\nsearch extra',
                'search extra\nsearch updates', 'search ext', 'search kernel',
                'search ./kernel', 'search kernel/updates updates built-in',
                'override m * extra', 'override m 6.1 weak-updates',
                'override m nope extra', 'override m * weak-updates/',
                'override m .* extra', 'override m', 'override m *',
                'foo bar', 'include x\nmake_map_files no',
                'exclude extra updates', 'exclude kernel', 'exclude m.ko',
                '#x\n \n\t\nsearch \\\n extra', 'search', '  search extra',
                'override m * extra\noverride m * kernel', 'q\r',
                'override\\\n x y\\\nz\nlast', 'external *', 'external'):
            with self.subTest(text):
                self.same(tree, '-C', self.write('c.conf', text + '\n'))

    def test_external_folders(self):
        tree = self.tree({'kernel/m.ko': simple('m', ['s']),
                          'kernel/u.ko': simple('u', [], ['s', 'es'])})
        folders = [os.path.join(self.dir, e) for e in ('e1', 'e2', 'e3')]
        for folder in folders:
            name = os.path.basename(folder)
            os.makedirs(folder + '/sub')
            for path in (f'{folder}/sub/m.ko', f'{folder}/{name}.ko'):
                with open(path, 'wb') as f:
                    f.write(simple(name, ['s', 'es']).data())
        for text in ('external * {0}', 'external * {0} {1}\n'
                     'search external built-in', 'external 6.1 {0}\n'
                     'search built-in external', 'external nope {0}',
                     'external * {0}/\nsearch external',
                     'external * {0}\nexternal * {1}\nsearch external',
                     'external * {1}\nexternal * {0}\nexternal * {2}\n'
                     'search kernel external updates',
                     'external * /nowhere', 'external * ' + tree.folder):
            with self.subTest(text):
                self.same(tree, '-C', self.write(
                    'c.conf', text.format(*folders) + '\n'))

    def test_random_configurations(self):
        """Fixed seeds: folders, overrides and searches in any mixture."""
        folders = ('kernel', 'updates', 'extra', 'kernel/sub', 'a/b')
        for seed in range(40):
            rng = random.Random(seed)
            tree = self.tree({f'{d}/{m}.ko': simple(m)
                              for d in folders for m in ('m', 'n-x', 'o')
                              if rng.random() < .7}, name=f'tree{seed}')
            lines = [rng.choice((
                'search ' + ' '.join(rng.sample(folders + (
                    'built-in', 'external'), rng.randint(1, 4))),
                f'override {rng.choice(("m", "n-x", "n_x"))} * '
                f'{rng.choice(folders)}',
                f'external * {tree.folder}/{rng.choice(folders)}',
                f'exclude {rng.choice(("sub", "b", "m.ko"))}'))
                for _ in range(rng.randint(0, 4))]
            with self.subTest(seed=seed, lines=lines):
                self.same(tree, '-C', self.write(
                    'c.conf', ''.join(line + '\n' for line in lines)))

    def test_folders_of_configuration(self):
        tree = self.tree()
        for path in ('d/a.conf', 'd/z', 'd/.h.conf', 'd/b.conf', 'd/B.conf',
                     'd2/a.conf', 'd2/c.conf'):
            self.write(path, f'bad-{path}\n')
        os.mkdir(os.path.join(self.dir, 'd/sub.conf'))
        os.symlink('none', os.path.join(self.dir, 'd/d.conf'))
        first, second = (os.path.join(self.dir, n) for n in ('d', 'd2'))
        self.same(tree, '-C', first)
        self.same(tree, '-C', first, '-C', second)
        self.same(tree, '-C', first + '/z', '-C', second, '-C', first)
        self.same(tree, '-C', '/nowhere')


class Options(Case):
    def test_help_names_kmods_options(self):
        mine, theirs = tenon('--help'), kmod('--help')
        self.assertEqual((mine.returncode, theirs.returncode), (0, 0))
        self.assertTrue(mine.stdout.startswith(theirs.stdout))
        self.assertEqual(tenon('-V').returncode, 0)

    def test_versions_and_names(self):
        tree = self.tree({'k/a.ko': simple('a', ['a'], ['b']),
                          'k/b.ko': simple('b', ['b'])})
        a, b = tree.path('k/a.ko'), tree.path('k/b.ko')
        for args in (['x'], ['6.9.9'], ['6'], ['.6'], ['06.1'], [a],
                     [tree.release, 'rel.ko'], [tree.release, '/no/y.ko'],
                     [tree.release, b, a], [tree.release, '-a', a],
                     ['-n', tree.release, a, b], ['6.9.9', a]):
            with self.subTest(args):
                theirs, mine = self.both(tree, *args, version=False)
                self.assertEqual(mine, theirs)
        theirs, mine = self.both(tree, tree.release, a, a, version=False)
        self.assertEqual(mine[0][0], theirs[0][0])
        self.assertIn('could not add module', mine[0][2])

    def test_quick_looks_at_times(self):
        tree = self.tree({'k/a.ko': simple('a'), 'k/s/b.ko': simple('b')})
        cases = ((5e8, 5e8, 1e9), (2e9, 5e8, 1e9), (5e8, 2e9, 1e9),
                 (1e9, 5e8, 1e9), (1e9 + .5, 5e8, 1e9), (5e8, 5e8, None))
        for case in cases:
            for args in (['-A'], ['-A', '-a'], ['-A', '-n']):
                seen = [self.quick(tree, program, case, args)
                        for program in (kmod, tenon)]
                self.assertEqual(seen[1], seen[0], (case, args))
        os.rename(tree.folder, tree.folder + '-gone')
        self.assertEqual(outcome(tenon('-A', '-b', tree.base, tree.release)),
                         outcome(kmod('-A', '-b', tree.base, tree.release)))

    def quick(self, tree, program, times, args):
        a, b, dep = times
        self.take(tree)
        if dep is not None:
            tree.write('modules.dep', 'old')
            os.utime(tree.path('modules.dep'), (dep, dep))
        os.utime(tree.path('k/a.ko'), (a, a))
        os.utime(tree.path('k/s/b.ko'), (b, b))
        done = program('-b', tree.base, *args, tree.release)
        return outcome(done), self.take(tree)

    def test_symbols_of_the_kernel(self):
        tree = self.tree({
            'k/p.ko': simple('p', ['s1', 's2', '_us']),
            'k/u.ko': simple('u', [], [
                's1', 'kern', 'none', ('wk', {'weak': True}),
                ('kern2', {'crc': 5}), '__this_module', 'TOC.', '.TOC.',
                '_GLOBAL_OFFSET_TABLE_', ('s2', {'crc': 1}), '_us',
                ('only', {'only_version': True})])})
        for text in ('0x5\tkern2\tvmlinux\tE\n0x1\tkern\tvmlinux\tE\n'
                     '0x1\ts1\tk/p\tE\nbad\n0x9\tnone vmlinux\n',
                     '0x1 kern vmlinux E\n5\tkern2\tvmlinux', '', '\n',
                     '0x100000001\tkern\tvmlinux\tE\n'
                     '0x1\t_kern2\tvmlinux\tE\n-1\tkern\tvmlinux\tE\n'):
            for args in ([], ['-e'], ['-e', '-P', '_'], ['-e', '-v']):
                with self.subTest(text, args=args):
                    self.same(tree, '-E', self.write('symbols', text), *args)
        for text in ('f T __ksymtab_kern\nf r __ksymtab_kern2\n7 A __crc_x\n'
                     'bad line here x\n\nf R\nf r __ksymtab_none y\n',
                     'a  r __ksymtab_kern\n', 'a\tr\t__ksymtab_kern\n',
                     '  __ksymtab_kern\na r __ksymtab__kern2\n'
                     'a r __ksymtab_none'):
            for args in ([], ['-e'], ['-e', '-P', '_'],
                         ['-e', '-E', '/dev/null']):
                with self.subTest(text, args=args):
                    self.same(tree, '-F', self.write('symbols', text), *args)


class Cycles(Case):
    def cycle(self, graph):
        return self.tree({f'k/{n}.ko': simple(n, [n + '_s'], [
            need + '_s' for need in needs]) for n, needs in graph.items()},
            name=''.join(graph) + str(len(os.listdir(self.dir))))

    def test_cycles_are_told_and_nothing_is_written(self):
        for graph in (dict(a='b', b='a'), dict(a='b', b='c', c='a'),
                      dict(a='b', b='c', c='a', d='a'), dict(e='e'),
                      dict(d='a', a='b', b='c', c='a'),
                      dict(a='b', b='az', z=''),
                      dict(f='gh', g='f', h='f', i=''),
                      dict(a='b', b='a', c='d', d='c')):
            with self.subTest(graph):
                self.assertEqual(self.same(self.cycle(graph), status=1), {})

    def test_knots_that_kmod_cannot_tell(self):
        tree = self.cycle(dict(a='bc', b='ac', c='ab', d='a', e=''))
        done = tenon('-b', tree.base, tree.release)
        self.assertEqual(done.returncode, 1)
        lines = done.stderr.decode().splitlines()
        self.assertEqual(lines, ['depmod: ERROR: Cycle detected: a -> c -> a',
                                 'depmod: ERROR: Cycle detected: a -> b -> a',
                                 'depmod: ERROR: Found 3 modules in '
                                 'dependency cycles!'])
        self.assertEqual(self.take(tree), {})


def random_info(rng, name):
    info = [('license', 'GPL'), ('name', name)]
    for _ in range(rng.choice((0, 0, 2, 9))):
        info.append(rng.choice((
            ('alias', f'pci:v{rng.getrandbits(8):08X}d*sv*'),
            ('alias', f'of:N*T*C{rng.choice("abc")},x-{rng.randint(0, 9)}'),
            ('alias', f'{"ab" * rng.randint(0, 3)}[{"-a" * 2}]-q'),
            ('alias', f'char-major-{rng.randint(0, 9)}-{rng.randint(0, 9)}'),
            ('alias', f'devname:{name}/{rng.randint(0, 3)}'),
            ('softdep', f'pre: {rng.randint(0, 9)}'))))
    return info


def random_modules(rng):
    """{path: Module}: what is needed comes later, so there are no cycles."""
    names = [rng.choice(('', 'x-', 'long_name_')) + f'{i:x}' * 2
             for i in range(rng.randint(1, 120))]
    suffixes = rng.choice((('.ko',), ('.ko', '.ko.xz', '.ko.zst')))
    exports = {n: [f'{n}_{k}' for k in range(rng.choice((0, 1, 3)))]
               for n in names}
    found = {}
    for i, name in enumerate(names):
        later = [e for n in names[i + 1:] for e in exports[n]]
        needs = rng.sample(later, min(len(later), rng.choice((0, 1, 5))))
        needs += ['printk', 'memcpy'][:rng.randint(0, 2)]
        mine = exports[name] + (['twice'] if rng.random() < .1 else [])
        folder = rng.choice(('kernel/a', 'kernel/b/c', 'extra', 'updates'))
        found[f'{folder}/{name}{rng.choice(suffixes)}'] = Module(
            random_info(rng, name), {e: rng.getrandbits(32) for e in mine},
            [(n, {'weak': rng.random() < .1, 'crc': rng.getrandbits(3),
                  'unversioned': rng.random() < .05}) for n in needs],
            crcs=rng.choice(('section', 'absolute', None)),
            versions=rng.random() < .8,
            machine=rng.choice(sorted(komod.MACHINES)))
    return found


class Random(Case):
    def test_random_trees(self):
        """proves: L15"""
        for seed in range(30):
            rng = random.Random(seed)
            modules = random_modules(rng)
            tree = self.tree(modules, name=f'tree{seed}')
            tree.write('modules.order', [
                plain(p) for p in rng.sample(
                    list(modules), rng.randint(0, len(modules)))])
            with self.subTest(seed=seed):
                self.same(tree, *rng.choice((['-w'], ['-v'], ['-n'], [])))

    def test_threads_change_nothing(self):
        tree = self.tree(random_modules(random.Random(5)))
        tree.write('kernel/bad.ko', 'no module')
        results = []
        for args in ([], ['-j', '2'], ['--jobs=7'], ['--jobs']):
            done = tenon('-b', tree.base, *args, tree.release)
            results.append((outcome(done), self.take(tree)))
        self.assertIn('bad.ko', results[0][0][2])
        for other in results[1:]:
            self.assertEqual(other, results[0])


class Incremental(Case):
    """The result is that of a run without a cache, whatever has changed."""

    def both_ways(self, tree, cache=()):
        """A run with the cache and one without give the same; the files."""
        for args in (['--incremental', *cache], []):
            args = [f'{args[0]}={args[1]}'] if len(args) > 1 else args
            done = tenon('-b', tree.base, *args, tree.release)
            files = self.take(tree)
            kept = files.pop('modules.tenon', None)
            if args:
                first = outcome(done), files
                memory = kept
        self.assertEqual(first, (outcome(done), files))
        if memory is not None:
            tree.write('modules.tenon', memory)
        return files

    def settle(self, tree):
        """What is read is as old as if it had been there for long."""
        for path in walk(tree.folder):
            if '.ko' in path or path in LISTS:
                os.utime(tree.path(path), (1e9, 1e9))
        time.sleep(.03)     # what is as new as the run is not trusted

    def test_what_has_changed_is_read_again(self):
        tree = self.tree(random_modules(random.Random(3)))
        self.settle(tree)
        self.both_ways(tree)
        before = self.both_ways(tree)
        paths = sorted(p for p in walk(tree.folder) if '.ko' in p)
        tree.write(paths[0], simple('x', ['new_symbol'], [],
                                    [('alias', 'of:new')]))
        after = self.both_ways(tree)
        self.assertNotEqual(after, before)
        self.assertIn(b'of:new', after['modules.alias'])
        os.unlink(tree.path(paths[1]))
        tree.write('kernel/a/fresh.ko', simple('fresh', ['fresh_symbol']))
        self.both_ways(tree)
        tree.write('modules.order', [])
        self.both_ways(tree)
        tree.write('kernel/a/fresh.ko', 'damaged')
        self.both_ways(tree)
        self.both_ways(tree)

    def test_files_are_not_read_when_nothing_has_changed(self):
        tree = self.tree(random_modules(random.Random(4)))
        self.settle(tree)
        self.both_ways(tree)
        self.settle(tree)
        self.both_ways(tree)
        paths = [p for p in walk(tree.folder) if '.ko' in p]
        self.assertEqual(self.opened(tree, paths), 0)
        self.assertEqual(self.opened(tree, paths, '--no'), len(paths))
        tree.write(paths[0], simple('x'))
        self.assertEqual(self.opened(tree, paths), 1)

    def opened(self, tree, paths, *without):
        """How many modules a run opens."""
        args = [] if without else ['--incremental']
        done = subprocess.run(
            ['strace', '-f', '-e', 'trace=openat', TENON, 'depmod', '-n',
             '-b', tree.base, *args, tree.release], capture_output=True,
            text=True, check=True)
        return sum(f'"{path}"' in done.stderr for path in paths)

    def test_files_are_written_when_they_would_say_something_else(self):
        tree = self.tree({'k/a.ko': simple('a', ['a'], ['b'], [
            ('alias', 'x-y')]), 'k/b.ko': simple('b', ['b'])})

        def written():
            time.sleep(.03)     # what is as new as the run is not trusted
            done = tenon('-b', tree.base, '--incremental', tree.release)
            self.assertEqual(outcome(done), (0, b'', ''))
            return os.stat(tree.path('modules.dep')).st_ino

        self.settle(tree)
        first = written()
        self.assertEqual(written(), first)
        tree.write('k/a.ko', simple('a', ['a'], ['b'], [
            ('alias', 'x-y'), ('license', 'GPL')]))     # another file
        self.assertEqual(written(), first)
        for name, data in (('modules.alias', 'damaged'),
                           ('modules.builtin', ['k/c.ko']),
                           ('modules.builtin.modinfo', 'c.alias=z\0'),
                           ('k/b.ko', simple('b', ['b', 'b2'])),
                           ('modules.order', ['k/b.ko', 'k/a.ko'])):
            tree.write(name, data)
            again = written()
            self.assertNotEqual(again, first, name)
            first = again
        os.unlink(tree.path('modules.devname'))
        self.assertNotEqual(written(), first)
        mine = self.take(tree)
        del mine['modules.tenon']
        self.assertEqual(tenon('-b', tree.base, tree.release).returncode, 0)
        self.assertEqual(mine, self.take(tree))

    def test_warnings_are_repeated(self):
        tree = self.tree({'k/a.ko': simple('a', info=[('alias', 'p[q')])})
        for _ in range(3):
            self.settle(tree)
            done = tenon('-b', tree.base, '--incremental', tree.release)
            self.assertIn(b'Unmatched bracket in p[q', done.stderr)

    def test_a_named_cache_stays_out_of_the_tree(self):
        tree = self.tree(random_modules(random.Random(6)))
        cache = os.path.join(self.dir, 'cache')
        self.settle(tree)
        self.both_ways(tree, [cache])
        self.assertGreater(os.path.getsize(cache), 100)
        self.assertNotIn('modules.tenon', os.listdir(tree.folder))
        self.both_ways(tree, [cache])

    def test_damaged_caches_are_as_if_there_were_none(self):
        tree = self.tree({f'k/m{i}.ko': simple(f'm{i}', [f's{i}'], [f's{i + 1}'])
                          for i in range(5)})
        self.settle(tree)
        want = self.both_ways(tree)
        with open(tree.path('modules.tenon'), 'rb') as f:
            good = f.read()
        rng = random.Random(1)
        for i in range(60):
            bad = bytearray(good)
            if i % 3 == 0:
                bad = bad[:rng.randrange(len(bad))]
            else:
                bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
            tree.write('modules.tenon', bytes(bad))
            self.assertEqual(self.both_ways(tree), want)

    def test_a_cache_that_cannot_be_written_is_a_warning(self):
        tree = self.tree({'k/a.ko': simple('a')})
        done = tenon('-b', tree.base, '--incremental=/nowhere/cache',
                     tree.release)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b'WARNING: could not write the cache /nowhere/cache',
                      done.stderr)
        self.assertIn('modules.dep', self.take(tree))


class Json(Case):
    def test_each_module_is_an_object(self):
        tree = self.tree({
            'k/a-b.ko': simple('a', ['a1', 'a2'], ['c1', 'printk'],
                               [('alias', 'of:"x"'), ('softdep', 'pre: c')]),
            'k/c.ko': simple('c', ['c1'])})
        tree.write('k/bad.ko', 'no module')
        done = tenon('--json', '-b', tree.base, tree.release)
        self.assertEqual(done.returncode, 0)
        found = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(found[0], {
            'module': 'a_b', 'file': 'k/a-b.ko', 'needs': ['c'],
            'exports': ['a1', 'a2'], 'imports': ['c1', 'printk'],
            'aliases': ['of:"x"'], 'softdeps': ['pre: c'], 'damaged': False})
        self.assertEqual([(m['module'], m['damaged']) for m in found],
                         [('a_b', False), ('c', False), ('bad', True)])
        self.assertEqual(self.take(tree), {})


class Memory(Case):
    """Every allocation fails once."""

    def test_no_memory_leaves_the_old_files(self):
        tree = self.tree({
            'k/a.ko': simple('a', ['a'], ['b'], [
                ('alias', 'x-y'), ('softdep', 'pre: b'),
                ('alias', 'devname:a'), ('alias', 'char-major-1-1')]),
            'k/b.ko': simple('b', ['b'])})
        tree.write('modules.builtin', ['k/c.ko'])
        tree.write('modules.builtin.modinfo', 'c.alias=z-z\0')
        self.assertEqual(tenon('-b', tree.base, tree.release).returncode, 0)
        want = self.take(tree)
        failed = 0

        def run_with(env):
            tree.write('modules.dep', 'old')
            done = tenon('-b', tree.base, '-w', tree.release, env=env)
            return done.returncode, self.take(tree), done.stderr

        for position, (status, files, err) in allocs.each_failure(
                self.dir, run_with):
            if status == 0:
                self.assertEqual(files, want)
                continue
            failed += 1
            self.assertEqual(status, 1, (position, err))
            self.assertIn(b'depmod: FATAL: no memory', err)
            self.assertEqual(files, {'modules.dep': b'old'})
        print(f'{failed} positions of {position}')
        self.assertGreater(failed, 20)


class Damage(Case):
    def with_file(self, name, data):
        tree = self.tree({'k/a.ko': simple('a', ['s'], ['xs'])},
                         name=f'tree{len(os.listdir(self.dir))}')
        tree.write('k/' + name, data)
        return tree

    def test_damaged_modules_are_named_and_the_rest_is_done(self):
        good = simple('x', ['xs'], ['s2'], [('alias', 'xx')]).data()
        packed = komod.pack(good, '.xz')
        flipped = bytearray(packed)
        flipped[60] ^= 1
        for data, name in ((b'', 'x.ko'), (b'no elf' * 50, 'x.ko'),
                           (good[:40], 'x.ko'), (good[:len(good) // 2], 'x.ko'),
                           (good[:-1], 'x.ko'), (good[:-64], 'x.ko'),
                           (good[:4] + b'\1' + good[5:], 'x.ko'),
                           (b'', 'x.ko.xz'), (packed[:100], 'x.ko.xz'),
                           (bytes(flipped), 'x.ko.xz')):
            tree = self.with_file(name, data)
            theirs, mine = self.both(tree)
            self.assertEqual(mine[1], theirs[1])
            self.assertEqual(mine[0][0], theirs[0][0])
            self.assertIn('depmod: ERROR: failed to load symbols from '
                          f'{tree.path("k/" + name)}: ', mine[0][2])

    def test_what_is_beside_the_damage_counts_as_it_does_for_kmod(self):
        """A section that is nowhere, odd or nameless, and symbols whose names
        are nowhere, take with them what they take with them in kmod."""
        good = simple('x', ['xs', 'ys'], ['s2', 's'], [('alias', 'xx'),
                                                       ('softdep', 'pre: a')])
        bad = {}
        for at, (name, _) in enumerate(komod.sections_of(good.data())):
            if at == 0:
                continue
            for field, value in (('offset', 1 << 56), ('size', 1 << 40),
                                 ('size', 0), ('size', 5), ('name', 0)):
                bad[name, field, value] = komod.with_header(
                    good.data(), at, field, value)
        names = {name: at for at, (name, _) in enumerate(
            komod.sections_of(good.data()))}
        _, symbols = komod.sections_of(good.data())[names['.symtab']]
        for at in range(symbols['offset'], symbols['offset'] +
                        symbols['size'], komod.SYMBOL_SIZE):
            data = bytearray(good.data())
            data[at + 2] = 0xff     # in the offset of its name
            bad['symbol', at, 0] = bytes(data)
        for case, data in bad.items():
            if case[:2] == ('.shstrtab', 'size') and case[2] in (0, 5):
                continue    # kmod looks for the names beyond their end
            tree = self.tree({
                'k/a.ko': simple('a', ['s']),
                'k/b.ko': simple('b', [], ['xs', 'ys'])},
                name=f'tree{len(os.listdir(self.dir))}')
            tree.write('k/x.ko', data)
            theirs, mine = self.both(tree)
            with self.subTest(case):
                self.assertEqual(mine[1], theirs[1])
                self.assertEqual(mine[0][:2], theirs[0][:2])
                both = [kmod_pair.run(program, ['--show-exports',
                                                tree.path('k/x.ko')])
                        for program in (['/sbin/modprobe'],
                                        [kmod_pair.OURS, 'modprobe'])]
                if case != ('__kcrctab', 'size', 0):    # kmod looks there
                    self.assertEqual(both[1][:2], both[0][:2])

    def test_other_kinds_of_elf_files_and_bytes_behind(self):
        good = simple('x', ['xs'], ['s2'], [('alias', 'xx')]).data()
        for data in (good + b'junk' * 10, good[:16] + b'\2\0' + good[18:],
                     good[:18] + b'\0\0' + good[20:], good[:6] + b'\x09' +
                     good[7:], komod.pack(good, '.xz'),
                     Module().data(), Module(exports={'a': 1}).data()):
            self.same(self.with_file('x.ko', data))

    def test_a_full_disk_leaves_the_old_files(self):
        tree = self.tree({f'k/m{i}.ko': simple(f'm{i}', [f's{i}'])
                          for i in range(200)})
        self.assertEqual(tenon('-b', tree.base, tree.release).returncode, 0)
        before = self.take(tree)
        tree.write('k/new.ko', simple('new', ['new']))
        for limit in (1, 500, 2000):
            for name, data in before.items():
                tree.write(name, data)
            done = tenon('-b', tree.base, tree.release, preexec_fn=lambda:
                         resource.setrlimit(resource.RLIMIT_FSIZE,
                                            (limit, limit)))
            self.assertEqual(done.returncode, 1, done)
            self.assertIn(b'Could not write', done.stderr)
            self.assertEqual(self.take(tree), before)

    def test_a_full_standard_output_is_an_error(self):
        tree = self.tree({'k/a.ko': simple('a')})
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([TENON, 'depmod', '-n', '-b', tree.base,
                                   tree.release], stdout=full, check=False,
                                  stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'No space left', done.stderr)


if __name__ == '__main__':
    unittest.main()
