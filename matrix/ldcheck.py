# SPDX-License-Identifier: MIT
"""Every object of the matrix through the linker oracle, byte for byte.

The oracle (oracle/link.py) links the object near its symbols, relaxed and not,
and with the symbols beyond reach, and compares with ld. What the engine does
otherwise on purpose is listed by the oracle itself.
"""

import concurrent.futures

import build
import execute
import link
import tools


def check(path):
    """[what is wrong] with the images of one object."""
    oracle = tools.Oracle(execute.TENON[build.NATIVE])
    with open(path, "rb") as file:
        data = file.read()
    result = link.check(oracle, data, False)
    words = list(result.words)
    if result.status == "passed":
        beyond = link.check_far(oracle, data, False)
        words += beyond.words
        if beyond.status == "passed":
            return []
    return words or [result.status]


def one(job):
    """The problems of one object, with its name in front."""
    name, path = job
    return ["against ld: %s: %s" % (name, text) for text in check(path)]


def problems(outcomes, jobs=2):
    """What is wrong with any object that its configuration has built."""
    work = {path: "%s %s" % (build.name_of(outcome.config), name)
            for outcome in outcomes
            for name, path in outcome.objects.items()
            if name not in build.UNKNOWN_TO_LD}
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        found = pool.map(one, [(name, path) for path, name in work.items()],
                         chunksize=8)
        return [text for texts in found for text in texts]
