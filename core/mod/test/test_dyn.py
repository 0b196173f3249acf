# SPDX-License-Identifier: MIT
"""Shared objects as real linkers write them, loaded by `tenon run`.

One C source that checks itself in its init function is compiled for the three
machines in all the ways that change what the loader reads: hash tables, lazy
and immediate binding, RELRO, symbolic binding, with and without section
headers.  Natively and under qemu-user.
"""
import os
import platform
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))))
HERE = platform.machine()
ARCHES = ('x86_64', 'aarch64', 'riscv64')

SOURCE = r'''
#define ENTRY __attribute__((visibility("default")))
int printk(const char *format, ...);
static int numbers[4] = { 1, 2, 3, 4 };
int *pointer = &numbers[2];              /* relative */
int exported = 5;
int *to_exported = &exported;            /* by symbol */
long zeros[3000];
static int constructed, destroyed;
extern int nobody __attribute__((weak));

__attribute__((constructor)) static void construct(void) { constructed++; }
__attribute__((destructor)) static void destroy(void)
{
        printk("destroyed %d\n", ++destroyed);
}

int callee(int x) { return x + exported; } /* through the PLT */
int (*table[])(int) = { callee, callee };
const char *const names[] = { "alpha", "beta" };

ENTRY int init_module(void)
{
        int i;

        for (i = 0; i < 3000; i++)
                if (zeros[i] != 0)
                        return -101;
        if (*pointer != 3 || *to_exported != 5)
                return -102;
        if (constructed != 1)
                return -103;
        if (callee(2) != 7 || table[1](3) != 8)
                return -104;
        if (names[0][0] != 'a' || names[1][3] != 'a')
                return -105;
        if (&nobody)
                return -106;
        zeros[7] = exported++;
        printk("checked %d\n", callee(0));
        return 0;
}

ENTRY void cleanup_module(void) { printk("left with %d\n", (int)zeros[7]); }
'''

SAYS = ['checked 6', 'left with 5', 'destroyed 1']


def tenon(arch):
    if arch == HERE:
        return [os.path.join(TOP, 'build/host/bin/tenon')]
    return [f'qemu-{arch}', '-L', f'/usr/{arch}-linux-gnu',
            os.path.join(TOP, f'build/host-{arch}/bin/tenon')]


def compiler(arch):
    return 'gcc' if arch == HERE else f'{arch}-linux-gnu-gcc'


class Shared(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.path = os.path.join(scratch.name, 'blob.so')

    def compile(self, arch, *flags, source=SOURCE):
        subprocess.run(
            [compiler(arch), '-shared', '-nostdlib', '-fPIC', '-O1', '-w',
             '-ffreestanding', '-fno-stack-protector', '-x', 'c', '-',
             '-o', self.path, *flags],
            input=source, text=True, check=True)

    def run_blob(self, arch):
        return subprocess.run(
            [*tenon(arch), 'run', '--unmarked', self.path], timeout=60,
            stdin=subprocess.DEVNULL, capture_output=True, text=True)

    def assertWorks(self, arch, *flags):
        self.compile(arch, *flags)
        done = self.run_blob(arch)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.splitlines(), SAYS)

    def assertRefused(self, arch, text):
        done = self.run_blob(arch)
        self.assertEqual(done.returncode, 1)
        self.assertIn(text, done.stderr)
        self.assertNotIn('loaded', done.stdout)

    def test_hash_tables(self):
        """proves: G26"""
        for arch in ARCHES:
            for style in ('sysv', 'gnu', 'both'):
                with self.subTest(arch=arch, style=style):
                    self.assertWorks(arch, f'-Wl,--hash-style={style}')

    def test_binding(self):
        """proves: G25 G27"""
        for arch in ARCHES:
            for flags in (['-Wl,-z,lazy'], ['-Wl,-z,now'], ['-fno-plt'],
                          ['-Wl,-Bsymbolic'], ['-fvisibility=hidden']):
                with self.subTest(arch=arch, flags=flags[0]):
                    self.assertWorks(arch, *flags)

    def test_nothing_exported(self):
        """An empty GNU hash table does not say how many symbols there are.
        proves: G26"""
        source = (
            'int printk(const char *f, ...); extern int nobody '
            '__attribute__((weak)); __attribute__((constructor)) static void '
            'f(void) { printk("here %d\\n", &nobody != 0); }')
        for arch in ARCHES:
            for style in ('sysv', 'gnu', 'both'):
                with self.subTest(arch=arch, style=style):
                    self.compile(arch, f'-Wl,--hash-style={style}',
                                 source=source)
                    done = self.run_blob(arch)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual(done.stderr, 'here 0\n')

    def test_segments(self):
        """proves: G25"""
        for arch in ARCHES:
            for flags in (['-Wl,-z,relro'], ['-Wl,-z,norelro'],
                          ['-Wl,-z,separate-code'],
                          ['-Wl,-z,noseparate-code'],
                          ['-Wl,-z,max-page-size=65536'],
                          ['-Wl,-z,max-page-size=0x200000'],
                          ['-Wl,-Ttext-segment=0x40000']):
                with self.subTest(arch=arch, flags=flags[0]):
                    self.assertWorks(arch, *flags)

    def test_optimisation(self):
        for arch in ARCHES:
            for flag in ('-O0', '-O2', '-Os', '-g'):
                with self.subTest(arch=arch, flag=flag):
                    self.assertWorks(arch, flag)

    def test_without_section_headers(self):
        """proves: G25 G26"""
        for arch in ARCHES:
            self.compile(arch, '-s')
            with open(self.path, 'r+b') as f:
                f.seek(0x28)
                f.write(bytes(8))   # e_shoff
                f.seek(0x3a)
                f.write(bytes(6))   # e_shentsize, e_shnum, e_shstrndx
            with self.subTest(arch=arch):
                done = self.run_blob(arch)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(done.stderr.splitlines(), SAYS)

    def test_a_damaged_segment_is_named(self):
        """PT_LOAD is spoilt, everything else is as the linker left it."""
        offset, vaddr, filesz, memsz, align = 8, 16, 32, 40, 48
        bounds = 'has a segment outside the file or itself'
        cases = ((offset, 1 << 40, bounds), (filesz, 1 << 40, bounds),
                 (memsz, 1, bounds), (vaddr, 2**64 - 16, bounds),
                 (align, 3, 'has an alignment that is no power of two'))
        for arch in ARCHES:
            for field, value, text in cases:
                with self.subTest(arch=arch, field=field):
                    self.compile(arch)
                    with open(self.path, 'r+b') as f:
                        data = bytearray(f.read())
                        at = int.from_bytes(data[32:40], 'little')
                        while data[at:at + 4] != b'\1\0\0\0':
                            at += 56
                        data[at + field:at + field + 8] = value.to_bytes(
                            8, 'little')
                        f.seek(0)
                        f.write(data)
                    self.assertRefused(arch, f'blob: {text}')

    def test_a_library_that_is_not_loaded_is_named(self):
        for arch in ARCHES:
            self.compile(arch, '-Wl,--no-as-needed', '-lc')
            with self.subTest(arch=arch):
                self.assertRefused(
                    arch, 'blob: needs libc.so.6, which is not loaded')

    def test_missing_symbols_are_listed(self):
        for arch in ARCHES:
            self.compile(arch, '-Dprintk=printq')
            with self.subTest(arch=arch):
                self.assertRefused(
                    arch, 'missing symbol: printq (nearest: printk)')

    def test_what_is_not_supported_is_named(self):
        tls = '__thread int x; int init_module(void) { return x; }'
        ifunc = ('static int g(void) { return 0; } static void *r(void) '
                 '{ return g; } int f(void) __attribute__((ifunc("r"))); '
                 'int init_module(void) { return f(); }')
        textrel = 'int x; int init_module(void) { return x; }'
        cases = [(arch, 'thread-local storage', tls, []) for arch in ARCHES]
        cases += [(arch, 'indirect function', ifunc, [])
                  for arch in ('x86_64', 'aarch64')]
        cases += [('x86_64', 'DT_TEXTREL', textrel,
                   ['-fno-pic', '-mcmodel=large', '-Wl,-z,notext'])]
        for arch, text, source, flags in cases:
            with self.subTest(arch=arch, text=text):
                self.compile(arch, *flags, source=source)
                self.assertRefused(arch, text)


if __name__ == '__main__':
    unittest.main()
