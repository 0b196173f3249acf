# SPDX-License-Identifier: MIT
"""Run every test suite and add up what they counted.

A suite is a process whose last line is `N passed, N failed, N skipped`:
a test program of one configuration (named in the list that make writes,
`CONFIG|RUNNER|PROGRAM`), or a Python file test_*.py in oracle/ or in the test
folder of a component, run by pytests.py.  Two suites run at a time; the
closing line of this script is the sum.  Logs stay in build/test-logs/.
"""
import argparse
import concurrent.futures
import glob
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOGS = os.path.join(TOP, 'build', 'test-logs')
COUNTS = re.compile(r'^(\d+) passed, (\d+) failed, (\d+) skipped$', re.M)

# Hang detectors, in seconds; no measure of anything.
PROGRAM_LIMIT = 600
PYTHON_LIMIT = 1800
PYTHON_TESTS = ('oracle/test_*.py', '*/test/test_*.py',
                '*/*/test/test_*.py', '*/*/*/test/test_*.py')


@dataclass
class Suite:
    name: str
    argv: list
    limit: int
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    output: str = ''
    notes: list = field(default_factory=list)


def program_suites(list_file):
    with open(list_file) as f:
        for line in f:
            config, runner, program = line.rstrip('\n').split('|')
            name = f'{config}/{os.path.basename(program)}'
            yield Suite(name, [*runner.split(), program, '-v'], PROGRAM_LIMIT)


def python_suites():
    runner = os.path.join(TOP, 'scripts', 'pytests.py')
    files = {f for p in PYTHON_TESTS for f in glob.glob(p, root_dir=TOP)
             if not f.startswith('build/')}
    for name in sorted(files):
        yield Suite(name, [sys.executable, runner, name], PYTHON_LIMIT)


def environment():
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE='1')
    env.setdefault('TSAN_OPTIONS', 'halt_on_error=1')
    env.setdefault('UBSAN_OPTIONS', 'print_stacktrace=1')
    for name in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL'):
        env.pop(name, None)
    return env


def execute(suite):
    """Runs the suite's process; returns its status, None if it hung."""
    with subprocess.Popen(suite.argv, cwd=TOP, env=environment(),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True,
                          errors='replace', start_new_session=True) as p:
        try:
            suite.output, _ = p.communicate(timeout=suite.limit)
            return p.returncode
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            suite.output, _ = p.communicate()
            return None


def judge(suite, status):
    """Counts; a suite that ended without its closing line has failed."""
    counts = COUNTS.findall(suite.output)
    if status is None:
        suite.notes.append(f'did not end within {suite.limit} s')
    elif not counts:
        suite.notes.append(f'ended with status {status} before its counts')
    elif sum(map(int, counts[-1])) == 0:
        suite.notes.append('ran no test')
    elif status != 0 and int(counts[-1][1]) == 0:
        suite.notes.append(f'ended with status {status}')
    if counts and status is not None:
        suite.passed, suite.failed, suite.skipped = map(int, counts[-1])
    else:
        suite.passed = len(re.findall(r'^ok ', suite.output, re.M))
    if suite.notes:
        suite.failed += 1
        started = re.findall(r'^run (.*)', suite.output, re.M)
        if not counts and started:
            suite.notes.append(f'the last test that started: {started[-1]}')


def run_suite(suite):
    start = time.monotonic()
    try:
        status = execute(suite)
    except OSError as e:
        suite.output, status = f'{e}\n', 127
    judge(suite, status)
    suite.seconds = time.monotonic() - start
    log = os.path.join(LOGS, suite.name.replace('/', '-') + '.log')
    with open(log, 'w') as f:
        f.write(suite.output)
    return suite


def counts_of(suite):
    text = f'{suite.passed} passed'
    if suite.failed:
        text += f', {suite.failed} failed'
    if suite.skipped:
        text += f', {suite.skipped} skipped'
    return text


def report(suite, done, total):
    verdict = 'FAIL' if suite.failed else 'ok'
    print(f'[{done:3}/{total}] {verdict:4} {suite.name:44} '
          f'{counts_of(suite)} ({suite.seconds:.1f} s)', flush=True)
    for line in suite.output.splitlines():
        if line.startswith('skip '):
            print(f'          {line}')


def details(suite):
    print(f'\n--- {suite.name}')
    lines = [x for x in suite.output.splitlines()
             if not x.startswith(('ok ', 'run '))]
    if len(lines) > 120:
        lines = lines[:60] + ['...'] + lines[-60:]
    print('\n'.join(lines + suite.notes))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--list', help='test programs, a line each')
    parser.add_argument('--only', default='', help='part of a suite name')
    args = parser.parse_args()
    suites = [*python_suites()]  # the longest first
    suites += program_suites(args.list) if args.list else []
    suites = [s for s in suites if args.only in s.name]
    os.makedirs(LOGS, exist_ok=True)
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(run_suite, s) for s in suites]
        for n, job in enumerate(concurrent.futures.as_completed(jobs), 1):
            report(job.result(), n, len(suites))
    bad = [s for s in suites if s.failed]
    for suite in bad:
        details(suite)
    print(f'\n{len(suites)} suites in {time.monotonic() - start:.0f} s')
    passed, failed, skipped = (sum(getattr(s, k) for s in suites)
                               for k in ('passed', 'failed', 'skipped'))
    print(f'{passed} passed, {failed} failed, {skipped} skipped', flush=True)
    return 1 if failed or passed == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
