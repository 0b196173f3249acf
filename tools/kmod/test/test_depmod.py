# SPDX-License-Identifier: MIT
"""depmod against kmod's: the same files, messages and exit status.

Trees are written by komod.py, from fixed seeds where they are random.
"""
import json
import os
import random
import unittest

from depmod_kit import (Case, bounded, kmod, outcome, plain, random_modules, run,
                        simple, tenon, TENON)
from kmod_depmod import OUTPUTS


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
                     'a.alias=\0', 'a.alias=\0b.alias=1\0b.alias=\0',
                     'a.alias=\0a.alias=k\0a.license=\0a.alias==\0',
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

    def test_a_pattern_that_multiplies_is_a_bad_line(self):
        """regcomp copies what is repeated, so a short text asks for more
        memory, and time, than there is."""
        tree = self.tree({'kernel/m.ko': simple('m')})
        for pattern in ('.*' + '+' * 12, 'a' + '+' * 40,
                        '(' * 40 + 'a' + '+)' * 40, '((a{1,255}){1,255}){1,255}', 'a{99999999999}{9}'):
            config = self.write('c.conf', f'override m {pattern} x\n'
                                f'external {pattern} /x\n')
            with self.subTest(pattern):
                done = tenon('-b', tree.base, '-C', config, tree.release,
                             preexec_fn=bounded)
                self.assertEqual(done.returncode, 0)
                for line, word in ((1, 'override'), (2, 'external')):
                    self.assertIn(f'{config}:{line}: ignoring bad line '
                                  f"starting with '{word}'",
                                  done.stderr.decode())

    def test_patterns_of_releases_are_as_kmods(self):
        tree = self.tree({d + '/m.ko': simple('m')
                          for d in ('kernel', 'updates', 'x')})
        for pattern in ('6\\.1+', '[0-9]+\\.[0-9]+.*', '(6|5)\\.1{1,3}',
                        '6+?', '\\+6', '[+]', '6{0}\\.'):
            with self.subTest(pattern):
                self.same(tree, '-C', self.write(
                    'c.conf', f'override m {pattern} x\n'))

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
                     'd/a.alias', 'd2/a.conf', 'd2/c.conf'):
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


if __name__ == '__main__':
    unittest.main()
