# SPDX-License-Identifier: MIT
"""Compiles the sources of the matrix: which compilers, levels and variants.

A variant is a set of flags that makes a compiler reach data and code in
another way; a Config is one architecture, compiler, level and variant.
Objects are kept under a name made of everything they come from, so nothing
is compiled twice and nothing stale is used.
"""

import collections
import functools
import glob
import hashlib
import os
import shutil
import struct
import subprocess
import sys
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "oracle"))

import elf  # noqa: E402  (the reader of the linker oracle)

SRC = os.path.join(ROOT, "matrix", "src")
BUILD = os.environ.get("TENON_BUILD") or os.path.join(ROOT, "build")
OUT = os.environ.get("MATRIX_OUT") or os.path.join(BUILD, "matrix")

ARCHES = ("x86_64", "aarch64", "riscv64")
COMPILERS = ("gcc", "clang")
LEVELS = ("O0", "O1", "O2", "Os")
MACHINE = {"x86_64": elf.X86_64, "aarch64": elf.AARCH64,
           "riscv64": elf.RISCV}
NATIVE = os.uname().machine

BASE = ["-fvisibility=hidden", "-fasynchronous-unwind-tables",
        "-fno-stack-protector", "-DMODULE", "-Wall", "-Wextra", "-Werror",
        "-I" + os.path.join(ROOT, "api", "include"), "-I" + SRC]
BASE_OF = {
    "x86_64": [],
    "aarch64": ["-mno-outline-atomics"],
    "riscv64": ["-mabi=lp64d"],
}
CXX = ["-std=c++17", "-fno-rtti", "-fno-threadsafe-statics",
       "-fno-use-cxa-atexit"]

THROWING = ("except",)     # sources with exception tables

PIC, FIXED = ["-fPIC"], ["-fno-pic", "-fno-pie"]
# Much at once that changes sections and symbols, but not the way of reaching.
SPLIT = ["-ffunction-sections", "-fdata-sections", "-fvisibility=default",
         "-fpatchable-function-entry=2", "-g", "-falign-functions=64",
         "-falign-loops=32"]
GC, G = ["-march=rv64gc"], ["-march=rv64g"]

# reach: where an object can be executed.
#   any    anywhere, its imports anywhere
#   near   anywhere, with its imports within the reach of a data reference
#   low    in the lowest 2 GiB only: it holds 32-bit addresses
Variant = collections.namedtuple("Variant", "name reach compilers flags")


def variant(name, reach, *flags, only=None):
    """A row of the table below."""
    return Variant(name, reach, (only,) if only else COMPILERS,
                   [word for part in flags for word in part])


VARIANTS = {
    "x86_64": [
        variant("pic", "any", PIC),
        variant("pie", "near", ["-fPIE"], only="gcc"),
        variant("pie", "any", ["-fPIE"], only="clang"),
        variant("noplt", "any", PIC, ["-fno-plt"]),
        variant("oldgot", "any", PIC, ["-Wa,-mrelax-relocations=no"]),
        variant("split", "any", PIC, SPLIT, ["-fcf-protection=full"]),
        variant("nopic", "low", FIXED),
        variant("medium", "low", FIXED, ["-mcmodel=medium",
                                         "-mlarge-data-threshold=64"],
                only="gcc"),
        variant("large", "any", FIXED, ["-mcmodel=large"]),
    ],
    "aarch64": [
        variant("pic", "any", PIC),
        variant("smallpic", "any", ["-fpic"]),
        variant("pie", "any", ["-fPIE"]),
        variant("split", "any", PIC, SPLIT, ["-mbranch-protection=standard"]),
        variant("nopic", "near", FIXED),
        variant("large", "any", FIXED, ["-mcmodel=large"]),
    ],
    "riscv64": [
        variant("pic", "any", PIC, GC, ["-mrelax"]),
        variant("norelax", "any", PIC, GC, ["-mno-relax"]),
        variant("plain", "any", PIC, G, ["-mrelax"]),
        variant("plainnorelax", "any", PIC, G, ["-mno-relax"]),
        variant("gas", "any", PIC, GC, ["-mrelax", "-fno-integrated-as"],
                only="clang"),
        variant("split", "any", PIC, GC, ["-mrelax"], SPLIT),
        variant("medany", "near", FIXED, GC, ["-mrelax", "-mcmodel=medany"]),
        variant("medlow", "low", FIXED, GC, ["-mrelax", "-mcmodel=medlow"]),
    ],
}

Config = collections.namedtuple("Config", "arch compiler level variant")


def name_of(config):
    """`x86_64-gcc-O2-pic`."""
    return "%s-%s-%s-%s" % (config.arch, config.compiler, config.level,
                            config.variant.name)


def configs(arches=ARCHES, compilers=COMPILERS, levels=LEVELS):
    """Every combination that exists."""
    return [Config(arch, compiler, level, row) for arch in arches
            for row in VARIANTS[arch] for compiler in compilers
            if compiler in row.compilers for level in levels]


def sources(arch):
    """The files of an architecture: the common ones and its own."""
    found = []
    for folder in (SRC, os.path.join(SRC, arch)):
        for pattern in ("*.c", "*.cpp"):
            found += glob.glob(os.path.join(folder, pattern))
    helpers = ("world.c", "support.c")
    return sorted(f for f in found if os.path.basename(f) not in helpers)


def module_name(source):
    """The name of a source, which is that of its function."""
    return os.path.splitext(os.path.basename(source))[0]


def driver(arch, compiler, cxx=False):
    """The command that runs a compiler for an architecture."""
    if compiler == "clang":
        return ["clang++-14" if cxx else "clang-14",
                "--target=%s-linux-gnu" % arch]
    prefix = "" if arch == NATIVE else arch + "-linux-gnu-"
    return [prefix + ("g++" if cxx else "gcc")]


def tool(arch, name):
    """A program of binutils for an architecture."""
    return name if arch == NATIVE else "%s-linux-gnu-%s" % (arch, name)


class BuildError(Exception):
    """A compiler or linker failed; carries its own words."""


def call(command, **options):
    """Runs a program that must succeed; gives its standard output."""
    done = subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False,
                          errors="replace", **options)
    if done.returncode:
        raise BuildError("%s: %s" % (" ".join(command), done.stderr.strip()))
    return done.stdout


def flags_of(config, source):
    """All flags of one compilation."""
    flags = BASE + BASE_OF[config.arch] + config.variant.flags
    flags = flags + ["-" + config.level]
    if config.compiler == "clang":
        flags += ["-fno-addrsig"]
    if source.endswith(".cpp"):
        flags += CXX
        if module_name(source) not in THROWING:
            flags.append("-fno-exceptions")
    return flags


@functools.lru_cache(maxsize=None)
def compiler_version(command):
    """What a compiler says about itself."""
    if not shutil.which(command):
        raise BuildError("there is no " + command)
    return call([command, "--version"])


@functools.lru_cache(maxsize=None)
def shared_inputs():
    """A hash of what every object depends on."""
    digest = hashlib.sha256()
    for pattern in (SRC + "/*.h", ROOT + "/api/include/tenon/*.h", __file__):
        for path in sorted(glob.glob(pattern)):
            with open(path, "rb") as file:
                digest.update(file.read())
    return digest.digest()


def cached(command, inputs, suffix):
    """The path under which the result of a command is kept."""
    digest = hashlib.sha256(shared_inputs())
    digest.update(compiler_version(command[0]).encode())
    digest.update("\0".join(command).encode())
    for path in inputs:
        with open(path, "rb") as file:
            digest.update(file.read())
    folder = os.path.join(OUT, "kept")
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, digest.hexdigest()[:32] + suffix)


def part_of(path):
    """Where a result is made before it takes its name, at once and whole."""
    return "%s.%d.%d" % (path, os.getpid(), threading.get_ident())


def compile_to(command, source, finish=None):
    """Compiles a source, unless that is done; gives the object's path."""
    path = cached(command, [source], ".o")
    if not os.path.exists(path):
        part = part_of(path)
        call(command + ["-c", source, "-o", part])
        if finish:
            finish(part)
        os.replace(part, path)
    return path


def compile_source(config, source):
    """The object of a source in a configuration."""
    command = driver(config.arch, config.compiler, source.endswith(".cpp"))
    finish = renumber if module_name(source) in UNKNOWN_TO_LD else None
    return compile_to(command + flags_of(config, source), source, finish)


def world(arch):
    """The provider, as a module for the engine."""
    command = driver(arch, "gcc") + BASE + BASE_OF[arch]
    return compile_to(command + ["-O1", "-fPIC"],
                      os.path.join(SRC, "world.c"))


def whole_world(arch):
    """The provider with all that the engine would export, in one object."""
    support = compile_to(driver(arch, "gcc") + ["-O1", "-fPIC"],
                         os.path.join(SRC, "support.c"))
    command = driver(arch, "gcc") + ["-r", "-nostdlib"]
    command += ["-Wl,-u,__%s" % helper for helper in (
        "udivmodti4", "udivti3", "umodti3", "divti3", "modti3")]
    inputs = [world(arch), support]
    path = cached(command, inputs, ".o")
    if not os.path.exists(path):
        part = part_of(path)
        call(command + inputs + ["-lgcc", "-o", part])
        os.replace(part, path)
    return path


def stage(arch):
    """The program that executes images.

    Position-independent, so that it and its heap are far from the images.
    """
    source = os.path.join(ROOT, "matrix", "stage.c")
    command = driver(arch, "gcc") + ["-O1", "-fPIE", "-pie", "-Wall",
                                     "-Wextra"]
    path = cached(command, [source], ".stage")
    if not os.path.exists(path):
        part = part_of(path)
        call(command + [source, "-o", part])
        os.replace(part, path)
    return path


# Types that the assemblers and linkers of the matrix do not know: others stand
# in for them in these sections, and get their real numbers in the object.
UNKNOWN_TO_LD = ("uleb", "branch_word")
RENUMBERED = {
    elf.RISCV: {".rodata.uleb": {54: 60, 37: 61}, ".rodata.plt": {57: 59}},
    elf.AARCH64: {".rodata.plt": {261: 314}},
}
KIND_OFFSET = 8     # of r_info's low half in an Elf64_Rela


def renumber(path):
    """Gives the stand-ins in an object their real numbers."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    obj = elf.Elf(data)
    for table, target in obj.relocation_sections():
        numbers = RENUMBERED[obj.machine].get(target.name, {})
        for n, (_, kind, _, _) in enumerate(obj.relocations(table)):
            if kind in numbers:
                at = table.offset + n * elf.RELA.size + KIND_OFFSET
                struct.pack_into("<I", data, at, numbers[kind])
    with open(path, "wb") as file:
        file.write(data)
