# SPDX-License-Identifier: MIT
"""The code and the constants of linked images, against their budgets.

    size.py SIZE NAME=KIB FILE [NAME=KIB FILE]..

SIZE is the binutils program; the budget is of code alone, and may be left out.
Status 1 when a budget is not kept.
"""
import re
import subprocess
import sys

SECTION = re.compile(r'^\.(text|rodata)\S*\s+(\d+)')


def measure(size, path):
    """(bytes of code, bytes of constants)."""
    out = subprocess.run([size, '-A', path], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    sums = {'text': 0, 'rodata': 0}
    for line in out.splitlines():
        match = SECTION.match(line)
        if match:
            sums[match[1]] += int(match[2])
    return sums['text'], sums['rodata']


def main(size, *args):
    kept = True
    for label, path in zip(args[::2], args[1::2]):
        name, budget = label.split('=')
        code, constants = measure(size, path)
        kept = kept and (not budget or code <= int(budget) * 1024)
        goal = f'of {budget}' if budget else '(no budget)'
        print(f'{name}: {code} bytes of code, {code / 1024:.1f} KiB '
              f'{goal}; constants: {constants / 1024:.1f} KiB')
    return 0 if kept else 1


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
