# SPDX-License-Identifier: MIT
"""depmod where a module is damaged, the disk full, or memory short."""
import os
import random
import resource
import subprocess
import unittest

import allocs
import komod
from depmod_kit import Case, simple, tenon, TENON
from komod import Module
import kmod_pair    # the kit has said where it is


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
            self.assertRegex(mine[0][2], r'the file (ends before 0x[0-9a-f]+|'
                             'cannot be unpacked|is no ELF file of 64 bits, '
                             'little-endian|is shorter than an ELF header)\\)')

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

    def test_any_damage_takes_with_it_what_it_takes_in_kmod(self):
        good = simple('x', ['xs', 'ys'], ['s2', 's'], [
            ('alias', 'xx'), ('softdep', 'pre: a'),
            ('alias', 'char-major-1-3'), ('alias', 'devname:q')]).data()
        compared = 0
        for seed in range(80):
            rng = random.Random(seed)
            data = bytearray(good)
            for _ in range(rng.choice((1, 1, 2, 5))):
                at = rng.randrange(rng.choice((64, len(data))))
                data[at] = rng.choice((data[at] ^ 1 << rng.randrange(8), 0,
                                       0xff, rng.randrange(256)))
            tree = self.tree({'k/a.ko': simple('a', ['s']),
                              'k/b.ko': simple('b', [], ['xs', 'ys'])},
                             name=f'tree{seed}')
            tree.write('k/x.ko', bytes(data[:rng.choice(
                (len(data), len(data), rng.randrange(len(data))))]))
            theirs, mine = self.both(tree)
            if theirs[0][0] < 0:    # a signal
                self.assertEqual(mine[0][0], 0)
                continue
            compared += 1
            with self.subTest(seed=seed):
                self.assertEqual((mine[0][:2], mine[1]),
                                 (theirs[0][:2], theirs[1]))
        self.assertGreater(compared, 50)

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
