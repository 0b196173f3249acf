# SPDX-License-Identifier: MIT
"""The public interface of libtenon, as a text file that is committed.

abi.py check LIB...   compare headers, lib/tenon.map, lib/abi.txt and what each
                      LIB (libtenon.so.1, libtenon.a) really exports
abi.py write          bring lib/tenon.map and lib/abi.txt up to the headers

The text has every function and object, every struct with size, alignment and
offsets, every enumerator and every numeric macro of the headers that users
include.  A change of it is a change of the ABI: docs/embedding.md says which
ones are allowed.  The structs must be laid out equally on all three machines.
"""
import difflib
import glob
import json
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MAP = os.path.join(TOP, 'lib', 'tenon.map')
TEXT = os.path.join(TOP, 'lib', 'abi.txt')
FOLDERS = sorted(os.path.relpath(p, TOP) for form in (
    'lib/include', 'host/*/include', 'core/*/include', 'base/include')
    for p in glob.glob(os.path.join(TOP, form)))
PREFIXES = ('tn_', 'plugin_')
# But for struct plugin_registry, which has a mutex of the C library in it.
RECORDS = re.compile(r'(struct|union) tn_|struct plugin(_ops|_load_args)?$')
MACHINES = ('x86_64', 'aarch64', 'riscv64')
HEAD = '# The ABI of libtenon, written by `make abi`: see docs/embedding.md\n'


def headers():
    found = (glob.glob(os.path.join(TOP, f, 'tenon', '*.h')) for f in FOLDERS)
    return sorted('tenon/' + os.path.basename(p) for f in found for p in f)


def clang(*flags, machine='x86_64'):
    """What clang prints about a file that includes all headers."""
    source = ''.join(f'#include <{h}>\n' for h in headers())
    include = [f'-I{os.path.join(TOP, f)}' for f in FOLDERS]
    done = subprocess.run(
        ['clang', f'--target={machine}-linux-gnu', '-std=c11',
         '-ffreestanding', *include, '-x', 'c', *flags, '-'],
        input=source, text=True, stdout=subprocess.PIPE, check=True)
    return done.stdout


def declared():
    """name -> 'function' or 'object' of all that the headers declare."""
    tree = json.loads(clang('-fsyntax-only', '-Xclang', '-ast-dump=json'))
    kinds = {'FunctionDecl': 'function', 'VarDecl': 'object'}
    return {n['name']: kinds[n['kind']] for n in tree['inner']
            if n['kind'] in kinds and n['name'].startswith(PREFIXES) and
            n.get('storageClass') != 'static'}


def layouts(machine):
    """A line per struct and per member: offset, type and name."""
    text = clang('-fsyntax-only', '-Xclang', '-fdump-record-layouts-complete',
                 machine=machine)
    out = {}
    for record in text.split('*** Dumping AST Record Layout')[1:]:
        rows = re.findall(r'^\s*(\d+|) \| ( *)(.*)$', record, re.M)
        head = rows[0][2]
        size = re.search(r'\[sizeof=(\d+), align=(\d+)\]', record)
        if RECORDS.match(head) and size:
            out[head] = [f'{head}: {size[1]} bytes, aligned to {size[2]}'] + [
                f'    {at:>5} {what}' for at, deep, what in rows[1:]
                if len(deep) == 2]
    return [line for head in sorted(out) for line in out[head]]


def enumerators():
    text = clang('-g', '-S', '-emit-llvm', '-fno-eliminate-unused-debug-types',
                 '-o', '-')
    found = re.findall(r'DIEnumerator\(name: "(TN_\w+)", value: (-?\d+)', text)
    return [f'enumerator {name} {value}' for name, value in sorted(found)]


def macros():
    text = clang('-E', '-dM')
    found = re.findall(r'^#define (TN_\w+) ([-\w"(][^\n]*)$', text, re.M)
    return [f'macro {name} {value}' for name, value in sorted(found)]


def describe():
    structs = {m: layouts(m) for m in MACHINES}
    for m in MACHINES:
        if structs[m] != structs[MACHINES[0]]:
            sys.exit(f'abi: structs differ between {MACHINES[0]} and {m}')
    names = [f'{kind} {name}' for name, kind in sorted(declared().items())]
    return HEAD + '\n'.join(names + structs[MACHINES[0]] + enumerators() +
                            macros()) + '\n'


def mapped():
    with open(MAP) as f:
        return re.findall(r'^\t(\w+);$', f.read(), re.M)


def exported(path):
    """Names that a program can bind to; for the archive all globals."""
    flags = [] if path.endswith('.a') else ['-D']
    out = subprocess.run(['nm', '-P', '-g', *flags, '--defined-only', path],
                         text=True, check=True, stdout=subprocess.PIPE).stdout
    rows = (line.split() for line in out.splitlines())
    return {re.split('@', row[0])[0] for row in rows
            if len(row) > 2 and row[1] != 'A'}


def compare(what, want, got):
    for name in sorted(set(want) - set(got)):
        yield f'{what} lacks {name}'
    for name in sorted(set(got) - set(want)):
        yield f'{what} has {name}, which no public header declares'


def check(*libs):
    want = declared()
    findings = list(compare('lib/tenon.map', want, mapped()))
    for lib in libs:
        findings += compare(lib, want, exported(lib))
    with open(TEXT) as f:
        old, new = f.read().splitlines(), describe().splitlines()
    findings += [line for line in difflib.unified_diff(
        old, new, 'lib/abi.txt', 'headers', lineterm='', n=0)]
    for line in findings:
        print(line, file=sys.stderr)
    if findings:
        print('abi: `make abi` writes lib/tenon.map and lib/abi.txt; look at '
              'the difference', file=sys.stderr)
    return 1 if findings else 0


def write():
    """New names join the last version of the map; vanished ones leave it."""
    want, have = declared(), mapped()
    with open(MAP) as f:
        lines = [x for x in f.read().split('\n')
                 if x[1:-1] in want or not re.match(r'^\t\w+;$', x)]
    last = max(i for i, x in enumerate(lines) if x == 'global:') + 1
    end = next(i for i in range(last, len(lines))
               if not re.match(r'^\t\w+;$', lines[i]))
    block = sorted(lines[last:end] +
                   [f'\t{n};' for n in want if n not in have])
    with open(MAP, 'w') as f:
        f.write('\n'.join(lines[:last] + block + lines[end:]))
    with open(TEXT, 'w') as f:
        f.write(describe())
    return 0


def main(verb, *args):
    return {'check': check, 'write': write}[verb](*args)


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
