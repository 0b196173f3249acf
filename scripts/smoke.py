#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run a bare-metal image in QEMU and end with the image's status.

    smoke.py [-v] [--limit SECONDS] [--print] ARCH|IMAGE [-- QEMU ARGUMENTS]

ARCH (aarch64 or riscv64) stands for build/ARCH/bin/smoke; of any other image
the ELF header says for which machine it is.  The image's console is passed
through; what firmware says before the image's first line is shown with -v, or
when that line never comes.  An image that does not end within the limit is
hung: status 124.
"""
import argparse
import os
import shlex
import struct
import subprocess
import sys
import threading

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HUNG = 124
FIRST_LINE = b'tenon: '
COMMON = ['-nodefaults', '-display', 'none', '-serial', 'stdio',
          '-no-reboot']
MACHINES = {  # e_machine: architecture and QEMU
    183: ('aarch64', ['qemu-system-aarch64', '-M', 'virt',
                      '-cpu', 'cortex-a57', '-semihosting-config',
                      'enable=on,target=native']),
    243: ('riscv64', ['qemu-system-riscv64', '-M', 'virt']),
}


def machine_of(image):
    with open(image, 'rb') as f:
        head = f.read(20)
    if len(head) < 20 or head[:4] != b'\x7fELF':
        raise ValueError(f'{image} is not an ELF file')
    machine = struct.unpack_from('<H', head, 18)[0]
    if machine not in MACHINES:
        raise ValueError(f'{image} is for machine {machine}; QEMU is '
                         'started for aarch64 and riscv64 only')
    return MACHINES[machine]


def command_for(target, extra):
    names = [arch for arch, _ in MACHINES.values()]
    if target in names:
        target = os.path.join(TOP, 'build', target, 'bin', 'smoke')
    _, qemu = machine_of(target)
    return [*qemu, *COMMON, '-kernel', target, *extra]


def pass_through(stream, out, verbose):
    """Copies lines as they come, firmware's only if asked or alone."""
    held = []
    started = verbose
    for line in stream:
        line = line.replace(b'\r', b'')
        started = started or line.startswith(FIRST_LINE)
        if started:
            out.write(line)
            out.flush()
        else:
            held.append(line)
    if not started:
        out.writelines(held)
        out.flush()


def run(command, limit, verbose=False, out=None):
    """Returns QEMU's status, HUNG when it did not end within the limit."""
    out = out or sys.stdout.buffer
    hung = threading.Event()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as qemu:
        def kill():
            hung.set()
            qemu.kill()
        timer = threading.Timer(limit, kill)
        timer.start()
        try:
            pass_through(qemu.stdout, out, verbose)
            status = qemu.wait()
        finally:
            timer.cancel()
            qemu.kill()
    if hung.is_set():
        out.write(f'smoke.py: the image did not end within {limit} s\n'
                  .encode())
        out.flush()
        return HUNG
    return status


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('target', metavar='ARCH|IMAGE')
    parser.add_argument('-v', '--verbose', action='store_true',
                        help="show firmware's output too")
    parser.add_argument('--limit', type=float, default=60,
                        help='seconds after which it is hung')
    parser.add_argument('--print', action='store_true',
                        help='print the command and do nothing')
    parser.add_argument('extra', nargs='*', metavar='QEMU ARGUMENT')
    args = parser.parse_args(argv)
    try:
        command = command_for(args.target, args.extra)
        if args.print:
            print(shlex.join(command))
            return 0
        return run(command, args.limit, args.verbose)
    except (OSError, ValueError) as e:
        print(f'smoke.py: {e}', file=sys.stderr)
        return 2


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
