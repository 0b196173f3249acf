# SPDX-License-Identifier: MIT
"""Tiny kernel modules and module trees, written byte by byte.

A module here is an ELF64 relocatable file that holds what module tools read
and nothing else: .modinfo, export tables, __versions and symbols.  No
compiler runs, so a test can afford hundreds of them.
"""
import gzip
import lzma
import os
import struct
import subprocess

MACHINES = {'x86_64': 62, 'aarch64': 183, 'riscv64': 243}
SHT = {'progbits': 1, 'symtab': 2, 'strtab': 3}
ALLOC = 2
ABS = 0xfff1
LOCAL, GLOBAL, WEAK = 0, 1, 2
VERSION_SIZE, SYMBOL_SIZE, HEADER_SIZE = 64, 24, 64
# Of a section header: offset and format.
FIELDS = {'name': (0, '<I'), 'offset': (24, '<Q'), 'size': (32, '<Q')}


class Strings:
    """A string table under construction."""

    def __init__(self):
        self.data = b'\0'

    def add(self, text):
        at = len(self.data)
        self.data += text + b'\0'
        return at


def encode(text):
    return text if isinstance(text, bytes) else text.encode('latin-1')


class Module:
    """What one module file says.

    modinfo: [(key, value)]; exports: {name: CRC or None}; imports: names, or
    (name, options) with the options weak=True, crc=N, unversioned=True,
    only_version=True (in __versions alone).  crcs says how the CRCs of
    exports are given: 'section', 'absolute' or None (none at all).
    """

    def __init__(self, modinfo=(), exports=None, imports=(), crcs='section',
                 versions=True, machine='x86_64'):
        self.modinfo = list(modinfo)
        self.exports = dict(exports or {})
        self.imports = [(i, {}) if isinstance(i, (str, bytes)) else i
                        for i in imports]
        self.crcs, self.versions, self.machine = crcs, versions, machine

    def sections(self):
        """[(name, type, flags, bytes)] but for the symbol table."""
        found = [('.text', 'progbits', 6, b'\xc3' * 16)]
        if self.modinfo:
            data = b''.join(encode(k) + b'=' + encode(v) + b'\0'
                            if v is not None else encode(k) + b'\0'
                            for k, v in self.modinfo)
            found.append(('.modinfo', 'progbits', ALLOC, data))
        if self.exports:
            data = b''.join(encode(name) + b'\0' for name in self.exports)
            found.append(('__ksymtab_strings', 'progbits', 0x32, data))
            if self.crcs == 'section':
                found.append(('__kcrctab', 'progbits', ALLOC, b''.join(
                    struct.pack('<I', crc or 0)
                    for crc in self.exports.values())))
        entries = [(name, how) for name, how in self.imports
                   if not how.get('unversioned')]
        if self.versions and entries:
            found.append(('__versions', 'progbits', ALLOC, b''.join(
                struct.pack('<Q56s', how.get('crc', 0), encode(name))
                for name, how in entries)))
        return found

    def symbols(self, index):
        """[(name, binding, section, value)], the local ones first."""
        found = [('', LOCAL, 0, 0)]
        if self.crcs and self.exports:
            for i, (name, crc) in enumerate(self.exports.items()):
                if self.crcs == 'absolute':
                    found.append(('__crc_' + name, LOCAL, ABS, crc or 0))
                else:
                    found.append(('__crc_' + name, LOCAL,
                                  index['__kcrctab'], 4 * i))
        for name in self.exports:
            found.append((name, GLOBAL, index['.text'], 0))
        for name, how in self.imports:
            if not how.get('only_version'):
                found.append((name, WEAK if how.get('weak') else GLOBAL, 0, 0))
        return found

    def data(self):
        """The file."""
        sections = self.sections()
        index = {s[0]: i for i, s in enumerate(sections, 1)}
        strings, table = Strings(), b''
        symbols = self.symbols(index)
        for name, bind, section, value in symbols:
            table += struct.pack(
                '<IBBHQQ', strings.add(encode(name)) if name else 0,
                bind << 4, 0, section, value, 0)
        sections.append(('.symtab', 'symtab', 0, table))
        sections.append(('.strtab', 'strtab', 0, strings.data))
        return self.assemble(sections, sum(s[1] == LOCAL for s in symbols))

    def assemble(self, sections, first_global):
        """ELF header, sections, names, section headers."""
        names, body, headers = Strings(), b'', [bytes(64)]
        count = len(sections) + 1
        for number, (name, kind, flags, data) in enumerate(sections, 1):
            body += bytes(-len(body) % 8)
            link = number + 1 if kind == 'symtab' else 0
            headers.append(struct.pack(
                '<IIQQQQIIQQ', names.add(name.encode()), SHT[kind], flags, 0,
                64 + len(body), len(data), link,
                first_global if kind == 'symtab' else 0, 8,
                24 if kind == 'symtab' else 0))
            body += data
        at = names.add(b'.shstrtab')
        headers.append(struct.pack('<IIQQQQIIQQ', at, 3, 0, 0, 64 + len(body),
                                   len(names.data), 0, 0, 1, 0))
        body += names.data
        body += bytes(-len(body) % 8)
        ident = b'\x7fELF\2\1\1' + bytes(9)
        return ident + struct.pack(
            '<HHIQQQIHHHHHH', 1, MACHINES[self.machine], 1, 0, 0,
            64 + len(body), 0, 64, 0, 0, 64, count + 1, count) + \
            body + b''.join(headers)


def sections_of(data):
    """[(name, {field: value})] of a file, the nameless first one too."""
    first, = struct.unpack_from('<Q', data, 40)
    count, names = struct.unpack_from('<HH', data, 60)
    headers = [{field: struct.unpack_from(form, data,
                                          first + i * HEADER_SIZE + at)[0]
                for field, (at, form) in FIELDS.items()}
               for i in range(count)]
    base = headers[names]['offset']
    return [(data[base + h['name']:].split(b'\0')[0].decode(), h)
            for h in headers]


def with_header(data, number, field, value):
    """The file with another value in the header of one section."""
    first, = struct.unpack_from('<Q', data, 40)
    at, form = FIELDS[field]
    data = bytearray(data)
    struct.pack_into(form, data, first + number * HEADER_SIZE + at, value)
    return bytes(data)


def pack(data, suffix):
    """The bytes of a module file whose name ends in suffix."""
    if suffix.endswith('.xz'):
        return lzma.compress(data, check=lzma.CHECK_CRC32)
    if suffix.endswith('.zst'):
        return subprocess.run(['zstd', '-q', '-c'], input=data, check=True,
                              stdout=subprocess.PIPE).stdout
    return gzip.compress(data) if suffix.endswith('.gz') else data


class Tree:
    """BASE/lib/modules/RELEASE under construction."""

    def __init__(self, base, release='6.1.0-test'):
        self.base, self.release = base, release
        self.folder = os.path.join(base, 'lib/modules', release)
        os.makedirs(self.folder, exist_ok=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        """A file below the folder; its bytes, lines or Module."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if isinstance(data, Module):
            data = pack(data.data(), name)
        elif isinstance(data, (list, tuple)):
            data = ''.join(line + '\n' for line in data)
        with open(path, 'wb') as file:
            file.write(encode(data))
        return path
