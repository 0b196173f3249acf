# SPDX-License-Identifier: MIT
"""The programs that the oracle runs: the engine, linkers, disassemblers.

An Oracle knows where they are.  The linker of RISC-V objects comes from the
corpus (a newer ld.bfd with its own C library, see packages.pin) because the
objects are of the newer series and use relocations that the machine's ld 2.40
does not know; without it, the machine's own is used and said so.
"""

import os
import shutil
import subprocess

import disasm
import elf

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TENON = os.environ.get("TENON") or os.path.join(ROOT, "build", "host", "bin",
                                                "tenon")
PREFIX = {elf.X86_64: "x86_64-linux-gnu-",
          elf.AARCH64: "aarch64-linux-gnu-",
          elf.RISCV: "riscv64-linux-gnu-"}
EMULATION = {elf.X86_64: "elf_x86_64", elf.AARCH64: "aarch64linux",
             elf.RISCV: "elf64lriscv"}
COMMON_FLAGS = ["-nostdlib", "-n", "-e", "0", "--no-gc-sections",
                "-z", "norelro", "-z", "noexecstack", "-z", "notext",
                "--no-warn-rwx-segments", "--build-id=none"]
LLD = "ld.lld-14"
LLD_FLAGS = ["-static", "-nostdlib", "-e", "0", "--no-gc-sections",
             "-z", "norelro", "--build-id=none", "--noinhibit-exec"]


class ToolError(Exception):
    """A program that should have worked did not; carries its own words."""


def run(command, **options):
    """(status, what it said on standard error)."""
    done = subprocess.run(command, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, check=False, **options)
    return done.returncode, done.stderr.decode("utf-8", "replace").strip()


def newer_ld(trees):
    """The command of the linker unpacked from the set `ld`, or None."""
    program, libraries = None, []
    for folder in trees:
        library = os.path.join(folder, "usr/lib/x86_64-linux-gnu")
        if os.path.isdir(library):
            libraries.append(library)
        found = os.path.join(folder, "usr/bin/riscv64-linux-gnu-ld.bfd")
        if os.path.exists(found):
            program = found
    loaders = [os.path.join(library, "ld-linux-x86-64.so.2")
               for library in libraries]
    loaders = [path for path in loaders if os.path.exists(path)]
    if not program or not loaders:
        return None
    command = [loaders[0], "--library-path", ":".join(libraries), program]
    return command if run(command + ["--version"])[0] == 0 else None


class Oracle:
    """Where the programs are; one for a whole run."""

    def __init__(self, tenon=TENON, ld_trees=()):
        self.tenon = tenon
        self.ld = {machine: [prefix + "ld.bfd"]
                   for machine, prefix in PREFIX.items()}
        self.lld = shutil.which(LLD)
        self.ld[elf.RISCV] = newer_ld(ld_trees) or self.ld[elf.RISCV]

    def linker_version(self, machine):
        """One line that names the linker."""
        done = subprocess.run(self.ld[machine] + ["--version"], text=True,
                              stdout=subprocess.PIPE, check=True)
        return done.stdout.splitlines()[0]

    def link_engine(self, work, base, relax):
        """Runs `tenon link` in a folder; gives (status, words)."""
        command = [self.tenon, "link", "in.o", "--at", "0x%x" % base,
                   "--symbols", "symbols", "-o", "image", "--map", "map"]
        if not relax:
            command.append("--no-relax")
        return run(command, cwd=work)

    def link_ld(self, work, machine, relax, pie):
        """Runs ld on the copy in a folder."""
        command = self.ld[machine] + ["-m", EMULATION[machine]]
        command += COMMON_FLAGS
        command += ["-pie", "--no-dynamic-linker"] if pie else ["-static"]
        command += ["--relax" if relax and machine == elf.X86_64
                    else "--no-relax"]
        command += ["-T", "script", "-o", "linked", "copy.o", "outside.o"]
        status, words = run(command, cwd=work)
        if status:
            raise ToolError("ld: status %d: %s" % (status, words))

    def link_lld(self, work, machine):
        """Runs lld on the copy, for a second opinion; relaxation is on."""
        command = [LLD, "-m", EMULATION[machine]] + LLD_FLAGS
        command += ["-T", "script", "-o", "second", "copy.o", "outside.o"]
        status, words = run(command, cwd=work)
        if status:
            raise ToolError("lld: status %d: %s" % (status, words))

    def disassemble(self, work, machine, image):
        """objdump -d of an image, as text, in the plainest notation."""
        file = os.path.join(work, "bare")
        with open(file, "wb") as stream:
            stream.write(disasm.bare(image))
        command = [PREFIX[machine] + "objdump", "-d", "-w", "-z",
                   "--no-show-raw-insn", file]
        if machine == elf.RISCV:
            command += ["-M", "no-aliases"]
        done = subprocess.run(command, cwd=work, text=True, check=False,
                              stdout=subprocess.PIPE, errors="replace",
                              stderr=subprocess.DEVNULL)
        return done.stdout
