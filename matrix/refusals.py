# SPDX-License-Identifier: MIT
"""What is refused by name: compiled by real compilers, offered, and refused.

Each case must end `tenon link` with status 3 and `tenon run` with status 1,
with a sentence that names what is not supported and where it was found, and
without an image.
"""

import collections
import os
import re
import struct

import build
import elf
import execute

# compilers: those that can produce the case.  words: a pattern.
Case = collections.namedtuple("Case", "name compilers flags source words")
BOTH = build.COMPILERS

TLS = """
static _Thread_local int own = 1;
_Thread_local int global_own;
extern _Thread_local int other;
int refused(int x) { own += x; global_own -= x; return own + other; }
"""
TLS_IMPORT = """
extern _Thread_local int other;
int refused(void) { return other; }
"""
TLS_EMPTY = """
_Thread_local int refused;
"""
IFUNC = """
static int one(int x) { return x + 1; }
static void *resolve(void) { return one; }
int refused(int x) __attribute__((ifunc("resolve")));
"""
GLOBALS = """
int value = 2;
static int own = 3;
__attribute__((noinline)) int other(int x) { return x + value; }
int refused(int x) { own += x; return other(own) + value; }
"""
LARGE_COMMON = """
int refused[1000] __attribute__((common));
"""
WRITABLE_TEXT = """
__asm__(".section .both, \\"awx\\", %progbits\\n.4byte 0\\n.text\\n");
int refused(void) { return 1; }
"""
SIZE = """
int value[4];
__asm__(".data\\n.8byte value@SIZE\\n.text\\n");
int refused(void) { return value[1]; }
"""
GOT_BASE = """
__asm__(".text\\nleaq _GLOBAL_OFFSET_TABLE_(%rip), %rax\\n");
int refused(void) { return 1; }
"""
GOT_OFFSET = """
extern int value;
__asm__(".text\\nmovz x0, #:gottprel_g1:value\\n");
int refused(void) { return 1; }
"""
PIC = ["-fPIC"]
TLS_WORDS = r"thread-local storage is not supported"
LARGE_WORDS = r"R_\w+.*: the large code model is not supported"
MEDIUM_WORDS = r"R_X86_64_GOTPC32.*: the medium code model is not supported"


def tls_cases(arch):
    """Every model of thread-local storage."""
    models = ("global-dynamic", "local-dynamic", "initial-exec", "local-exec")
    cases = [Case("tls-" + model, BOTH, PIC + ["-ftls-model=" + model], TLS,
                  TLS_WORDS) for model in models]
    cases.append(Case("tls-fixed", BOTH, ["-fno-pic"], TLS, TLS_WORDS))
    cases.append(Case("tls-import", BOTH, PIC, TLS_IMPORT,
                      TLS_WORDS + r".*'other'"))
    cases.append(Case("tls-empty", BOTH, PIC, TLS_EMPTY, TLS_WORDS))
    if arch == "aarch64":
        cases.append(Case("tls-traditional", ("gcc",),
                          PIC + ["-mtls-dialect=trad"], TLS, TLS_WORDS))
    if arch == "x86_64":
        cases.append(Case("tls-descriptors", ("gcc",),
                          PIC + ["-mtls-dialect=gnu2"], TLS, TLS_WORDS))
    return cases


OWN_CASES = {
    "x86_64": [
        Case("ifunc", BOTH, PIC, IFUNC, r"ifunc.*is not supported.*refused"),
        Case("large", BOTH, PIC + ["-mcmodel=large"], GLOBALS, LARGE_WORDS),
        Case("medium", ("gcc",), PIC + ["-mcmodel=medium",
                                        "-mlarge-data-threshold=1"],
             GLOBALS, MEDIUM_WORDS),
        Case("medium-clang", ("clang",), PIC + ["-mcmodel=medium"], GLOBALS,
             MEDIUM_WORDS),
        Case("large-common", ("gcc",),
             ["-fno-pic", "-mcmodel=medium", "-mlarge-data-threshold=64"],
             LARGE_COMMON, r"is not supported \(symbol 'refused'\)"),
        Case("got-base", BOTH, PIC, GOT_BASE, MEDIUM_WORDS),
        Case("size", BOTH, PIC, SIZE,
             r"R_X86_64_SIZE64.*: this relocation is not supported"),
    ],
    "aarch64": [
        Case("ifunc", BOTH, PIC, IFUNC, r"ifunc.*is not supported.*refused"),
        Case("tiny", BOTH, PIC + ["-mcmodel=tiny"], GLOBALS,
             r"R_AARCH64_GOT_LD_PREL19.*: the tiny code model is not "),
        Case("tls-moves", BOTH, PIC, GOT_OFFSET, TLS_WORDS),
    ],
    "riscv64": [
        Case("ifunc", ("clang",), PIC, IFUNC,
             r"ifunc.*is not supported.*refused"),
    ],
}


def common_cases():
    """What every architecture refuses."""
    return [
        Case("writable-text", BOTH, PIC, WRITABLE_TEXT,
             r"writable and executable.*\.both|\.both.*writable and execu"),
        Case("rel", BOTH, PIC, GLOBALS,
             r"\bREL\b.*is not supported \(section \.rela\.text\)"),
    ]


def cases(arch):
    """All cases of an architecture."""
    return tls_cases(arch) + OWN_CASES[arch] + common_cases()


REL = struct.Struct("<QQ")


def to_rel(path):
    """Turns the RELA tables of an object into REL ones, without addends.

    No compiler of these architectures writes such tables any more.
    """
    with open(path, "rb") as file:
        data = bytearray(file.read())
    obj = elf.Elf(data)
    for table, _ in obj.relocation_sections():
        rows = b"".join(REL.pack(offset, symbol << 32 | kind)
                        for offset, kind, symbol, _ in obj.relocations(table))
        data[table.offset:table.offset + len(rows)] = rows
        at = obj.shoff + table.index * elf.SHDR.size
        fields = list(elf.SHDR.unpack_from(data, at))
        fields[1], fields[5], fields[9] = elf.SHT_REL, len(rows), REL.size
        elf.SHDR.pack_into(data, at, *fields)
    with open(path, "wb") as file:
        file.write(data)


def compile_case(arch, compiler, case, work):
    """The object of a case."""
    source = os.path.join(work, "refused.c")
    path = os.path.join(work, "refused.ko")
    with open(source, "w", encoding="ascii") as file:
        file.write(case.source)
    build.call(build.driver(arch, compiler) + ["-O1", "-c", source, "-o", path]
               + build.BASE_OF[arch] + case.flags)
    if case.name == "rel":
        to_rel(path)
    return path


def check_case(arch, compiler, case):
    """Yields what is wrong with the refusal of one case."""
    with execute.scratch() as work:
        try:
            path = compile_case(arch, compiler, case, work)
        except build.BuildError as error:
            yield str(error)
            return
        image = os.path.join(work, "image")
        status, words = execute.link(path, execute.BASE, image)
        if status != 3:
            yield "tenon link ended with %d, not 3: %s" % (status, words)
        if not re.search(case.words, words):
            yield "tenon link does not name it: %s" % words
        if words.count("\n"):
            yield "tenon link says more than a sentence: %s" % words
        if os.path.exists(image):
            yield "tenon link left an image"
        status, _, words = execute.run(
            execute.runner(arch) + [execute.TENON[arch], "run", "--unmarked",
                                    path])
        if status != 1 or not re.search(case.words, words):
            yield "tenon run ended with %d: %s" % (status, words)


def problems(arch):
    """Everything that is wrong with the refusals of an architecture."""
    return ["refusals: %s %s %s: %s" % (arch, compiler, case.name, text)
            for case in cases(arch) for compiler in case.compilers
            for text in check_case(arch, compiler, case)]


def count(arch):
    """How many objects are offered."""
    return sum(len(case.compilers) for case in cases(arch))
