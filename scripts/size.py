# SPDX-License-Identifier: MIT
"""Add up the code and the constants of objects: size.py SIZE OBJECT...

Prints both for each component and compares the code with the budget for a
bare machine.  SIZE is the binutils program.
"""
import collections
import re
import subprocess
import sys

BUDGET = 40 * 1024
SECTION = re.compile(r'^\.(text|rodata)\S*\s+(\d+)')


def measure(size, objects):
    """Component -> [bytes of code, bytes of constants]."""
    out = subprocess.run([size, '-A', *objects], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    sums = collections.defaultdict(lambda: [0, 0])
    part = None
    for line in out.splitlines():
        if line.endswith(':') and '.o ' in line:
            part = line.split('/obj/')[1].rpartition('/')[0]
        match = SECTION.match(line)
        if match:
            sums[part][match[1] == 'rodata'] += int(match[2])
    return sums


def main(size, *objects):
    sums = measure(size, objects)
    sums['together'] = [sum(x) for x in zip(*sums.values())]
    print(f'{"component":<16} {"code":>8} {"constants":>10}')
    for part, (code, constants) in sums.items():
        print(f'{part:<16} {code:8} {constants:10}')
    code = sums['together'][0]
    print(f'code: {code / 1024:.1f} KiB of {BUDGET // 1024}')
    return 0 if code <= BUDGET else 1


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
