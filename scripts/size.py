# SPDX-License-Identifier: MIT
"""The code and the constants of the linked loader: size.py SIZE OBJECT.

Prints both and compares the code with the budget for a bare machine; status 1
above it.  SIZE is the binutils program.
"""
import re
import subprocess
import sys

BUDGET = 40 * 1024
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


def main(size, path):
    code, constants = measure(size, path)
    print(f'constants: {constants / 1024:.1f} KiB')
    print(f'code: {code} bytes, {code / 1024:.1f} KiB of {BUDGET // 1024}')
    return 0 if code <= BUDGET else 1


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
