# SPDX-License-Identifier: MIT
"""Run the fuzz targets: a program each in build/fuzz/bin, two at a time.

A run starts from the committed corpus (fuzz/corpus/TARGET, or corpus/module
for those that read module files) and from what earlier runs have found (build/fuzz/corpus/TARGET), and adds to the latter. An
input that crashes, hangs or takes too much memory is saved in
build/fuzz/crashes/TARGET-*; `build/fuzz/bin/TARGET FILE` repeats it.
"""
import argparse
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(TOP, 'build', 'fuzz')
SEEDS = os.path.join(TOP, 'fuzz', 'corpus')
CRASHES = os.path.join(BUILD, 'crashes')
# these take the dictionary and module files
ELF = ('elf', 'link', 'load', 'modscan', 'slot')
STATUS = re.compile(r'^#(\d+)\s.*?cov: (\d+)', re.M)
DONE = re.compile(r'^stat::number_of_executed_units: (\d+)', re.M)


@dataclass
class Outcome:
    target: str
    status: int
    executions: int
    coverage: int
    log: str

    def line(self):
        verdict = 'FAIL' if self.status or not self.executions else 'ok  '
        return (f'{verdict} {self.target:8} {self.executions:10} executions, '
                f'coverage {self.coverage}')

    @property
    def passed(self):
        return self.status == 0 and self.executions > 0


def targets():
    """The names that fuzz/rules.mk gives to make."""
    with open(os.path.join(TOP, 'fuzz', 'rules.mk')) as f:
        return re.search(r'^programs := (.*)$', f.read(), re.M)[1].split()


def program_name(target):
    """As make knows it."""
    return f'build/fuzz/bin/{target}'


def program(target):
    return os.path.join(TOP, program_name(target))


def seeds(target):
    folder = 'module' if target in ELF else target
    return sorted(glob.glob(os.path.join(SEEDS, folder, '*')))


def arguments(target, seconds):
    argv = [program(target), f'-max_total_time={seconds}', '-timeout=10',
            '-rss_limit_mb=2048', '-malloc_limit_mb=512', '-max_len=16384',
            '-print_final_stats=1', f'-artifact_prefix={CRASHES}/{target}-']
    if target in ELF:
        argv.append('-dict=' + os.path.join(TOP, 'fuzz', 'elf.dict'))
    if target == 'symbols':  # it complains on standard error
        argv.append('-close_fd_mask=2')
    return argv


def execute(target, seconds, corpus, more=()):
    """Fuzzes @target for @seconds; @corpus is a folder that grows."""
    os.makedirs(corpus, exist_ok=True)
    os.makedirs(CRASHES, exist_ok=True)
    for seed in seeds(target):
        shutil.copy(seed, corpus)
    done = subprocess.run([*arguments(target, seconds), *more, corpus], cwd=BUILD,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, errors='replace',
                          check=False)
    seen = STATUS.findall(done.stdout)
    count = DONE.findall(done.stdout)
    return Outcome(target, done.returncode,
                   int(count[-1]) if count else 0,
                   int(seen[-1][1]) if seen else 0, done.stdout)


def run_one(target, seconds):
    if not os.path.exists(program(target)):
        return None
    return execute(target, seconds, os.path.join(BUILD, 'corpus', target))


def report(target, outcome):
    if outcome is None:
        print(f'skip {target}: not built', flush=True)
        return
    print(outcome.line(), flush=True)
    if not outcome.passed:
        print('\n'.join(outcome.log.splitlines()[-40:]), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seconds', type=int, default=600, metavar='N',
                        help='for each target (600)')
    parser.add_argument('--only', action='append', metavar='TARGET',
                        choices=targets())
    args = parser.parse_args()
    names = args.only or targets()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(run_one, t, args.seconds) for t in names]
        outcomes = []
        for target, job in zip(names, jobs):
            outcomes.append(job.result())
            report(target, outcomes[-1])
    skipped = outcomes.count(None)
    passed = sum(o is not None and o.passed for o in outcomes)
    failed = len(outcomes) - passed - skipped
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    return 1 if failed or not passed else 0


if __name__ == '__main__':
    sys.exit(main())
