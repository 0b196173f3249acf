# SPDX-License-Identifier: MIT
"""depmod --incremental: the result is that of a run without a cache."""
import contextlib
import ctypes
import os
import random
import shutil
import struct
import time
import unittest

import komod
from depmod_kit import (Case, kmod, outcome, random_info, random_modules,
                        simple, tenon, walk)
from kmod_depmod import LISTS

IN_OPEN = 0x20  # <sys/inotify.h>


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
        libc = ctypes.CDLL(None, use_errno=True)
        events = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self.addCleanup(os.close, events)
        for path in paths:
            self.assertGreater(libc.inotify_add_watch(
                events, os.fsencode(tree.path(path)), IN_OPEN), 0)
        args = [] if without else ['--incremental']
        done = tenon('-n', '-b', tree.base, *args, tree.release)
        self.assertEqual(done.returncode, 0, done.stderr)
        return len(self.watched(events))

    @staticmethod
    def watched(events):
        """The watches of which there are events: inotify(7)."""
        found, data = set(), b''
        with contextlib.suppress(BlockingIOError):
            while True:
                data += os.read(events, 65536)
        while data:
            watch, _, _, length = struct.unpack_from('iIII', data)
            found.add(watch)
            data = data[16 + length:]
        return found

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

    def test_only_what_follows_from_the_change_is_written(self):
        tree = self.tree({'k/a.ko': simple('a', ['a'], ['b']),
                          'k/b.ko': simple('b', ['b'])})
        alias = {'modules.alias', 'modules.alias.bin', 'modules.devname'}
        dep = {'modules.dep', 'modules.dep.bin'}
        symbols = {'modules.symbols', 'modules.symbols.bin'}

        def written(*more, info=()):
            """Which files have another inode after another a.ko."""
            before = inodes()
            tree.write('k/a.ko', simple('a', ['a', *more], ['b'], info))
            time.sleep(.03)     # what is as new as the run is not trusted
            done = tenon('-b', tree.base, '--incremental', tree.release)
            self.assertEqual(outcome(done), (0, b'', ''))
            after = inodes()
            return {n for n, inode in after.items() if before[n] != inode}

        def inodes():
            return {n: os.stat(tree.path(n)).st_ino
                    for n in os.listdir(tree.folder)
                    if n.startswith('modules.') and n not in LISTS and
                    n != 'modules.tenon'}

        self.settle(tree)
        tenon('-b', tree.base, '--incremental', tree.release)
        self.assertEqual(written(info=[('alias', 'x')]), alias)
        self.assertEqual(written(info=[('alias', 'x'), ('license', 'GPL')]),
                         set())
        self.assertEqual(written(info=[('softdep', 'pre: c')]),
                         alias | {'modules.softdep'})
        self.assertEqual(written('new', info=[('softdep', 'pre: c')]),
                         dep | symbols)

    def change(self, rng, tree, number):
        """One random change of a tree, as a rebuild or a package makes it."""
        paths = sorted(p for p in walk(tree.folder) if '.ko' in p)
        paths.remove('kernel/first.ko')
        path = rng.choice(paths)
        name = path.split('/')[-1].split('.')[0]
        what = rng.randrange(5)
        if what == 0 and len(paths) > 1:
            os.unlink(tree.path(path))
        elif what == 1:
            path = f'kernel/new/n{number}.ko'
            tree.write(path, simple(f'n{number}', [f'n{number}'], [f'{name}_0'],
                                    random_info(rng, f'n{number}')))
        else:       # no cycles: first.ko needs nothing
            tree.write(path, simple(
                name, rng.sample([f'{name}_0', f'{name}_1', f'q{number}'],
                                 rng.randint(0, 3)),
                ['first'] if what == 2 else [], random_info(rng, name)))

    def test_many_changes_in_turn_give_what_kmod_gives(self):
        """As above, but with the files of the last run in place."""
        for seed in range(4):
            rng = random.Random(seed)
            modules = random_modules(rng)
            modules['kernel/first.ko'] = simple('first', ['first'])
            tree = self.tree(modules, name=f'mine{seed}')
            for number in range(12):
                for _ in range(rng.choice((0, 1, 1, 2, 60))):
                    self.change(rng, tree, number)
                time.sleep(.03)     # what is as new as the run is not trusted
                if number % 3 == 2:
                    self.spoil(rng, tree)
                with self.subTest(seed=seed, number=number):
                    self.as_kmod(tree, f'peer{seed}-{number}')

    @staticmethod
    def spoil(rng, tree):
        """The cache is damaged, or that of a run before the last one."""
        path = tree.path('modules.tenon')
        with open(path, 'rb') as f:
            data = bytearray(f.read())
        what = rng.randrange(3)
        if what == 0:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        elif what == 1:
            del data[rng.randrange(len(data)):]
        else:
            last = data.rfind(b'tenondep')
            before = data.rfind(b'tenondep', 0, last)
            del data[max(before, 0) + len(data) - last:]
        with open(path, 'wb') as f:
            f.write(data)

    def test_a_cache_grows_by_what_is_new_and_not_without_end(self):
        tree = self.tree({f'k/m{i}.ko': simple(
            f'm{i}', [f's{i}_{"x" * 4000}']) for i in range(5)})
        self.settle(tree)
        first, grown, longest = b'', 0, 0
        for i in range(16):
            tree.write('k/m0.ko', simple('m0', info=[('alias', f'of:{i}')]))
            time.sleep(.03)     # what is as new as the run is not trusted
            done = tenon('-b', tree.base, '--incremental', tree.release)
            self.assertEqual(outcome(done), (0, b'', ''))
            with open(tree.path('modules.tenon'), 'rb') as f:
                data = f.read()
            grown += len(data) > len(first) > 0 and data.startswith(first)
            first, longest = data, max(longest, len(data))
            with open(tree.path('modules.alias'), 'rb') as f:
                self.assertIn(b'alias of:%d m0\n' % i, f.read())
        self.assertGreater(grown, 8)
        self.assertLess(longest, 16 * 5000)

    def as_kmod(self, tree, name):
        """A run with what is there is as one of kmod in a copy of the tree."""
        peer = komod.Tree(os.path.join(self.dir, name))
        shutil.copytree(tree.folder, peer.folder, dirs_exist_ok=True)
        mine = outcome(tenon('-b', tree.base, '--incremental', tree.release))
        want = outcome(kmod('-b', peer.base, peer.release))
        self.assertEqual(mine[:2], want[:2])
        self.assertEqual(mine[2], want[2].replace(peer.base, tree.base))
        files = self.take(peer)
        files.pop('modules.tenon', None)
        for file, data in files.items():
            with open(tree.path(file), 'rb') as f:
                self.assertEqual(f.read(), data, file)

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


if __name__ == '__main__':
    unittest.main()
