# SPDX-License-Identifier: MIT
"""Generate and compile the modules that the benchmarks load.

A module of N functions has six relocations a function: two calls to other
global functions, one load of a global datum through the GOT, one string
reference and a table row of two words.  The sources are written in parts of
1,000 functions; part p refers to functions of the parts 0..p only, so that
the first k parts are a whole module and all sizes share their objects.

    cache/HASH.o   one compiled text; HASH covers text, flags and compiler
    code-N.o       the parts of code and data, joined by `ld -r`
    module-N.o     the same and the EXPORT_SYMBOL entries: what we load
    library-N.so   code-N.o as `gcc -shared` makes it by default: the peer's
    probe-N.txt    NAME ARGUMENT RESULT, a line for each function, shuffled

The library exports what is global in code-N.o; the module exports the same
by __ksymtab.  Seed and names are fixed: two runs compile the same texts.
"""
import argparse
import functools
import hashlib
import os
import random
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

SEED = 2024
PART = 1000            # functions of a part
SHARE = 10             # functions that share one global datum
CC = 'gcc'
INCLUDE = os.path.join('api', 'include')
# Without unwind tables: they would be a seventh relocation a function.
COMPILE = [CC, '-O2', '-fPIC', '-fno-asynchronous-unwind-tables',
           '-I', INCLUDE, '-x', 'c', '-c', '-', '-o']

NOUNS = ('buffer', 'cache', 'device', 'entry', 'frame', 'group', 'inode',
         'job', 'key', 'list', 'message', 'node', 'object', 'packet', 'queue',
         'region', 'socket', 'table', 'user', 'volume')
VERBS = ('add', 'bind', 'check', 'drop', 'enable', 'find', 'get', 'hash',
         'init', 'join', 'kick', 'lookup', 'merge', 'next', 'open', 'put',
         'read', 'scan', 'take', 'update')

# What the author's kit adds to a module: profile "common" and a licence.
MARK = r"""
__asm__(".pushsection .note.tenon, \"a\", %note\n\t.balign 4\n\t"
	".long 6, 16, 1\n\t.asciz \"Tenon\"\n\t.balign 4\n\t"
	".long 1, 1, 1, 0\n\t.popsection");
MODULE_LICENSE("Dual MIT/GPL");
"""


def function_name(i):
    word = i * 0x9E3779B97F4A7C15 >> 20 & 0xFFFF
    return f'{NOUNS[word % 20]}_{VERBS[word // 20 % 20]}_{i:05x}'


def datum_name(i):
    return f'{NOUNS[i % 20]}_state_{i:04x}'


def text_of(i):
    return f'{function_name(i)}: bad argument'


class Part:
    """The functions [first, end) and what each of them refers to."""

    def __init__(self, number, functions):
        self.first = number * PART
        self.end = self.first + functions
        self.rng = random.Random(f'{SEED}/{number}/{functions}')
        self.rows = [(self.other(i), self.other(i), self.other(i) // SHARE,
                      self.other(i), self.other(i)) for i in self.functions()]

    def other(self, i):
        """Not i itself: gcc turns such a call into a loop."""
        k = self.rng.randrange(self.end - 1)
        return k + (k >= i)

    def functions(self):
        return range(self.first, self.end)

    def data(self):
        return range(self.first // SHARE, (self.end + SHARE - 1) // SHARE)

    def code(self):
        out = []
        for row in self.rows:
            out += [f'int {function_name(row[k])}(int);' for k in (0, 1, 3, 4)]
            out.append(f'extern int {datum_name(row[2])};')
        out += [f'int {datum_name(d)} = {d + 1};' for d in self.data()]
        for i, (a, b, d, _, _) in zip(self.functions(), self.rows):
            out.append(
                f'int {function_name(i)}(int x)\n{{\n'
                f'\tint sum = {datum_name(d)} + "{text_of(i)}"[x & 7];\n\n'
                f'\tif (x > 0)\n\t\tsum += {function_name(a)}(x - 1) + '
                f'{function_name(b)}(x - 1);\n\treturn sum;\n}}')
        out.append('static int (*table[][2])(int) __attribute__((used)) = {')
        out += [f'\t{{ {function_name(e)}, {function_name(f)} }},'
                for _, _, _, e, f in self.rows]
        return '\n'.join(out) + '\n};\n'

    def exports(self):
        out = ['#include <tenon/module.h>']
        for i in self.functions():
            name = function_name(i)
            out.append(f'int {name}(int);\nEXPORT_SYMBOL({name});')
        for d in self.data():
            name = datum_name(d)
            out.append(f'extern int {name};\nEXPORT_SYMBOL({name});')
        return '\n'.join(out) + (MARK if self.first == 0 else '\n')


@functools.lru_cache(None)
def parts_of(functions):
    if functions < PART:
        return [Part(0, functions)]
    assert functions % PART == 0, 'whole parts only'
    return [Part(p, PART) for p in range(functions // PART)]


def value(parts, i, x):
    """What function i returns for x: the specification of Part.code."""
    part = parts[i // PART]
    a, b, d, _, _ = part.rows[i - part.first]
    total = d + 1 + ord(text_of(i)[x & 7])
    if x > 0:
        total += value(parts, a, x - 1) + value(parts, b, x - 1)
    return total


def run(argv, **kw):
    return subprocess.run(argv, check=True, **kw).stdout


@functools.lru_cache(None)
def circumstances(includes):
    """What besides the text decides about an object."""
    out = run([CC, '--version'], capture_output=True)
    out += ' '.join(COMPILE).encode()
    for name in ('module.h', 'module_param.h') if includes else ():
        with open(os.path.join(INCLUDE, 'tenon', name), 'rb') as f:
            out += f.read()
    return out


def compile_text(text, cache):
    """The object of a text, from the cache or the compiler."""
    seen = circumstances('#include' in text)
    text = text.encode()
    name = hashlib.sha256(seen + text).hexdigest()[:20]
    path = os.path.join(cache, name + '.o')
    if not os.path.exists(path):
        run(COMPILE + [path + '.new'], input=text)
        os.rename(path + '.new', path)
    return path


def compile_all(texts, cache):
    os.makedirs(cache, exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda text: compile_text(text, cache), texts))


def write_probe(parts, path):
    order = list(range(parts[-1].end))
    random.Random(SEED).shuffle(order)
    with open(path, 'w') as f:
        for i in order:
            f.write(f'{function_name(i)} 1 {value(parts, i, 1)}\n')


class Files:
    """The files of one size, made when they are not there."""

    def __init__(self, functions, out):
        path = lambda form: os.path.join(out, form % functions)
        self.functions = functions
        self.code = path('code-%d.o')
        self.module = path('module-%d.o')
        self.library = path('library-%d.so')
        self.probe = path('probe-%d.txt')
        self.stamp = path('stamp-%d')
        self.make(os.path.join(out, 'cache'))

    def make(self, cache):
        parts = parts_of(self.functions)
        code = compile_all([p.code() for p in parts], cache)
        exports = compile_all([p.exports() for p in parts], cache)
        want = '\n'.join(code + exports)
        if os.path.exists(self.stamp):
            with open(self.stamp) as f:
                if f.read() == want:
                    return
        run(['ld', '-r', '-o', self.code] + code)
        run(['ld', '-r', '-o', self.module] + code + exports)
        run([CC, '-shared', '-o', self.library, self.code])
        write_probe(parts, self.probe)
        with open(self.stamp, 'w') as f:
            f.write(want)


class Many:
    """COUNT modules of ten functions with names of their own, and as many
    libraries.  One text is compiled, with a mark in every name; the mark is
    replaced in the object, which keeps its length."""
    MARK, FUNCTIONS = 'zzzz', 10

    def __init__(self, count, out, folder):
        part = Part(0, self.FUNCTIONS)
        names = {function_name(i) for i in part.functions()}
        names |= {datum_name(d) for d in part.data()}
        mark = functools.partial(re.compile(
            r'\b(' + '|'.join(sorted(names)) + r')\b').sub,
            rf'\1_{self.MARK}')
        cache = os.path.join(out, 'cache')
        code, exports = compile_all([mark(part.code()), mark(part.exports())],
                                    cache)
        module = os.path.join(folder, 'marked.o')
        run(['ld', '-r', '-o', module, code, exports])
        self.code, self.module = (self.read(p) for p in (code, module))
        self.folder = folder
        with open(os.path.join(folder, 'probes.txt'), 'w') as probes:
            for n in range(count):
                self.write(n)
                i = n % self.FUNCTIONS
                probes.write(f'{function_name(i)}_{n:04x} 1 '
                             f'{value([part], i, 1)}\n')

    @staticmethod
    def read(path):
        with open(path, 'rb') as f:
            return f.read()

    def write(self, n):
        path = lambda form: os.path.join(self.folder, form % n)
        for form, data in (('module-%04x.o', self.module),
                           ('code.o', self.code)):
            name = path(form) if '%' in form else os.path.join(
                self.folder, form)
            with open(name, 'wb') as f:
                f.write(data.replace(self.MARK.encode(), b'%04x' % n))
        run([CC, '-shared', '-nostdlib', '-o', path('library-%04x.so'),
             os.path.join(self.folder, 'code.o')])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('functions', type=int, nargs='+')
    parser.add_argument('--out', default='build/bench')
    args = parser.parse_args()
    for n in args.functions:
        print(f'gen: {n} functions', file=sys.stderr)
        Files(n, args.out)


if __name__ == '__main__':
    main()
