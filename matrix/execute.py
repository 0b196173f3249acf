# SPDX-License-Identifier: MIT
"""Executes compiled sources: in the engine, as linked images, and as ld would.

Four ways, each gives {function: returned value}:

    engine    `tenon run`: the world is a module that may be replaced, so every
              import goes through a cell or a stub
    direct    `tenon run --direct`: imports are bound, GOT loads relaxed
    image     `tenon link` at chosen addresses, executed by stage.c
    program   the oracle: the same objects, linked by the platform's ld

Programs of other machines run under qemu-user.
"""

import os
import re
import subprocess
import tempfile

import build
import elf

TENON = {arch: os.path.join(build.BUILD,
                            "host" if arch == build.NATIVE else "host-" + arch,
                            "bin", "tenon") for arch in build.ARCHES}
LIMIT = 120     # Seconds; detects a hang, measures nothing.
MASK = (1 << 64) - 1
RESULT = re.compile(r"^matrix_(\w+)\(\) = (-?\d+)$", re.M)


class Failure(Exception):
    """A load, a link or a run that should have worked did not."""


def runner(arch):
    """The words in front of a program of an architecture."""
    if arch == build.NATIVE:
        return []
    return ["qemu-" + arch, "-L", "/usr/%s-linux-gnu" % arch]


def run(command, limit=LIMIT):
    """(status, output, complaints) of a program; -1 when it hung."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, errors="replace", check=False,
                              timeout=limit)
    except subprocess.TimeoutExpired:
        return -1, "", "did not end within %d s" % limit
    return done.returncode, done.stdout, done.stderr.strip()


def scratch():
    """A folder for one execution, in memory if possible."""
    memory = "/dev/shm"
    return tempfile.TemporaryDirectory(
        prefix="tenon-matrix-",
        dir=memory if os.access(memory, os.W_OK) else None)


def results_of(status, output, words):
    """The printed results, of a run that ended well."""
    if status:
        done = RESULT.findall(output)
        after = " after matrix_" + done[-1][0] if done else ""
        raise Failure("status %d%s: %s" % (status, after, words))
    return {name: int(value) for name, value in RESULT.findall(output)}


def call_engine(arch, objects, options=(), limit=LIMIT):
    """(status, output, words) of `tenon run` with {name: object}."""
    with scratch() as work:
        command = runner(arch) + [TENON[arch], "run", "-q", "--unmarked"]
        command += options
        for name in objects:
            command += ["--call", "matrix_" + name]
        for name, path in [("world", build.world(arch)), *objects.items()]:
            module = os.path.join(work, name + ".ko")
            os.symlink(path, module)
            command.append(module)
        return run(command, limit)


def engine(arch, objects, limit=LIMIT):
    """Imports through cells and stubs."""
    return results_of(*call_engine(arch, objects, (), limit))


def direct(arch, objects):
    """Imports bound for good."""
    return results_of(*call_engine(arch, objects, ["--direct"]))


# Where images lie: the sources in steps from BASE, the world at a distance.
BASE, STEP = 0x20000000, 0x100000
DISTANCE = {
    "near": -0x1000000,     # within the reach of every branch
    "mid": 0x40000000,      # beyond aarch64's branches, not beyond its data
    "far": 0x1000000000,    # beyond everything but cells and stubs
}


def link(path, at, image, symbols=None, options=()):
    """Runs `tenon link`; gives (status, words)."""
    command = [TENON[build.NATIVE], "link", path, "--at", hex(at), "-o", image]
    if symbols:
        command += ["--symbols", symbols]
    status, _, words = run(command + list(options))
    return status, words


def link_world(arch, where, work):
    """Links the world; gives (image, file with its symbols)."""
    image = os.path.join(work, "world.image")
    symbols = os.path.join(work, "symbols")
    status, words = link(build.whole_world(arch), BASE + DISTANCE[where],
                         image)
    if status:
        raise Failure("tenon link: " + words)
    obj = elf.Elf.read(image)
    with open(symbols, "w", encoding="ascii") as file:
        for symbol in obj.global_symbols():
            if symbol.shndx != elf.SHN_UNDEF:
                file.write("%016x T %s\n" % (symbol.value, symbol.name))
    return image, symbols


def image(arch, objects, where, options=(), limit=LIMIT):
    """Linked at fixed addresses and executed there."""
    with scratch() as work:
        first, symbols = link_world(arch, where, work)
        images = [first]
        for n, (name, path) in enumerate(objects.items()):
            images.append(os.path.join(work, name))
            status, words = link(path, BASE + n * STEP, images[-1], symbols,
                                 options)
            if status:
                raise Failure("tenon link %s: status %d: %s" % (
                    name, status, words))
        command = runner(arch) + [build.stage(arch), *images]
        return results_of(*run(command, limit))


MAIN = """int printf(const char *, ...);
%s
int main(void)
{
%s	return 0;
}
"""


def main_source(names):
    """A program that calls every function."""
    return MAIN % (
        "\n".join("int matrix_%s(void);" % name for name in names),
        "".join('\tprintf("matrix_%s() = %%d\\n", matrix_%s());\n' % (
            name, name) for name in names))


def program(arch, objects):
    """Linked by the platform's compiler and linker, and executed."""
    with scratch() as work:
        source = os.path.join(work, "main.c")
        with open(source, "w", encoding="ascii") as file:
            file.write(main_source(objects))
        path = os.path.join(work, "program")
        # The classic format: ld leaves .eh_frame as the compilers wrote it.
        command = build.driver(arch, "gcc") + [
            "-static", "-no-pie", "-Wl,--traditional-format",
            "-Wl,--no-warn-rwx-segments", source, build.world(arch),
            *objects.values(), "-o", path]
        build.call(command)
        return results_of(*run(runner(arch) + [path]))
