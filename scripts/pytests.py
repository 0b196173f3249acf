# SPDX-License-Identifier: MIT
"""Run the unittest cases of one file: pytests.py FILE [SUBSTRING]

Prints a line per test as the C harness does, and the same closing line.
The file may import its neighbours and the modules in scripts/.  SIGABRT, which
a suite that hangs is sent, prints where it is.
"""
import faulthandler
import importlib.util
import os
import signal
import sys
import unittest

SCRIPTS = os.path.dirname(os.path.abspath(__file__))


class Result(unittest.TestResult):
    """Keeps the outcome of each test; failing subtests fail it once."""

    def __init__(self):
        super().__init__()
        self.passed, self.bad, self.left_out = set(), set(), set()

    def say(self, word, test, more=''):
        name = test.id().removeprefix(type(test).__module__ + '.')
        print(f'{word} {name}{more}', flush=True)

    def fail(self, test, err):
        whole = getattr(test, 'test_case', test)
        self.say('FAIL', test)
        print(self._exc_info_to_string(err, whole), flush=True)
        self.bad.add(whole.id())

    def startTest(self, test):
        super().startTest(test)
        self.say('run', test)

    def addError(self, test, err):
        self.fail(test, err)

    addFailure = addError

    def addSubTest(self, test, subtest, err):
        if err:
            self.fail(subtest, err)

    def addSkip(self, test, reason):
        self.left_out.add(test.id())
        self.say('skip', test, f': {reason}')

    def addUnexpectedSuccess(self, test):
        self.bad.add(test.id())
        self.say('FAIL', test, ': succeeded, which was not expected')

    def stopTest(self, test):
        super().stopTest(test)
        if test.id() not in self.bad | self.left_out:
            self.passed.add(test.id())
            self.say('ok', test)


def load(path):
    name = os.path.splitext(os.path.basename(path))[0]
    sys.path[:0] = [os.path.dirname(os.path.abspath(path)), SCRIPTS]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def ignore(number, frame):
    """Goes on, as with SIG_IGN, which programs that are started would inherit."""


def standard_signals():
    """nohup, shells without a terminal and others have what they start ignore
    or block some; tests are about programs that nobody has prepared."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT,
                   signal.SIGTERM, signal.SIGTSTP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, ignore)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def main(path, part=''):
    faulthandler.enable()
    standard_signals()
    loader = unittest.TestLoader()
    if part:
        loader.testNamePatterns = [f'*{part}*']
    result = Result()
    loader.loadTestsFromModule(load(path)).run(result)
    skipped = result.left_out - result.bad
    print(f'{len(result.passed)} passed, {len(result.bad)} failed, '
          f'{len(skipped)} skipped', flush=True)
    return 1 if result.bad or not (result.passed or skipped) else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:3]))
