# SPDX-License-Identifier: MIT
"""The compiler matrix: every source, compiler, level and variant, executed.

    python3 matrix/matrix.py            the slice of `make test`
    python3 matrix/matrix.py --all      everything, and each object against ld
    python3 matrix/matrix.py --arch A --only TEXT

Each object must return what the platform's linker makes of it returns: 0. In
the end every relocation type that the loader supports must have been executed
on its architecture, and the table says how often and in which ways.
"""

import argparse
import concurrent.futures
import sys
import time

import build
import census
import edges
import execute
import ldcheck
import mutants
import reach
import refusals

# The ways an object of each reach is executed.  `cells` is an image whose GOT
# loads stay loads, `mid` and `far` put the world out of reach of branches and
# of everything.
WAYS = {
    "any": ("engine", "direct", "cells", "far"),
    "near": ("engine", "direct", "mid"),
    "low": ("near", "cells"),
}
ALL_WAYS = {
    "any": ("engine", "direct", "near", "cells", "mid", "far"),
    "near": ("engine", "direct", "near", "cells", "mid"),
    "low": ("near", "cells"),
}
WAY = {
    "engine": execute.engine,
    "direct": execute.direct,
    "near": lambda arch, o: execute.image(arch, o, "near"),
    "cells": lambda arch, o: execute.image(arch, o, "near", ["--no-relax"]),
    "mid": lambda arch, o: execute.image(arch, o, "mid"),
    "far": lambda arch, o: execute.image(arch, o, "far"),
}
# What a variant cannot have: common symbols of the medium model are refused by
# name (refusals.py); gas cannot write clang's exception tables for riscv64.
LEFT_OUT = {
    ("x86_64", "medium"): {"common"},
    ("riscv64", "gas"): {"except"},
}

# In the slice: both compilers at both levels; of the other variants one of
# each compiler.
PRIMARY = {"pic", "nopic", "medlow"}


def in_slice(config):
    """Is a configuration part of `make test`?"""
    if config.variant.name in PRIMARY:
        return config.level in ("O0", "O2")
    return config.level == ("O2" if config.compiler == "gcc" else "O0")


class Outcome:
    """What became of one configuration."""

    def __init__(self, config):
        self.config = config
        self.objects = {}
        self.ways = []          # those in which everything went well
        self.expected = {}      # what the conventional program returned
        self.problems = []

    def problem(self, text):
        """Records a failure; the configuration is red."""
        self.problems.append("%s: %s" % (build.name_of(self.config), text))


def compile_all(outcome):
    """Compiles every source of the architecture."""
    config = outcome.config
    left_out = LEFT_OUT.get((config.arch, config.variant.name), set())
    for source in build.sources(config.arch):
        name = build.module_name(source)
        if name in left_out:
            continue
        try:
            outcome.objects[name] = build.compile_source(config, source)
        except build.BuildError as error:
            outcome.problem(str(error))


def run_program(outcome):
    """The oracle: what a conventional link of the same objects returns."""
    known = {name: path for name, path in outcome.objects.items()
             if name not in build.UNKNOWN_TO_LD}
    try:
        outcome.expected = execute.program(outcome.config.arch, known)
    except (build.BuildError, execute.Failure) as error:
        outcome.problem("conventional program: %s" % error)
        return
    for name, value in outcome.expected.items():
        if value:
            outcome.problem("conventional program: matrix_%s fails in line %d"
                            % (name, value))


def run_way(outcome, way):
    """Executes all objects in one way and compares."""
    arch = outcome.config.arch
    try:
        results = WAY[way](arch, outcome.objects)
    except execute.Failure as error:
        outcome.problem("%s: %s" % (way, error))
        return
    good = True
    for name in outcome.objects:
        value, wanted = results.get(name), outcome.expected.get(name, 0)
        if value != wanted:
            good = False
            outcome.problem("%s: matrix_%s returned %s, not %d" % (
                way, name, value, wanted))
    if good:
        outcome.ways.append(way)


def run_config(config, everything):
    """Compiles a configuration and executes it in all its ways."""
    outcome = Outcome(config)
    compile_all(outcome)
    run_program(outcome)
    for way in (ALL_WAYS if everything else WAYS)[config.variant.reach]:
        run_way(outcome, way)
    if reach.is_asked(config):
        for text in reach.problems(config, outcome.objects):
            outcome.problem(text)
    return outcome


def run_configs(chosen, everything=False, jobs=2):
    """Yields the outcome of each configuration, as they are done."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        work = [pool.submit(run_config, c, everything) for c in chosen]
        for job in concurrent.futures.as_completed(work):
            yield job.result()


def count(outcomes):
    """The census of what ran well."""
    result = census.Census()
    for outcome in outcomes:
        if outcome.ways:
            result.add(outcome.config, outcome.objects, outcome.ways)
    return result


def show(title, problems):
    """Prints what a part found; gives the number of problems."""
    for text in problems:
        print("*** " + text)
    print("%s: %d problems" % (title, len(problems)), flush=True)
    return len(problems)


def execute_all(args, chosen):
    """The matrix itself; gives (outcomes, number of problems)."""
    outcomes, bad = [], 0
    for outcome in run_configs(chosen, args.all):
        outcomes.append(outcome)
        bad += len(outcome.problems)
        print("[%3d/%d] %-28s %d objects, executed: %s" % (
            len(outcomes), len(chosen), build.name_of(outcome.config),
            len(outcome.objects), " ".join(outcome.ways) or "in no way"),
            flush=True)
        for text in outcome.problems:
            print("*** " + text)
    return outcomes, bad


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true",
                        help="every level and variant, in every way")
    parser.add_argument("--arch", choices=build.ARCHES)
    parser.add_argument("--only", default="",
                        help="part of a configuration's name")
    return parser.parse_args()


def main():
    """Runs what is asked for and prints the table."""
    args = parse()
    start = time.monotonic()
    arches = [args.arch] if args.arch else list(build.ARCHES)
    chosen = [c for c in build.configs(arches)
              if (args.all or in_slice(c)) and args.only in build.name_of(c)]
    outcomes, bad = execute_all(args, chosen)
    table = count(outcomes)
    print("\n".join(table.lines(arches)))
    if not args.only:
        missing = ["%s: never executed: %s" % (arch, kind)
                   for arch in arches for kind in table.missing(arch)]
        bad += show("types", missing)
        bad += show("refusals", [p for a in arches
                                 for p in refusals.problems(a)])
        bad += show("edges", [p for a in arches for p in edges.problems(a)])
        bad += show("mutants", mutants.problems(outcomes, arches))
    if args.all:
        bad += show("against ld", ldcheck.problems(outcomes))
    print("%d configurations, %d objects, %d problems, %.0f s" % (
        len(outcomes), sum(len(o.objects) for o in outcomes), bad,
        time.monotonic() - start))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
