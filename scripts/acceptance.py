# SPDX-License-Identifier: MIT
"""Write docs/acceptance.md: every acceptance row and the tests that prove it.

A C test says PROVES("L08 L11") in its body; a Python test says `proves: L15`
in its docstring.  The rows are in docs/acceptance.rows, `ID<TAB>text`, in the
order of the table.  --check verifies that the written file is current.
"""
import ast
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROWS = 'docs/acceptance.rows'
TABLE = 'docs/acceptance.md'
GROUPS = {'G': 'Slot module manager', 'L': 'Module loader and plugins',
          'A': 'Virtual CPUs and system-call modules', 'K': 'Kernel',
          'H': 'Module framework'}
C_MARK = re.compile(r'^TEST\(\s*(\w+),\s*(\w+)\)'
                    r'|\bPROVES\(\s*((?:"[^"]*"\s*)+)\)', re.M)
PY_MARK = re.compile(r'\bproves:\s*((?:[A-Z][\w.]*[A-Z0-9][ ,]*)+)')


def files(suffix):
    for folder, inner, names in os.walk('.'):
        inner[:] = sorted(d for d in inner if d != 'build' and d[0] != '.')
        for name in sorted(names):
            if name.endswith(suffix):
                yield os.path.normpath(os.path.join(folder, name))


def c_proofs(path):
    """Pairs (test, row) of a C file."""
    with open(path, encoding='utf-8') as f:
        text = f.read()
    test = None
    for mark in C_MARK.finditer(text):
        if mark[1]:
            test = f'{mark[1]}.{mark[2]}'
        elif test:
            for row in mark[3].replace('"', ' ').split():
                yield test, row


def python_proofs(path):
    """Pairs (test, row) of a Python test file."""
    with open(path, encoding='utf-8') as f:
        tree = ast.parse(f.read(), path)
    stem = os.path.splitext(os.path.basename(path))[0]
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            doc = ast.get_docstring(node) or ''
            for rows in PY_MARK.findall(doc):
                for row in re.split(r'[ ,]+', rows.strip(' ,')):
                    yield f'{stem}.{node.name}', row


def read_rows():
    with open(ROWS, encoding='utf-8') as f:
        return dict(line.rstrip('\n').split('\t') for line in f)


def collect(rows):
    """Row -> list of 'test (file)' links; exits at a row that is not there."""
    tests = {row: [] for row in rows}
    sources = [(p, c_proofs) for p in files('.c')]
    sources += [(p, python_proofs) for p in files('.py')
                if os.path.basename(p).startswith('test_')]
    for path, proofs in sources:
        for test, row in proofs(path):
            if row not in rows:
                sys.exit(f'{path}: {test} proves {row}, which is no row')
            link = f'[{test}](../{path})'
            if link not in tests[row]:
                tests[row].append(link)
    return tests


def render(rows, tests):
    proved = sum(1 for links in tests.values() if links)
    yield '# Acceptance'
    yield ''
    yield ('Every feature that Tenon is to have, and the tests that name it '
           'as proved; written by')
    yield (f'`make acceptance`. Named by a test: {proved} of {len(rows)} '
           'rows.')
    group = None
    for row, text in rows.items():
        if row[0] != group:
            group = row[0]
            yield f'\n## {group}. {GROUPS[group]}\n'
            yield '| Row | Feature | Tests |'
            yield '| --- | --- | --- |'
        cell = text.replace('|', '\\|')
        yield f'| {row} | {cell} | {" ".join(tests[row])} |'


def main(check):
    os.chdir(TOP)
    rows = read_rows()
    text = '\n'.join(render(rows, collect(rows))) + '\n'
    if not check:
        with open(TABLE, 'w', encoding='utf-8') as f:
            f.write(text)
        return 0
    try:
        with open(TABLE, encoding='utf-8') as f:
            current = f.read()
    except FileNotFoundError:
        current = ''
    if current != text:
        print(f'{TABLE} is out of date: make acceptance', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main('--check' in sys.argv[1:]))
