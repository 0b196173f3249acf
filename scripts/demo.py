#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The tour of `make run`: real modules in a process and on bare machines.

Every step is a command that is printed, run and checked: its exit status and
a piece of its output are what the step promises, or the tour ends with 1.
"""
import os
import platform
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BOLD, DIM, RED, PLAIN = (
    ('\033[1m', '\033[2m', '\033[31m', '\033[0m')
    if sys.stdout.isatty() else ('', '', '', ''))
LIMIT = 60  # seconds; a hang detector, not a measure


def tenon(arch):
    """The command line of `tenon` for modules of @arch."""
    if arch == platform.machine():
        return ['build/host/bin/tenon']
    return [f'qemu-{arch}', '-L', f'/usr/{arch}-linux-gnu',
            f'build/host-{arch}/bin/tenon']


def module(name, arch=None):
    return f'build/modules/{arch or platform.machine()}/common/{name}.ko'


class Tour:
    def __init__(self):
        self.failed = 0

    def chapter(self, title):
        print(f'\n{BOLD}{title}{PLAIN}', flush=True)

    def step(self, what, command, says, status=0):
        """Runs @command and expects @status and each text of @says."""
        print(f'\n{what}\n{DIM}$ {" ".join(command)}{PLAIN}', flush=True)
        try:
            done = subprocess.run(
                command, cwd=TOP, stdin=subprocess.DEVNULL, timeout=LIMIT,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            output = done.stdout.decode(errors='replace')
            ended = done.returncode
        except (OSError, subprocess.TimeoutExpired) as e:
            output, ended = str(e) + '\n', None
        print(''.join(f'  {line}\n' for line in output.splitlines()),
              end='', flush=True)
        absent = [s for s in says if s not in output]
        if ended != status or absent:
            self.failed += 1
            print(f'{RED}  expected status {status}, got {ended}; '
                  f'absent: {absent}{PLAIN}', flush=True)


def damage(path, into):
    """A copy of the module with its second half cut off."""
    with open(os.path.join(TOP, path), 'rb') as f:
        data = f.read()
    name = os.path.join(into, 'damaged.ko')
    with open(name, 'wb') as f:
        f.write(data[:len(data) // 2])
    return name


def in_this_process(tour):
    run = tenon(platform.machine()) + ['run']
    folder = ['-L', os.path.dirname(module('hello'))]

    tour.chapter('In this process')
    tour.step('A module is loaded, called and unloaded.',
              run + [module('hello'), '--call', 'hello_add,7,5'],
              ['hello: hello', 'hello_add(7, 5) = 12', 'unloaded hello'])
    tour.step('A module that imports from another brings its provider along.',
              run + folder + [module('user')],
              ['loaded provider', 'loaded user', 'unloaded provider'])


def refusals(tour):
    run = tenon(platform.machine()) + ['run', '-q']
    folder = ['-L', os.path.dirname(module('hello'))]

    tour.chapter('Refused, for good reasons')
    tour.step('Misspelt imports: all of them at once, with the nearest names.',
              run + [module('missing')], ['nearest: memcpy'], 1)
    tour.step('A licence that the export does not allow.',
              run + folder + [module('gpl_user')], ['GPL-compatible'], 1)
    tour.step('A namespace that the module did not import.',
              run + folder + [module('ns_user')], ['namespace'], 1)
    tour.step('A provider whose interface has changed since the build.',
              run + folder + [module('badver')], ['disagrees'], 1)
    tour.step('A name that somebody exports already.',
              run + folder + [module('twin')], ['exports already'], 1)
    tour.step('An init that fails: its error, and nothing is left.',
              run + [module('failing_init')], ['init failed with -19'], 1)
    with tempfile.TemporaryDirectory() as scratch:
        tour.step('A file that was cut off.',
                  run + [damage(module('hello'), scratch)],
                  ['outside the file'], 1)


def other_machines(tour):
    for arch in ('aarch64', 'riscv64'):
        tour.chapter(f'{arch}: in a process (qemu-user) and on a bare machine'
                     ' (QEMU), the same files')
        tour.step('In a process.',
                  tenon(arch) + ['run', module('hello', arch), '--call',
                                 'hello_add,7,5'],
                  ['hello_add(7, 5) = 12', 'unloaded hello'])
        tour.step('On a bare machine, from reset to power-off.',
                  ['python3', 'scripts/smoke.py', arch],
                  ['smoke:', ' 0 failed'])


def offline(tour):
    tour.chapter('Offline: a module linked for a machine that is not here')
    with tempfile.TemporaryDirectory() as scratch:
        symbols = os.path.join(scratch, 'System.map')
        image = os.path.join(scratch, 'hello.image')
        with open(symbols, 'w') as f:
            f.write('ffffffff80000000 T printk\n')
        tour.step('printk is far away, so a call goes through a stub.',
                  tenon(platform.machine()) + [
                      'link', module('hello', 'riscv64'), '--at',
                      '0x7000000000', '--symbols', symbols, '-o', image],
                  [])
        tour.step('A conventional tool reads the image.',
                  ['riscv64-linux-gnu-objdump', '-d', '-j', '.tenon.stubs',
                   image], ['auipc', 'jr'])


def main():
    start = time.monotonic()
    tour = Tour()
    in_this_process(tour)
    refusals(tour)
    other_machines(tour)
    offline(tour)
    seconds = time.monotonic() - start
    if tour.failed:
        print(f'\n{RED}{tour.failed} steps did not do as they promise'
              f'{PLAIN}')
        return 1
    print(f'\n{BOLD}All as promised{PLAIN}, in {seconds:.0f} s. Next: '
          '`make test`, docs/architecture.md, docs/module-format.md.')
    return 0


if __name__ == '__main__':
    sys.exit(main())
