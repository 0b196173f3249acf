#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The tour of `make run`: real modules in a process and on bare machines.

Every step is a command that is printed, run and checked: its exit status and
a piece of its output are what the step promises, or the tour ends with 1.
"""
import os
import platform
import signal
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


def stories(tour):
    """modules/example and modules/test: what happens, told by a terminal."""
    common = os.path.dirname(module('hello'))
    run = tenon(platform.machine()) + ['run', '-L', common]

    tour.chapter('A provider and its user')
    tour.step('guest needs greeter, which is found, loaded first and '
              'unloaded last.',
              run + ['guest', '--list'],
              ['Hello, guest!', 'unloaded guest', 'unloaded greeter'])
    tour.step('Parameters, at load and while the module runs.',
              run + ['-q', 'greeter', 'word=Welcome', 'guest', '--set',
                     'greeter.times=2', '--call', 'guest_visit'],
              ['Welcome, guest!', 'guest_visit() = 2'])
    tour.step('greeter cannot go while guest uses it.',
              run + ['-q', 'guest', '--unload', 'greeter'],
              ['Module greeter is in use by guest', 'greeter: goodbye'], 1)
    tour.step('Interfaces: no symbol of the other, and still it is held.',
              run + ['-q', 'ticker', 'watcher', '--unload', 'ticker'],
              ['in use by watcher', 'interface test/ticker',
               'watcher: saw 1'], 1)
    tour.step('Whatever happens, nothing is left.',
              run + ['-q', 'guest', '--ledger', '--verify-free'],
              ['guest holds:', 'import     greeter'])

    tour.chapter('An init that fails, and a crash')
    tour.step('What init has taken it gives back, in the reverse order.',
              run + ['unwind', 'fail_at=3'],
              ['3. interrupt: fails', 'queue: given back',
               'buffer: given back', 'init failed with -12'], 1)
    tour.step('A crash says in which function of which module, and the line.',
              run + ['-q', 'crasher', '--call', 'crasher_go,1'],
              ['SIGSEGV', 'read_it', '[crasher]', 'crasher.c:'],
              -signal.SIGSEGV)


def refusals(tour):
    common = os.path.dirname(module('hello'))
    run = tenon(platform.machine()) + ['run', '-q', '-L', common]

    tour.chapter('Refused, for good reasons')
    tour.step('A value out of range.', run + ['greeter', 'times=9'],
              ['times: 9 is not within 1 to 5'], 1)
    tour.step('A parameter that is not there, with the nearest name.',
              run + ['greeter', 'tims=2'], ['nearest: times'], 1)
    tour.step('A licence that the export does not allow.',
              run + ['stranger'], ['GPL-compatible'], 1)
    tour.step('A provider that is too old.',
              run + ['newer'], ['needs greeter >= 2; present is 1.4'], 1)
    tour.step('Misspelt imports: all of them at once, with the nearest names.',
              run + ['missing'], ['nearest: memcpy'], 1)
    tour.step('A namespace that the module did not import.',
              run + ['ns_user'], ['namespace'], 1)
    tour.step('A provider whose interface has changed since the build.',
              run + ['badver'], ['disagrees'], 1)
    tour.step('A name that somebody exports already.',
              run + ['twin'], ['exports already'], 1)
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
    stories(tour)
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
