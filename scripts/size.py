# SPDX-License-Identifier: MIT
"""Print the output of `size -t` from stdin, then the verdict on its total."""
import sys

BUDGET = 40 * 1024


def main():
    lines = sys.stdin.read().splitlines()
    print('\n'.join(lines))
    text = int(lines[-1].split()[0])
    print(f'text {text} of {BUDGET} bytes')
    return 0 if text <= BUDGET else 1


sys.exit(main())
