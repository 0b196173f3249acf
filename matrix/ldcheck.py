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


# Sources with short absolute fields, which hold a small value when a symbol is
# left undefined; the oracle gives it an address.
SMALL = ("narrow", "wide_moves")
# Sources that are not for its second pass: the same with 32 bits, and one
# that takes the address of a cell.
NEAR_ONLY = ("arith", "pairs")


def check(path, with_far):
    """[what is wrong] with the images of one object."""
    oracle = tools.Oracle(execute.TENON[build.NATIVE])
    oracle.lld = None   # It relaxes pair by pair; the oracle's all agree.
    with open(path, "rb") as file:
        data = file.read()
    result = link.check(oracle, data, False)
    words = list(result.words)
    if result.status == "passed" and not with_far:
        return []
    if result.status == "passed":
        beyond = link.check_far(oracle, data, False)
        words += beyond.words
        if beyond.status == "passed":
            return []
    return words or [result.status]


def one(job):
    """The problems of one object, with its name in front."""
    name, path, with_far = job
    return ["against ld: %s: %s" % (name, text)
            for text in check(path, with_far)]


def problems(outcomes, jobs=2):
    """What is wrong with any object that its configuration has built."""
    work = {path: ("%s %s" % (build.name_of(outcome.config), name), path,
                   outcome.config.variant.reach != "low"
                   and name not in NEAR_ONLY)
            for outcome in outcomes
            for name, path in outcome.objects.items()
            if name not in build.UNKNOWN_TO_LD + SMALL}
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        found = pool.map(one, work.values(), chunksize=8)
        return [text for texts in found for text in texts]
