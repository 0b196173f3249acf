# SPDX-License-Identifier: MIT
"""The programs that the benchmarks run: ours, and the peers besides dlopen.

Everything measured is pinned to one processor, the same for all, but for the
commands of `alternate`, which may have threads, and ends with whoever has
started it.  A peer that is not there, or fails, raises Missing with the reason.
"""
import contextlib
import ctypes
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import time

BIN = os.path.join('build', 'host', 'bin')
JITLINK = 'llvm-jitlink-14'


LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
RLIMIT_RTTIME = 15  # the module resource does not name it
# Seconds that a program before all others may compute without a rest.
GREED_LIMIT = 300


class Missing(Exception):
    pass


def settle(parent):
    """In the child: one processor, and no life without its parent."""
    if LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0 or \
            os.getppid() != parent:
        os._exit(1)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _go_first():
    """Before other programs, as are children then, if that is allowed."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        pass


@contextlib.contextmanager
def _first():
    """This process and its children go before others.

    A function that is called in the child would do it, too, but makes the
    start of a process longer by what some commands take as a whole.
    """
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    _go_first()
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)


def settle_first(parent):
    """In the child: both, and not without end."""
    settle(parent)
    micros = GREED_LIMIT * 1000000
    resource.setrlimit(RLIMIT_RTTIME, (micros, micros))
    _go_first()


def run(argv, settle=settle_first):
    """What the program prints, to either stream."""
    parent = os.getpid()
    done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True,
                          preexec_fn=lambda: settle(parent))
    if done.returncode != 0:
        why = done.stdout.strip().split('\n')[-1] or done.returncode
        raise Missing(f'{os.path.basename(argv[0])}: {why}')
    return done.stdout


def figures(argv):
    """NAME -> [numbers] of the lines that a benchmark program prints."""
    lines = (line.split() for line in run(argv).splitlines())
    return {name: [int(v) for v in values] for name, *values in lines}


def ours(program, *args):
    return figures([os.path.join(BIN, program), *args])


def _milliseconds(argv):
    begun = time.monotonic()
    subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)
    return (time.monotonic() - begun) * 1000


def alternate(mine, theirs, runs, prepare=lambda: None):
    """Median milliseconds of our command and of the peer's, which take turns;
    prepare() comes before each of ours."""
    times = ([], [])
    with _first():
        for _ in range(runs):
            times[1].append(_milliseconds(theirs))
            prepare()
            times[0].append(_milliseconds(mine))
    return tuple(map(statistics.median, times))


class Libtcc:
    """bench/peer/libtcc.c, compiled here: it needs the package libtcc-dev."""

    def __init__(self, out):
        self.program = os.path.join(out, 'libtcc')
        done = subprocess.run(
            ['gcc', '-O2', '-std=c11', '-D_GNU_SOURCE', 'bench/peer/libtcc.c',
             'bench/measure.c', '-ltcc', '-ldl', '-lpthread', '-o',
             self.program], capture_output=True, text=True)
        if done.returncode != 0:
            raise Missing('libtcc: ' + done.stderr.strip().split('\n')[0])

    def load(self, module, probes, runs):
        """Nanoseconds of a load, median and p99."""
        return figures([self.program, module, probes, runs])['libtcc'][:2]


class Jitlink:
    """llvm-jitlink prints seconds with four decimals, of one link a process.

    Counted is its "time to link object files" alone: neither the start of
    the process nor reading the file, nor unloading.
    """
    LINE = re.compile(r'([\d.]+) \(\s*[\d.]+%\)\s+time to link object files')

    def __init__(self):
        if shutil.which(JITLINK) is None:
            raise Missing(f'{JITLINK} is not installed (package llvm-14)')

    def load(self, module, probes, runs):
        with open(probes) as f:
            entry = f.readline().split()[0]
        times = []
        for _ in range(runs):
            text = run([JITLINK, '-noexec', '-show-times', f'-entry={entry}',
                        module], settle)  # for most of a minute
            found = self.LINE.search(text)
            if not found:
                raise Missing(f'{JITLINK}: no link time in its output')
            times.append(float(found[1]) * 1e9)
        times.sort()
        return [times[len(times) // 2], times[-1]]


def code_sizes():
    """(name, bytes of code, budget) of each image that `make size` links,
    aarch64 -Os (its status is 1 above a budget)."""
    env = {k: v for k, v in os.environ.items()
           if k not in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL')}
    done = subprocess.run(['make', '-s', 'size'], capture_output=True,
                          text=True, env=env)
    found = re.findall(r'^(\w+): (\d+) bytes of code, \S+ KiB of (\d+);',
                       done.stdout, re.M)
    if not found:
        why = (done.stderr or done.stdout).strip().split('\n')[-1]
        raise Missing(f'make size: {why}')
    return [(name, int(code), int(budget) * 1024)
            for name, code, budget in found]
