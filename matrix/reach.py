# SPDX-License-Identifier: MIT
"""Objects that cannot be loaded where they are: refused, with the place named.

Code that is not position-independent holds addresses in fields that do not
reach everywhere. Such an object is offered where it does not fit: code for the
lowest 2 GiB to the engine, whose arenas lie high, and code that reads imported
data directly to `tenon link`, with the world out of reach. It must be refused
with the relocation, its place, its value and its limits; an object without
such a reference is linked.
"""

import os
import re

import build
import census
import execute

# Types whose range is too small, for each reach.
SHORT = {
    ("x86_64", "low"): {"32", "32S", "PC32"},
    ("x86_64", "near"): {"PC32"},
    ("aarch64", "near"): {"ADR_PREL_PG_HI21"},
    ("riscv64", "low"): {"HI20"},
    ("riscv64", "near"): {"PCREL_HI20"},
}
SENTENCE = re.compile(
    r"^tenon \w+: (\w+): (\S+)\+0x[0-9a-f]+: (R_[A-Z0-9]+_\w+)"
    r"(?: against '[^']+')?: value -?0x[0-9a-f]+ does not fit into "
    r"\[-?\d+, \d+\]$")


def offer(arch, reach, name, path, work):
    """(status, words) where the object may not fit."""
    if reach == "low":
        status, _, words = execute.call_engine(arch, {name: path})
        return status, words
    symbols = os.path.join(work, "symbols")
    module = os.path.join(work, name + ".ko")
    os.symlink(path, module)
    return execute.link(module, execute.BASE, os.path.join(work, "image"),
                        symbols)


def check(config, name, path, work):
    """(was it refused, what is wrong or None) for one object."""
    arch, reach = config.arch, config.variant.reach
    status, words = offer(arch, reach, name, path, work)
    kinds = census.kinds_of(path, arch) & SHORT[arch, reach]
    if status == 0:
        return False, None
    said = SENTENCE.match(words)
    if status != 1 or not said or said.group(1) != name:
        return True, "status %d: %s" % (status, words)
    kind = said.group(3).removeprefix(census.PREFIX[arch])
    if kind not in kinds:
        return True, "not for the reach of its relocations: " + words
    return True, None


def problems(config, objects):
    """What is wrong with the refusals of a configuration's objects."""
    found, refused = [], 0
    if config.variant.reach == "any":
        return found
    with execute.scratch() as work:
        execute.link_world(config.arch, "far", work)
        for name, path in objects.items():
            was_refused, text = check(config, name, path, work)
            refused += was_refused
            if text:
                found.append("out of reach: matrix_%s: %s" % (name, text))
    if not refused:
        found.append("out of reach: nothing is refused")
    return found


def is_asked(config):
    """Once for each variant and compiler is enough."""
    return config.level == "O2" and (
        config.arch == build.NATIVE or config.compiler == "gcc"
        or config.variant.reach == "near")
