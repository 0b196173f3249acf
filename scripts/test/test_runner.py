# SPDX-License-Identifier: MIT
"""The runner believes only what a suite printed and how it ended."""
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

SCRIPTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def load(name):
    spec = importlib.util.spec_from_file_location(
        f'tenon_{name}', os.path.join(SCRIPTS, f'{name}.py'))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


runner = load('test')


class Runner(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='tenon-runner-')
        self.addCleanup(folder.cleanup)
        self.logs = folder.name

    def judge(self, script, limit=60, quiet=60):
        suite = runner.Suite('s', ['sh', '-c', script], limit, quiet)
        return runner.run_suite(suite, self.logs)

    def counts(self, suite):
        return suite.passed, suite.failed, suite.skipped

    def test_counts_are_taken_from_the_closing_line(self):
        s = self.judge('echo 1 passed, 0 failed, 0 skipped;'
                       'echo 7 passed, 0 failed, 2 skipped')
        self.assertEqual(self.counts(s), (7, 0, 2))

    def test_failures_count_once(self):
        s = self.judge('echo 7 passed, 3 failed, 0 skipped; exit 1')
        self.assertEqual(self.counts(s), (7, 3, 0))

    def test_a_bad_status_fails_whatever_was_printed(self):
        s = self.judge('echo 7 passed, 0 failed, 0 skipped; exit 1')
        self.assertEqual(self.counts(s), (7, 1, 0))

    def test_a_crash_fails_and_names_the_last_test(self):
        s = self.judge('echo ok a.b; echo run a.c; kill -SEGV $$')
        self.assertEqual(self.counts(s), (1, 1, 0))
        self.assertIn('the last test that started: a.c', s.notes)

    def test_suites_begin_with_the_standard_signals(self):
        """Also where the runner was started without, as by nohup."""
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
            before = signal.signal(number, signal.SIG_IGN)
            self.addCleanup(signal.signal, number, before)
        runner.pytests.standard_signals()
        for name in ('HUP', 'INT', 'QUIT'):
            os.kill(os.getpid(), getattr(signal, f'SIG{name}'))
            s = self.judge(f'kill -{name} $$; echo 1 passed, 0 failed')
            self.assertEqual(self.counts(s), (0, 1, 0), name)

    def test_a_hang_fails(self):
        s = self.judge('echo 7 passed, 0 failed, 0 skipped; sleep 60', 0.5)
        self.assertEqual(s.notes, ['did not end within 0.5 s'])
        self.assertEqual(s.failed, 1)

    def test_what_hangs_says_where_and_is_ended_with_all_its_children(self):
        path = os.path.join(self.logs, 'test_hangs.py')
        with open(path, 'w', encoding='ascii') as f:
            f.write('import subprocess, time, unittest\n'
                    'class T(unittest.TestCase):\n'
                    '    def test_x(self):\n'
                    '        subprocess.Popen(["setsid", "sleep", "60"])\n'
                    '        time.sleep(60)\n')
        quiet, says = 1, ''
        while 'run T.test_x' not in says:  # a loaded machine begins late
            quiet *= 2
            suite = runner.Suite('s', [sys.executable, os.path.join(
                SCRIPTS, 'pytests.py'), path], quiet=quiet)
            says = runner.run_suite(suite, self.logs).output
        self.assertEqual(self.counts(suite), (0, 1, 0))
        self.assertEqual(suite.notes, [
            f'said nothing for {quiet} s',
            'the last test that started: T.test_x'])
        self.assertIn('test_hangs.py", line 5 in test_x', says)
        self.assertRegex(says, r'(?m)^hangs: sleep \(\d+\)\n  thread \d+: sleep')
        self.assertEqual(runner.marked(suite), [])

    def test_what_goes_on_saying_something_does_not_hang(self):
        s = self.judge('for i in 1 2 3 4 5 6; do echo ok a.$i; sleep 0.5; done;'
                       'echo 6 passed, 0 failed, 0 skipped', quiet=2)
        self.assertEqual(self.counts(s), (6, 0, 0))

    def test_processes_that_outlive_their_suite_are_a_failure(self):
        runner.LEAVE_TIME = 0.5
        self.addCleanup(setattr, runner, 'LEAVE_TIME', 10)
        s = self.judge('setsid sleep 60 & until grep -q sleep /proc/$!/comm;'
                       'do :; done; echo 7 passed, 0 failed, 0 skipped')
        self.assertEqual(self.counts(s), (7, 1, 0))
        self.assertRegex(s.notes[0],
                         r'^left processes behind: sleep \(\d+\)$')
        self.assertEqual(runner.marked(s), [])
        # with a moment to end, it is none
        runner.LEAVE_TIME = 10
        s = self.judge('setsid sleep 0.2 & echo 7 passed, 0 failed, 0 skipped')
        self.assertEqual(self.counts(s), (7, 0, 0))

    def test_a_process_that_shows_no_mark_for_a_moment_is_left_behind(self):
        """As one does while it executes another program."""
        real, passed = runner.marked, []
        runner.marked = lambda suite: real(suite) if passed else []
        self.addCleanup(setattr, runner, 'marked', real)
        clock = mock.Mock(wraps=time)
        clock.sleep = lambda seconds: passed.append(time.sleep(seconds))
        self.addCleanup(setattr, runner, 'time', time)
        runner.time = clock
        runner.LEAVE_TIME = 0.5
        self.addCleanup(setattr, runner, 'LEAVE_TIME', 10)
        s = self.judge('setsid sleep 60 & sleep 0.2; '
                       'echo 7 passed, 0 failed, 0 skipped')
        self.assertEqual(self.counts(s), (7, 1, 0))

    def test_an_interrupt_ends_all_that_runs(self):
        path = os.path.join(self.logs, 'list')
        script = os.path.join(self.logs, 'endless')
        with open(script, 'w', encoding='ascii') as f:
            f.write('#!/bin/sh\necho $$ >> "$0.pid"\nexec sleep 60\n')
        os.chmod(script, 0o755)
        with open(path, 'w', encoding='ascii') as f:
            f.write(f'no_such_suite||{script}\n' * 3)
        with subprocess.Popen(
                [sys.executable, os.path.join(SCRIPTS, 'test.py'), '--list',
                 path, '--logs', self.logs, '--only', 'no_such_suite'], stderr=subprocess.PIPE,
                stdout=subprocess.PIPE, text=True) as p:
            last = time.monotonic() + 60
            pids = []
            while len(pids) < 2 and time.monotonic() < last:
                time.sleep(0.05)
                if os.path.exists(script + '.pid'):
                    with open(script + '.pid', encoding='ascii') as f:
                        pids = f.read().split()
            p.send_signal(signal.SIGTERM)
            _, said = p.communicate(timeout=60)
        self.assertEqual((p.returncode, said), (130, 'interrupted\n'))
        self.assertEqual(len(pids), 2)
        for pid in pids:
            self.assertFalse(os.path.exists(f'/proc/{pid}'))

    def test_a_suite_without_tests_fails(self):
        s = self.judge('echo 0 passed, 0 failed, 0 skipped')
        self.assertEqual(self.counts(s), (0, 1, 0))

    def test_a_missing_program_fails(self):
        s = runner.run_suite(runner.Suite('s', ['/nowhere/at-all'], 5),
                             self.logs)
        self.assertEqual(s.failed, 1)


if __name__ == '__main__':
    unittest.main()
