# SPDX-License-Identifier: MIT
"""What the tests for authors of modules share: built modules, and ELF files."""
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, 'api'))
import gen_exports  # noqa: E402

BUILD = os.environ.get('TENON_BUILD', os.path.join(TOP, 'build'))
TENON = os.path.join(BUILD, 'host/bin/tenon')
ARCHS = ('x86_64', 'aarch64', 'riscv64')
PROFILES = ('common', 'hosted')
os.environ['PATH'] += ':/usr/sbin:/sbin'


def run(*argv, check=True, **more):
    p = subprocess.run(argv, capture_output=True, text=True, **more)
    if check and p.returncode != 0:
        raise AssertionError(f'{argv}: {p.returncode}\n{p.stdout}{p.stderr}')
    return p


def module(arch, name, profile='common'):
    return os.path.join(BUILD, 'modules', arch, profile, f'{name}.ko')


def modules_of(arch, profile='common'):
    folder = os.path.join(BUILD, 'modules', arch, profile)
    return sorted(f[:-3] for f in os.listdir(folder) if f.endswith('.ko'))


class Elf:
    """As much of an ELF64 file as these tests look at."""

    def __init__(self, path):
        with open(path, 'rb') as f:
            self.data = f.read()
        shoff, = struct.unpack_from('<Q', self.data, 40)
        self.flags, = struct.unpack_from('<I', self.data, 48)
        shnum, shstr = struct.unpack_from('<HH', self.data, 60)
        heads = [struct.unpack_from('<IIQQQQIIQQ', self.data, shoff + 64 * i)
                 for i in range(shnum)]
        names = heads[shstr][4]
        self.heads = {self.string(names + h[0]): h for h in heads}

    def string(self, at):
        return self.data[at:self.data.index(b'\0', at)].decode()

    def section(self, name):
        h = self.heads.get(name)
        return self.data[h[4]:h[4] + h[5]] if h else b''

    def symbols(self):
        strings = self.heads['.strtab'][4]
        for sym in struct.iter_unpack('<IBBHQQ', self.section('.symtab')):
            yield self.string(strings + sym[0]), sym

    def undefined(self):
        return {name for name, s in self.symbols() if s[3] == 0 and name}

    def versions(self):
        return {name.rstrip(b'\0').decode(): crc for crc, name
                in struct.iter_unpack('<Q56s', self.section('__versions'))}

    def modinfo(self):
        text = self.section('.modinfo').decode()
        return [s.split('=', 1) for s in text.split('\0') if s]


def guaranteed():
    return gen_exports.parse(os.path.join(TOP, 'api/exports.list'))


class Scratch(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix='tenon-author-')
        self.addCleanup(shutil.rmtree, self.dir)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, text):
        with open(self.path(name), 'w') as f:
            f.write(text)
        return self.path(name)
