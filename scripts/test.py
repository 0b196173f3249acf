# SPDX-License-Identifier: MIT
"""Run every test suite and add up what they counted.

A suite is a process whose last line is `N passed, N failed, N skipped`:
a test program of one configuration (named in the list that make writes,
`CONFIG|RUNNER|PROGRAM`), or a Python file test_*.py in oracle/ or in the test
folder of a component, run by pytests.py.  Two suites run at a time; the
closing line of this script is the sum.  Logs grow in build/test-logs/ while
the suites run, so that nothing waits for who holds an end of a pipe.

A suite that says nothing for long hangs: each test says when it begins.  What
its processes wait for is added to its log, it is asked for its stack (SIGABRT)
and ended.  What it started carries its mark in the environment: a process that
outlives its suite is found by that, ended, and a failure of the suite.
"""
import argparse
import concurrent.futures
import contextlib
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

import pytests

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOGS = os.path.join(TOP, 'build', 'test-logs')
COUNTS = re.compile(r'^(\d+) passed, (\d+) failed, (\d+) skipped$', re.M)

# Hang detectors, in seconds; no measure of anything.  The longest tests take
# a minute, the longest suites three, in emulators on two busy processors.
QUIET_LIMIT = 600
LIMIT = 1800
STACK_TIME = 5   # to print its stack, once it is asked to
DEBUGGER_TIME = 20
LEAVE_TIME = 10  # for processes that are about to end
EXECUTE_TIME = 0.02  # for one to execute another program, mostly less
NEWS_TIME = 60   # without a result, say what runs
MARK = 'TENON_SUITE'
PYTHON_TESTS = ('oracle/test_*.py', '*/test/test_*.py',
                '*/*/test/test_*.py', '*/*/*/test/test_*.py')


@dataclass
class Suite:
    name: str
    argv: list
    limit: float = LIMIT
    quiet: float = QUIET_LIMIT
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    start: float = 0.0
    seconds: float = 0.0
    process: subprocess.Popen = None
    output: str = ''
    notes: list = field(default_factory=list)


def program_suites(list_file):
    with open(list_file) as f:
        for line in f:
            config, runner, program = line.rstrip('\n').split('|')
            name = f'{config}/{os.path.basename(program)}'
            yield Suite(name, [*runner.split(), program, '-v'])


def python_suites():
    runner = os.path.join(TOP, 'scripts', 'pytests.py')
    files = {f for p in PYTHON_TESTS for f in glob.glob(p, root_dir=TOP)
             if not f.startswith('build/')}
    for name in sorted(files):
        yield Suite(name, [sys.executable, runner, name])


def mark_of(suite):
    return f'{os.getpid()}:{suite.name}'


def environment(suite):
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE='1')
    env.setdefault('TSAN_OPTIONS', 'halt_on_error=1')
    env.setdefault('UBSAN_OPTIONS', 'print_stacktrace=1')
    env[MARK] = mark_of(suite)
    # Emulators use glib, up to 2.74 with an allocator whose locks a fork
    # leaves as another thread held them: a child then waits for ever.
    env['G_SLICE'] = 'always-malloc'
    for name in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL'):
        env.pop(name, None)
    return env


def marked(suite):
    """The processes of a suite, wherever they went: [(pid, name)]."""
    mark = f'{MARK}={mark_of(suite)}'.encode()
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/environ', 'rb') as f:
                if mark not in f.read().split(b'\0'):
                    continue
            with open(f'/proc/{pid}/comm', encoding='utf-8') as f:
                found.append((int(pid), f.read().strip()))
        except OSError:  # gone, or of another user
            pass
    return found


def is_over(suite):
    """No process is left.  One that executes a program at this moment has no
    environment yet, so one look is not enough."""
    if marked(suite):
        return False
    time.sleep(EXECUTE_TIME)
    return not marked(suite)


def wait_for_all(suite, seconds):
    last = time.monotonic() + seconds
    while not is_over(suite) and time.monotonic() < last:
        time.sleep(0.05)


def end(suite):
    """Ends all processes of a suite; returns who they were.  One look does not
    show all of them, and they may start others meanwhile."""
    found = {}
    last = time.monotonic() + LEAVE_TIME
    while not is_over(suite) and time.monotonic() < last:
        for pid, name in marked(suite):
            found[pid] = name
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    return found


def end_stragglers(suite):
    """A suite that has ended may leave no process behind."""
    wait_for_all(suite, LEAVE_TIME)
    names = [f'{name} ({pid})' for pid, name in end(suite).items()]
    if names:
        suite.notes.append('left processes behind: ' + ', '.join(names))


def threads_of(pid):
    """What the threads of a process wait for, a line each, as Linux has it."""
    for path in sorted(glob.glob(f'/proc/{pid}/task/*')):
        says = [f'  thread {os.path.basename(path)}:']
        for name in ('comm', 'wchan', 'syscall'):
            with contextlib.suppress(OSError):  # gone, or not ours to see
                with open(f'{path}/{name}', encoding='utf-8') as f:
                    says.append(f.read().strip())
        yield ' '.join(says)


def stacks_of(pid):
    """The same as a debugger has it, where there is one."""
    if shutil.which('gdb') is None:
        return ''
    try:
        return subprocess.run(
            ['gdb', '-nx', '-batch', '-p', str(pid), '-ex',
             'thread apply all backtrace'], timeout=DEBUGGER_TIME,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False).stdout.decode(
                errors='replace')
    except subprocess.TimeoutExpired:
        return ''


def tell_where_it_hangs(suite, log):
    with open(log, 'a', encoding='utf-8') as out:
        for pid, name in marked(suite):
            print(f'hangs: {name} ({pid})', *threads_of(pid), sep='\n',
                  file=out)
            if not name.startswith('python'):  # which tells it itself
                out.write(stacks_of(pid))


def end_hung(suite):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(suite.process.pid, signal.SIGABRT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        suite.process.wait(STACK_TIME)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(suite.process.pid, signal.SIGKILL)
    end(suite)


def wait_for_end(suite, log):
    """The status of a suite; None if it hangs."""
    size, since = -1, time.monotonic()
    last = since + suite.limit
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return suite.process.wait(min(suite.quiet, 1))
        now, length = time.monotonic(), os.path.getsize(log)
        if length != size:
            size, since = length, now
        if now - since > suite.quiet:
            suite.notes.append(f'said nothing for {suite.quiet} s')
            return None
        if now > last:
            suite.notes.append(f'did not end within {suite.limit} s')
            return None


def execute(suite, log):
    """Runs the suite's process; returns its status, None if it hung."""
    with contextlib.suppress(FileNotFoundError):
        os.remove(log)
    with open(log, 'ab') as out, subprocess.Popen(
            suite.argv, cwd=TOP, env=environment(suite),
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            start_new_session=True) as suite.process:
        try:
            status = wait_for_end(suite, log)
            if status is None:
                tell_where_it_hangs(suite, log)
                end_hung(suite)
            return status
        finally:
            end_stragglers(suite)


def judge(suite, status):
    """Counts; a suite that ended without its closing line has failed."""
    counts = COUNTS.findall(suite.output)
    if status is not None and not counts:
        suite.notes.append(f'ended with status {status} before its counts')
    elif status is not None and sum(map(int, counts[-1])) == 0:
        suite.notes.append('ran no test')
    elif status not in (0, None) and int(counts[-1][1]) == 0:
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


def run_suite(suite, logs=LOGS):
    log = os.path.join(logs, suite.name.replace('/', '-') + '.log')
    suite.start = time.monotonic()
    try:
        status = execute(suite, log)
    except OSError as e:
        status = 127
        suite.notes.append(str(e))
    with open(log, encoding='utf-8', errors='replace') as f:
        suite.output = f.read()
    judge(suite, status)
    suite.seconds = time.monotonic() - suite.start
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


def say_what_runs(suites):
    now = time.monotonic()
    print('          running: ' + ', '.join(
        f'{s.name} ({now - s.start:.0f} s)' for s in suites
        if s.start and not s.seconds), flush=True)


def run_all(suites, logs):
    """Runs them, two at a time; an interrupt ends all that runs."""
    pool = concurrent.futures.ThreadPoolExecutor(2)
    waiting = {pool.submit(run_suite, s, logs) for s in suites}
    count = 0
    try:
        while waiting:
            done, waiting = concurrent.futures.wait(
                waiting, NEWS_TIME, concurrent.futures.FIRST_COMPLETED)
            if not done:
                say_what_runs(suites)
            for job in done:
                count += 1
                report(job.result(), count, len(suites))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for suite in suites:
            if suite.start and not suite.seconds:
                end(suite)


def interrupt(number, frame):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--list', help='test programs, a line each')
    parser.add_argument('--only', default='', help='part of a suite name')
    parser.add_argument('--logs', default=LOGS, help='folder of their output')
    args = parser.parse_args()
    suites = [*python_suites()]  # the longest first
    suites += program_suites(args.list) if args.list else []
    suites = [s for s in suites if args.only in s.name]
    if not suites:
        print(f"no suite has '{args.only}' in its name", file=sys.stderr)
    os.makedirs(args.logs, exist_ok=True)
    signal.signal(signal.SIGTERM, interrupt)
    pytests.standard_signals()
    start = time.monotonic()
    try:
        run_all(suites, args.logs)
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        return 130
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
