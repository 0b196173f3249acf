# SPDX-License-Identifier: MIT
"""`tenon symvers`: which changes of a type change its version, compared with
Linux's genksyms where that has an opinion; and what a load makes of it."""
import glob
import os
import re
import shutil
import subprocess
import unittest

import child
from test_tools import ARCH, Case, TENON, TOP, tenon

GENKSYMS = sorted(glob.glob('/usr/lib/linux-kbuild-*/scripts/genksyms/'
                            'genksyms'))
COMPILERS = {
    'x86_64': 'gcc', 'aarch64': 'aarch64-linux-gnu-gcc',
    'riscv64': 'riscv64-linux-gnu-gcc',
}

BASE = '''
struct inner { int x; };
struct item { int a; char b; struct inner in; struct item *next; };
enum mode { OFF, ON };
typedef unsigned long word;
union both { int i; float f; };
typedef int (*callback)(void *arg, struct item *it);
int f(struct item *it, enum mode m, word w, callback cb, union both *u);
int f(struct item *it, enum mode m, word w, callback cb, union both *u)
{ (void)it; (void)m; (void)w; (void)cb; (void)u; return 0; }
'''

# (what is replaced, by what): the version is another one
CHANGES = {
    'a member more': ('char b;', 'char b; char c;'),
    'a member less': ('char b;', ''),
    'another order': ('int a; char b;', 'char b; int a;'),
    "a member's name": ('int a;', 'int z;'),
    "a member's type": ('int a;', 'unsigned a;'),
    "a member's width": ('char b;', 'long b;'),
    'a bit field': ('int a;', 'int a : 5;'),
    'an array': ('char b;', 'char b[2];'),
    'what a member consists of': ('int x;', 'int x, y;'),
    'an enumerator more': ('OFF, ON', 'OFF, ON, AUTO'),
    "an enumerator's value": ('OFF, ON', 'OFF, ON = 5'),
    "a typedef's meaning": ('unsigned long word', 'unsigned short word'),
    'a member of a union': ('float f;', 'double f;'),
    "a callback's parameter": ('void *arg', 'int arg'),
    'a parameter more': ('word w,', 'word w, int more,'),
    'a result': ('int f(', 'long f('),
    'constness behind a pointer': ('f(struct item *it,',
                                   'f(const struct item *it,'),
    'a variable number of parameters': ('union both *u)',
                                        'union both *u, ...)'),
}

# the version stays
NAMES = {
    "a parameter's name": [('enum mode m,', 'enum mode how,'),
                           ('(void)m;', '(void)how;')],
    "a callback's parameter's name": [('void *arg', 'void *cookie')],
    'a comment': [('int a;', 'int a; /* the first */')],
    'another unrelated type': [('enum mode {', 'struct more { int q; };\n'
                                'enum mode {')],
}

# ours only: genksyms sees text, not types
OURS = {
    "a typedef's name": [('word', 'number')],
    'the same type in other words': [('unsigned long word',
                                      'long unsigned int word')],
    'constness of a parameter itself': [
        ('it, enum mode m,', 'it, const enum mode m,')],
}


def changed(*replacements):
    text = BASE
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    return text


def crcs(text):
    return {m[2]: m[1] for m in re.finditer(r'^(0x\w+)\t(\w+)\t', text, re.M)}


class Versions(Case):
    def object(self, source, *flags, arch=ARCH, exports=('f',), name='m.o',
               compiler=None):
        out = self.path(name)
        text = '#include <tenon/module.h>\n' + source + ''.join(
            f'EXPORT_SYMBOL({e});\n' for e in exports)
        subprocess.run(
            [*(compiler or [COMPILERS[arch]]), '-x', 'c', '-c', '-O1', '-g',
             '-fPIC', '-ffreestanding', '-I', f'{TOP}/api/include', '-o', out,
             *flags, '-'], input=text, text=True, check=True)
        return out

    def crc(self, source, *flags, **how):
        done = tenon('symvers', self.object(source, *flags, **how))
        self.assertEqual(done.returncode, 0, done.stderr)
        return crcs(done.stdout)['f']

    def test_each_change_of_layout_or_meaning_changes_it(self):
        base = self.crc(BASE)
        for what, change in CHANGES.items():
            with self.subTest(what):
                self.assertNotEqual(self.crc(changed(change)), base)

    def test_names_that_mean_nothing_do_not(self):
        base = self.crc(BASE)
        for what, changes in {**NAMES, **OURS}.items():
            with self.subTest(what):
                self.assertEqual(self.crc(changed(*changes)), base)

    @unittest.skipUnless(GENKSYMS, 'linux-kbuild is not installed')
    def test_genksyms_agrees(self):
        def linux(source):
            text = subprocess.run(
                ['gcc', '-E', '-P', '-'], text=True, check=True,
                capture_output=True, input=source).stdout
            done = subprocess.run(
                [GENKSYMS[-1]], text=True, check=True, capture_output=True,
                input=text + '__GENKSYMS_EXPORT_SYMBOL(f);\n')
            return re.search(r'0x\w+', done.stdout)[0]
        base = linux(BASE)
        for what, change in CHANGES.items():
            with self.subTest(what):
                self.assertNotEqual(linux(changed(change)), base)
        for what, changes in NAMES.items():
            with self.subTest(what):
                self.assertEqual(linux(changed(*changes)), base)

    def test_compilers_and_their_options_do_not_count(self):
        base = self.crc(BASE)
        for flags in (['-O0'], ['-O2'], ['-Os'], ['-gdwarf-4']):
            self.assertEqual(self.crc(BASE, *flags), base, flags)
        for more in [], ['-gdwarf-4']:
            self.assertEqual(
                self.crc(BASE, *more, compiler=['clang']), base, more)
        fields = changed(('int a;', 'int a : 5; unsigned c : 3;'))
        self.assertEqual(self.crc(fields),
                         self.crc(fields, '-gdwarf-4', compiler=['clang']))

    def test_machines_agree_on_the_same_types(self):
        source = changed(('char b;', 'signed char b;'))
        found = {arch: self.crc(source, arch=arch) for arch in COMPILERS}
        self.assertEqual(len(set(found.values())), 1, found)

    def test_types_are_shown(self):
        source = ('struct a { struct b *b; }; struct b { struct a a; };\n'
                  'struct hidden; int v[3][4];\n'
                  'struct hidden *g(struct b *b, const char *s, ...);\n'
                  'struct hidden *g(struct b *b, const char *s, ...)\n'
                  '{ (void)b; (void)s; return 0; }\n')
        done = tenon('symvers', '-t', self.object(source, exports=('v', 'g')))
        self.assertEqual(done.stdout.splitlines(), [
            'v variable [3][4]signed:4',
            'g function(*struct b 8 {a@0 struct a 8 {b@0 *struct b; }; }; '
            f'*const {self.plain_char()}:1; ...) *struct hidden'])

    def test_types_may_lie_as_deep_as_they_like(self):
        last = 10000
        source = ''.join(f'struct s{i};typedef struct s{i} t{i};\n'
                         for i in range(last + 1)) + ''.join(
            f'struct s{i}{{int a;t{i + 1}*next;}};\n' for i in range(last)) + (
            f'struct s{last} {{ %s a; }};\nint f(t0 *p);\n'
            'int f(t0 *p) { return p->a; }\n')
        self.assertNotEqual(self.crc(source % 'int'), self.crc(source % 'long'))

    def test_levels_without_a_structure_have_an_end(self):
        source = 'int f(int %sp); int f(int %sp) { return p != 0; }\n'
        self.crc(source % (('*' * 199, ) * 2))
        done = tenon('symvers', self.object(source % (('*' * 200, ) * 2)))
        self.assertRefused(done, "debug information of 'f'",
                           'more than 200 levels')

    def plain_char(self):
        return 'signed_char' if ARCH == 'x86_64' else 'unsigned_char'

    def test_what_has_no_type_is_an_error_or_has_its_name(self):
        source = ('int f(int); int h(void);\n'
                  'int f(int x) { return x; }\n'
                  '__asm__(".globl h\\n.type h, %function\\nh: .byte 0\\n");')
        obj = self.object(source, exports=('f', 'h'))
        done = tenon('symvers', obj, '-o', self.path('out'))
        self.assertRefused(done, "symvers: m: 'h' has no type", 'm.o')
        self.assertFalse(os.path.exists(self.path('out')))
        done = tenon('symvers', '-u', obj)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(crcs(done.stdout)), ['f', 'h'])

    def test_files_without_versions_are_named(self):
        bare = self.object(BASE, '-g0')
        self.assertRefused(tenon('symvers', bare), 'm.o',
                           'no debug information', '-g')
        with open(self.path('text'), 'w') as f:
            f.write('text\n')
        for name in 'text', 'gone':
            done = tenon('symvers', '-n', 'x', self.path(name))
            self.assertRefused(done, name)
        for wrong in (), ('a', 'b'), ('-n', '+', 'a'):
            self.assertEqual(tenon('symvers', *wrong).returncode, 2)

    def test_a_damaged_file_ends_with_a_sentence(self):
        with open(self.object(BASE), 'rb') as f:
            data = f.read()
        for at in range(0, len(data), 61):
            damaged = bytearray(data)
            damaged[at] ^= 0xff
            with open(self.path('d.o'), 'wb') as f:
                f.write(damaged)
            done = tenon('symvers', '-n', 'm', self.path('d.o'))
            self.assertIn(done.returncode, (0, 1), f'byte {at}')
            self.assertEqual(done.returncode == 1, done.stderr != '')

    def test_a_file_is_read_once(self):
        """What is mapped, or read again, may have been cut meanwhile."""
        with open(self.object(BASE), 'rb') as f:
            data = f.read()
        os.mkfifo(self.path('pipe.o'))
        p = child.start(self, [TENON, 'symvers', self.path('pipe.o')],
                        stdout=subprocess.PIPE)
        with open(self.path('pipe.o'), 'wb') as f:
            f.write(data)
        self.assertIn(b'\tpipe\t', p.communicate(timeout=60)[0])
        self.assertEqual(p.returncode, 0)

    def test_no_exports_need_no_information(self):
        done = tenon('symvers', self.object('int f;\n', '-g0', exports=()))
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, '', ''))


class Modules(Case):
    """Built by the fragment for makefiles, loaded by the engine."""

    PROVIDER = '''
#include <tenon/module.h>
#include "shape.h"
int shape_area(const struct shape *s);
int shape_area(const struct shape *s) { return s->w * s->h; }
EXPORT_SYMBOL(shape_area);
MODULE_LICENSE("MIT");
'''
    USER = '''
#include <tenon/module.h>
#include "shape.h"
int shape_area(const struct shape *s) __attribute__((visibility("default")));
int area(void);
int area(void) { struct shape s = { .w = 3, .h = 4 }; return shape_area(&s); }
EXPORT_SYMBOL(area);
MODULE_LICENSE("MIT");
'''

    def write(self, name, text):
        with open(self.path(name), 'w') as f:
            f.write(text)

    def make(self, name, *variables):
        self.write(f'{name}.mk', f'MODULE := {name}\nVERSIONS := y\n' +
                   ''.join(v + '\n' for v in variables) +
                   f'include {TOP}/mk/module.mk\n')
        done = subprocess.run(
            ['make', '-f', f'{name}.mk', f'TENON={TENON}'], cwd=self.dir,
            capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return self.path(f'build/{ARCH}/common/{name}.ko')

    def build(self):
        self.write('shape.h', 'struct shape { int w, h; };\n')
        self.write('shapes.c', self.PROVIDER)
        self.write('user.c', self.USER)
        provider = self.make('shapes')
        return provider, self.make('user', 'USES := shapes')

    def run_both(self, provider, user):
        return tenon('run', provider, user, '--call', 'area')

    def test_what_was_built_together_runs(self):
        done = self.run_both(*self.build())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('12', done.stdout)

    def test_another_layout_is_refused_by_the_symbols_name(self):
        provider, user = self.build()
        self.write('shape.h', 'struct shape { int colour, w, h; };\n')
        self.make('shapes')
        self.assertRefused_load(self.run_both(provider, user))

    def assertRefused_load(self, done):
        self.assertEqual(done.returncode, 1)
        self.assertIn('shape_area', done.stderr)
        self.assertRegex(done.stderr, 'CRC|version')

    def test_another_name_of_a_parameter_is_not(self):
        provider, user = self.build()
        self.write('shapes.c', self.PROVIDER.replace('*s)', '*it)').replace(
            's->', 'it->'))
        self.make('shapes')
        done = self.run_both(provider, user)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_kmod_shows_the_same_versions(self):
        _, user = self.build()
        with open(self.path(f'build/{ARCH}/common/shapes.symvers')) as f:
            wanted = crcs(f.read())['shape_area']
        shown = subprocess.run(
            ['/sbin/modprobe', '--show-modversions', user], check=True,
            capture_output=True, text=True).stdout
        self.assertIn(f'{int(wanted, 16):#010x}\tshape_area', shown)

    def test_debug_information_stays_only_on_request(self):
        provider, _ = self.build()
        def sections(path):
            return subprocess.run(['readelf', '-SW', path], check=True,
                                  capture_output=True, text=True).stdout
        self.assertNotIn('.debug_info', sections(provider))
        self.assertIn('.debug_info', sections(
            self.make('shapes', 'MODULE_CFLAGS := -g')))


if __name__ == '__main__':
    unittest.main()
