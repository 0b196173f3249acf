# SPDX-License-Identifier: MIT
"""What a module's author uses: list, header, fragment, specification."""
import glob
import os
import re
import shutil
import unittest
import zlib

from authorkit import (
    ARCHS, PROFILES, TENON, TOP, Elf, Scratch, gen_exports, guaranteed, module,
    run)


class Guaranteed(Scratch):
    def test_crc_is_of_the_prototypes_tokens(self):
        crc = {e.name: e.crc for e in guaranteed()}
        text = b'void * memcpy ( void * , const void * , size_t )'
        self.assertEqual(crc['memcpy'], zlib.crc32(text))

    def test_spacing_does_not_change_a_crc_and_types_do(self):
        def crc(proto):
            return gen_exports.Export('f', 'all', '=', proto).crc
        self.assertEqual(crc('int f(int,char *)'), crc('int  f( int, char* )'))
        self.assertNotEqual(crc('int f(int)'), crc('int f(long)'))

    def test_a_bad_list_is_refused_with_its_line(self):
        for text, line in (('f all int f(void)\n', 1),
                           ('# two\nf any = int f(void)\n', 2),
                           ('f all = int g(void)\n', 1),
                           ('f all = int f(void)\nf all = int f(void)\n', 2)):
            path = self.write('list', text)
            with self.assertRaisesRegex(ValueError, f'^{path}:{line}: '):
                gen_exports.parse(path)

    def test_one_module_imports_every_guaranteed_symbol(self):
        want = {e.name for e in guaranteed()} | {'__this_module'}
        for arch in ARCHS:
            elf = Elf(module(arch, 'guaranteed'))
            self.assertEqual(elf.undefined() - {'_GLOBAL_OFFSET_TABLE_'},
                             want)

    def test_versions_of_imports_are_the_lists_crcs(self):
        want = {e.name: e.crc for e in guaranteed()}
        for arch in ARCHS:
            self.assertEqual(Elf(module(arch, 'guaranteed')).versions(), want)


class Headers(Scratch):
    SOURCE = r'''
#define pr_fmt(fmt) "use: " fmt
#include <tenon/module.h>
#include <tenon/string.h>

static int one = 1;
static unsigned int many[4], given;
static char text[16];
static bool flag;
module_param(one, int, 0644);
MODULE_PARM_DESC(one, "a number");
module_param_named(alias, flag, bool, 0444);
module_param_range(given, uint, 0444, 1, 64);
module_param_array(many, uint, &given, 0444);
module_param_string(words, text, sizeof(text), 0444);
static int __initdata first = 3;
static const int __initconst fixed = 4;
static int __ro_after_init later;

TENON_IMPORTS_BEGIN
int shared(int x);
int shared_gpl(int x);
int spaced(int x);
TENON_IMPORTS_END
int shared(int x) { return x + later; }
int shared_gpl(int x) { return x - 1; }
int spaced(int x) { return x * 2; }
EXPORT_SYMBOL(shared);
EXPORT_SYMBOL_GPL(shared_gpl);
EXPORT_SYMBOL_NS(spaced, SPACE);

static int __init use_init(void)
{
	later = first + fixed;
	pr_info("%d\n", one);
	if (!try_module_get(THIS_MODULE))
		return -1;
	module_put(THIS_MODULE);
	return printk(KERN_DEBUG "%s %u\n", text, many[0]) < 0;
}

static void __exit use_exit(void)
{
	pr_warn("%u\n", given);
}

module_init(use_init);
module_exit(use_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_AUTHOR("nobody");
MODULE_DESCRIPTION("every macro");
MODULE_VERSION("1");
MODULE_ALIAS("used");
MODULE_SOFTDEP("pre: a");
MODULE_IMPORT_NS(SPACE);
MODULE_DEPENDS("a");
'''

    def test_every_macro_is_pedantic_c_and_cplusplus(self):
        """But for `, ##__VA_ARGS__` of pr_info("text\\n"), as Linux has it."""
        source = self.write('use.c', self.SOURCE)
        for compiler, language, std, flag in (
                ('gcc', 'c', 'c11', '-Wvariadic-macros'),
                ('g++', 'c++', 'c++17', '-Wvariadic-macros'),
                ('clang', 'c', 'c11',
                 '-Wno-gnu-zero-variadic-macro-arguments'),
                ('clang++', 'c++', 'c++17',
                 '-Wno-gnu-zero-variadic-macro-arguments')):
            with self.subTest(compiler):
                out = run(compiler, f'-std={std}', '-pedantic-errors', '-Wall',
                          '-Wextra', '-Werror', flag, '-DMODULE', '-I',
                          os.path.join(TOP, 'api/include'), '-c', '-x',
                          language, source, '-o', self.path('use.o'))
                self.assertEqual(out.stderr, '')


class External(Scratch):
    """A module's folder elsewhere needs the fragment and nothing else."""

    def setUp(self):
        super().setUp()
        for name in ('hello.c', 'rules.mk'):
            shutil.copy(os.path.join(TOP, 'modules/test/hello', name),
                        self.dir)
        self.write('Makefile', 'include rules.mk\n'
                   f'include {TOP}/mk/module.mk\n')

    def make(self, *args, check=True):
        env = {k: v for k, v in os.environ.items()
               if k not in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL')}
        return run('make', '-C', self.dir, f'TENON={TENON}', *args, env=env,
                   check=check)

    def test_builds_outside_the_tree_for_every_machine_and_profile(self):
        """proves: K5.6 L01"""
        for arch in ARCHS:
            for profile in PROFILES:
                self.make(f'ARCH={arch}', f'PROFILE={profile}')
                ko = self.path('build', arch, profile, 'hello.ko')
                out = run('modinfo', '-F', 'license', ko).stdout
                self.assertEqual(out.strip(), 'Dual MIT/GPL')
                with open(ko, 'rb') as a, \
                        open(module(arch, 'hello', profile), 'rb') as b:
                    self.assertEqual(self.loaded(a.name),
                                     self.loaded(b.name))

    def loaded(self, path):
        elf = Elf(path)
        return {name: elf.section(name) for name, h in elf.heads.items()
                if h[2] & 2}

    def test_clang_builds_it_without_a_warning(self):
        for arch in ARCHS:
            out = self.make(f'ARCH={arch}', 'CC=clang', 'OPT=-O0')
            self.assertEqual(out.stderr, '')
            self.assertTrue(os.path.exists(
                self.path('build', arch, 'common', 'hello.ko')))

    def test_a_second_make_does_nothing_and_other_flags_rebuild(self):
        self.make('ARCH=riscv64')
        self.assertIn('Nothing to be done',
                      self.make('ARCH=riscv64').stdout)
        self.assertIn('hello.c.o',
                      self.make('ARCH=riscv64', 'OPT=-Os').stdout)

    def test_several_sources_and_two_modules_in_one_makefile(self):
        os.mkdir(self.path('part'))
        self.write('one.c', '#include <tenon/module.h>\n'
                   '__module_local int two(void);\n'
                   'int one(void);\nint one(void) { return two(); }\n'
                   'EXPORT_SYMBOL(one);\nMODULE_LICENSE("GPL");\n')
        self.write('part/two.c', 'int two(void);\n'
                   'int two(void) { return 2; }\n')
        self.write('three.c', '#include <tenon/module.h>\n'
                   'extern int one(void);\nint three(void);\n'
                   'int three(void) { return one() + 1; }\n'
                   'EXPORT_SYMBOL_GPL(three);\nMODULE_LICENSE("GPL");\n')
        self.write('Makefile',
                   'MODULE := joined-one\nSOURCES := one.c part/two.c\n'
                   f'include {TOP}/mk/module.mk\n'
                   'MODULE := three\nUSES := joined-one\n'
                   f'include {TOP}/mk/module.mk\n')
        self.make('ARCH=aarch64')
        folder = self.path('build/aarch64/common')
        out = run('modinfo', '-F', 'depends', f'{folder}/three.ko').stdout
        self.assertEqual(out.strip(), 'joined_one')
        out = run('modinfo', '-F', 'name', f'{folder}/joined-one.ko').stdout
        self.assertEqual(out.strip(), 'joined_one')
        self.assertNotIn('two', Elf(f'{folder}/joined-one.ko').undefined())

    def test_clean_leaves_the_sources(self):
        before = sorted(os.listdir(self.dir))
        for arch in ARCHS:
            self.make(f'ARCH={arch}')
        self.make('PROFILE=hosted')
        self.make('clean')
        self.assertEqual(sorted(os.listdir(self.dir)), before)
        self.make('clean')
        self.make()
        self.write('build/notes', 'of somebody else')
        self.make('clean')
        self.assertEqual(os.listdir(self.path('build')), ['notes'])

    def test_clean_is_for_all_modules_of_a_makefile(self):
        for name in 'ab':
            self.write(f'{name}.c', '#include <tenon/module.h>\n'
                       'MODULE_LICENSE("GPL");\n')
        self.write('Makefile', ''.join(
            f'MODULE := {name}\ninclude {TOP}/mk/module.mk\n'
            for name in 'ab'))
        self.make()
        out = self.make('clean')
        self.assertEqual(out.stderr, '')
        self.assertFalse(os.path.exists(self.path('build')))

    def test_an_unknown_machine_is_named(self):
        out = self.make('ARCH=arm64', check=False)
        self.assertNotEqual(out.returncode, 0)
        self.assertIn('ARCH=arm64 is none of the machines that modules are '
                      'built for: x86_64 aarch64 riscv64', out.stderr)

    def test_a_folder_that_make_would_take_apart_is_refused(self):
        before = sorted(os.listdir(self.dir))
        for folder in ('', 'a b', ' ', *(f'a{c}b' for c in '#:;%=*?&|<>()[]{}'
                                         '\'"`\\'), '~'):
            out = self.make(f'BUILD={folder}', check=False)
            self.assertEqual(out.returncode, 2, folder)
            self.assertRegex(out.stderr, r"^\S+ \*\*\* BUILD=.* is not one "
                             r'folder of plain characters\.  Stop\.\n$')
            self.assertEqual(sorted(os.listdir(self.dir)), before)
        self.make(f'BUILD={self.dir}/o-u_t.1,2+3@')
        self.assertIn('o-u_t.1,2+3@', os.listdir(self.dir))

    def test_sources_of_like_names_are_all_in_the_module(self):
        names = ('a.c', 'a.S', 'b/a.c', 'b_a.c', 'hello.mod.c')
        os.mkdir(self.path('b'))
        for i, name in enumerate(names):
            self.write(name, f'.globl f{i}\nf{i}:\n'
                       '.section .note.GNU-stack, ""\n' if name == 'a.S' else
                       f'int f{i}(void);\nint f{i}(void) {{ return {i}; }}\n')
        self.write('Makefile', 'MODULE := hello\nMODPOST_FLAGS := -q\n'
                   f'SOURCES := {" ".join(names)}\n'
                   f'include {TOP}/mk/module.mk\n')
        self.assertEqual(self.make().stderr, '')
        found = run('nm', glob.glob(self.path('build/*/common/hello.ko'))[0])
        for i in range(len(names)):
            self.assertRegex(found.stdout, rf' [Tt] f{i}\n')

    def test_a_source_that_is_taken_out_leaves_the_module(self):
        self.write('more.c', 'int more(void);\nint more(void) { return 1; }\n')
        for sources, there in (('hello.c more.c', True), ('hello.c', False),
                               ('hello.c more.c', True)):
            self.write('Makefile', 'MODULE := hello\nMODPOST_FLAGS := -q\n'
                       f'SOURCES := {sources}\n'
                       f'include {TOP}/mk/module.mk\n')
            self.make()
            found = run('nm', glob.glob(
                self.path('build/*/common/hello.ko'))[0])
            self.assertEqual(' more\n' in found.stdout, there)
        self.assertIn('Nothing to be done', self.make().stdout)

    def test_a_makefile_that_does_not_name_one_module_is_refused(self):
        include = f'include {TOP}/mk/module.mk\n'
        for text, named in (
                ('', ''), ('MODULE :=\n', ''), ('MODULE := a b\n', 'a b'),
                (f'MODULE := hello\n{include}SOURCES := more.c\n', '')):
            self.write('Makefile', text + include)
            out = self.make(check=False)
            self.assertEqual(out.returncode, 2)
            self.assertIn(f'MODULE := {named} is not one name: ', out.stderr)
            self.assertFalse(os.path.exists(self.path('build')))

    def test_a_profile_that_the_module_does_not_name_is_refused(self):
        self.write('Makefile', 'PROFILES := hosted\ninclude rules.mk\n'
                   f'include {TOP}/mk/module.mk\n')
        out = self.make(check=False)
        self.assertNotEqual(out.returncode, 0)
        self.assertIn('hello is not made for the profile common', out.stderr)


class Specification(unittest.TestCase):
    """docs/module-format.md says what the code does."""

    def setUp(self):
        with open(os.path.join(TOP, 'docs/module-format.md')) as f:
            self.text = f.read()

    def test_supported_relocations_are_the_tables_of_core_reloc(self):
        for arch, prefix in (('x86_64', 'X86_64'), ('aarch64', 'AARCH64'),
                             ('riscv64', 'RISCV')):
            with open(os.path.join(TOP, 'core/reloc', f'{arch}.c')) as f:
                rows = re.findall(r'ROW\(\d+, "(\w+)", (.*)', f.read())
            have = {name for name, what in rows
                    if not what.startswith('REFUSE')}
            said = re.search(rf'\*\*R_{prefix}_\*\*: `([^`]*)`', self.text)
            self.assertEqual(set(said[1].split()), have)

    def test_flags_of_the_fragment_are_all_explained(self):
        with open(os.path.join(TOP, 'mk/module.mk')) as f:
            flags = re.findall(r'(?<!\w)-[fm][a-z][\w=-]*', f.read())
        self.assertGreater(len(flags), 20)
        for flag in set(flags) - {'-file', '-file-name'}:
            self.assertIn(flag, self.text)

    def test_guaranteed_symbols_are_all_listed(self):
        words = set(re.findall(r'\w+', self.text))
        for e in guaranteed():
            name = re.sub(r'__atomic_(\w+)_([12])$', r'__atomic_OP_\2',
                          e.name)
            self.assertIn(name, words)


if __name__ == '__main__':
    unittest.main()
