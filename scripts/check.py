# SPDX-License-Identifier: MIT
"""Checks of objects and sources that no compiler makes.

check.py freestanding NM ALLOW OBJECT...   undefined symbols
check.py sources DIR...                    includes, sizes, first lines
check.py links FILE...                     links of pages to files
Prints one line per finding; exit status 1 if there is any.
"""
import os
import re
import subprocess
import sys

C_FILE = ('.c', '.h', '.S')
FILES = C_FILE + ('.mk', '.py', '.sh', '.hpp')
MAX_LINES = 1000
MAX_SH_LINES = 60
MAX_COLUMNS = 100  # tables excepted
UNFINISHED = re.compile(r'\b(T[O]DO|FIX[M]E|X[X]X)\b')
LINK = re.compile(r'\]\((?!\w+:|#)([^)#\s]+)')
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def symbols(nm, obj):
    """The undefined and the global defined symbols of an object."""
    out = subprocess.run([nm, '-P', '-g', obj], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    undefined, defined = set(), set()
    for line in out.splitlines():
        name, kind = line.split()[:2]
        (undefined if kind in 'Uwv' else defined).add(name)
    return undefined, defined


def check_freestanding(nm, allow_file, *objects):
    with open(allow_file) as f:
        allowed = {x.strip() for x in f if x.strip() and x[0] != '#'}
    table = {obj: symbols(nm, obj) for obj in objects}
    for _, defined in table.values():
        allowed |= defined
    for obj, (undefined, _) in table.items():
        for name in sorted(undefined - allowed):
            yield f'{obj}: calls {name}, which no bare machine has'


def source_files(dirs):
    for top in dirs:
        for folder, _, names in os.walk(top):
            for name in sorted(names):
                if name.endswith(FILES):
                    yield os.path.join(folder, name)


def resolve(path, mark, name, headers):
    """The file that an #include names, or None if it is not ours."""
    if mark == '"':
        near = os.path.normpath(os.path.join(os.path.dirname(path), name))
        if near in headers:
            return near
    found = [h for h in headers if h.endswith('/include/' + name)]
    return found[0] if len(found) == 1 else None


def include_cycle(graph):
    """One cycle of the include graph as a list of files, or None."""
    done, path = set(), []

    def visit(node):
        if node in path:
            return path[path.index(node):] + [node]
        if node in done:
            return None
        path.append(node)
        for to in graph[node]:
            cycle = visit(to)
            if cycle:
                return cycle
        done.add(path.pop())
        return None

    for node in graph:
        cycle = visit(node)
        if cycle:
            return cycle
    return None


def home(path):
    """The component that a file belongs to: core/elf, base, modules ..."""
    parts = os.path.normpath(path).split('/')
    return parts[:2] if parts[0] == 'core' else parts[:1]


def check_includes(texts):
    headers = {p for p in texts if p.endswith('.h')}
    graph = {}
    for path, text in texts.items():
        if not path.endswith(C_FILE):
            continue
        includes = INCLUDE.findall(text)
        for mark, name in includes:
            target = os.path.join(os.path.dirname(path), name)
            if mark == '"' and home(target) != home(path):
                yield f'{path}: includes {name}: name a public header'
        found = (resolve(path, m, n, headers) for m, n in includes)
        graph[path] = [p for p in found if p and p.endswith('.h')]
    cycle = include_cycle(graph)
    if cycle:
        yield 'circular include: ' + ' -> '.join(cycle)


def check_text(path, text):
    lines = text.splitlines()
    limit = MAX_SH_LINES if path.endswith('.sh') else MAX_LINES
    if len(lines) > limit:
        yield f'{path}: {len(lines)} lines, the limit is {limit}'
    first = [x for x in lines[:2] if not x.startswith('#!')]
    if not first or 'SPDX-License-Identifier: MIT' not in first[0]:
        yield f'{path}: line 1 must be the SPDX line'
    table = False
    for n, line in enumerate(lines, 1):
        if 'clang-format o' in line:
            table = 'clang-format off' in line
        if UNFINISHED.search(line):
            yield f'{path}:{n}: unfinished: {line.strip()}'
        wide = len(line.expandtabs(8)) > MAX_COLUMNS and not table
        if wide and path.endswith(C_FILE):
            yield f'{path}:{n}: longer than {MAX_COLUMNS} columns'


def check_sources(*dirs):
    texts = {}
    for path in source_files(dirs):
        with open(path, encoding='utf-8') as f:
            texts[path] = f.read()
    for path, text in texts.items():
        yield from check_text(path, text)
    yield from check_includes(texts)


def check_links(*pages):
    for page in pages:
        with open(page, encoding='utf-8') as f:
            links = sorted(set(LINK.findall(f.read())))
        for link in links:
            if not os.path.exists(os.path.join(os.path.dirname(page), link)):
                yield f'{page}: leads to {link}, which is not there'


def main(what, *args):
    checks = {'freestanding': check_freestanding, 'sources': check_sources,
              'links': check_links}
    findings = list(checks[what](*args))
    for line in findings:
        print(line, file=sys.stderr)
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
