# SPDX-License-Identifier: MIT
"""What the tests of depmod share: kmod's and ours on one tree.

kmod 30 runs in a bounded process, because it does not end on some cycles.
"""
import os
import resource
import subprocess
import sys
import tempfile
import unittest

import komod
from komod import Module

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), '../../..'))
TENON = os.path.join(TOP, 'build/host/bin/tenon')
sys.path.append(os.path.join(TOP, 'oracle'))

from kmod_depmod import KMOD, LISTS  # noqa: E402


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
