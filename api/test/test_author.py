# SPDX-License-Identifier: MIT
"""What a module's author uses: header, fragment, modpost, and their results.

The files are judged by others' tools: kmod's modinfo and depmod, readelf.
"""
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, 'api'))
import gen_exports  # noqa: E402

BUILD = os.environ.get('TENON_BUILD', os.path.join(TOP, 'build'))
TENON = os.path.join(BUILD, 'host/bin/tenon')
ARCHS = ('x86_64', 'aarch64', 'riscv64')
PROFILES = ('common', 'hosted')
ENTRY_SIZE = {'x86_64': 12, 'aarch64': 12, 'riscv64': 24}
OBJDUMP = {'x86_64': 'objdump'}
os.environ['PATH'] += ':/usr/sbin:/sbin'


def run(*argv, check=True, **more):
    p = subprocess.run(argv, capture_output=True, text=True, **more)
    if check and p.returncode != 0:
        raise AssertionError(f'{argv}: {p.returncode}\n{p.stdout}{p.stderr}')
    return p


def module(arch, name, profile='common'):
    return os.path.join(BUILD, 'modules', arch, profile, f'{name}.ko')


def modules_of(arch, profile='common'):
    folder = os.path.join(BUILD, 'modules', arch, profile)
    return sorted(f[:-3] for f in os.listdir(folder) if f.endswith('.ko'))


class Elf:
    """As much of an ELF64 file as these tests look at."""

    def __init__(self, path):
        with open(path, 'rb') as f:
            self.data = f.read()
        shoff, = struct.unpack_from('<Q', self.data, 40)
        self.flags, = struct.unpack_from('<I', self.data, 48)
        shnum, shstr = struct.unpack_from('<HH', self.data, 60)
        heads = [struct.unpack_from('<IIQQQQIIQQ', self.data, shoff + 64 * i)
                 for i in range(shnum)]
        names = heads[shstr][4]
        self.heads = {self.string(names + h[0]): h for h in heads}

    def string(self, at):
        return self.data[at:self.data.index(b'\0', at)].decode()

    def section(self, name):
        h = self.heads.get(name)
        return self.data[h[4]:h[4] + h[5]] if h else b''

    def symbols(self):
        strings = self.heads['.strtab'][4]
        for sym in struct.iter_unpack('<IBBHQQ', self.section('.symtab')):
            yield self.string(strings + sym[0]), sym

    def undefined(self):
        return {name for name, s in self.symbols() if s[3] == 0 and name}

    def versions(self):
        return {name.rstrip(b'\0').decode(): crc for crc, name
                in struct.iter_unpack('<Q56s', self.section('__versions'))}

    def modinfo(self):
        text = self.section('.modinfo').decode()
        return [s.split('=', 1) for s in text.split('\0') if s]


def guaranteed():
    return gen_exports.parse(os.path.join(TOP, 'api/exports.list'))


class Scratch(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix='tenon-author-')
        self.addCleanup(shutil.rmtree, self.dir)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, text):
        with open(self.path(name), 'w') as f:
            f.write(text)
        return self.path(name)


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
        for text in ('f all int f(void)\n', 'f any = int f(void)\n',
                     'f all = int g(void)\n',
                     'f all = int f(void)\nf all = int f(void)\n'):
            with self.assertRaises(ValueError):
                gen_exports.parse(self.write('list', text))

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


class Files(unittest.TestCase):
    """The layouts of docs/module-format.md, in the built modules."""

    def test_modinfo_of_kmod_reads_all_fields(self):
        """proves: L01"""
        want = {'license': 'Dual MIT/GPL', 'version': '1.0', 'name': 'hello',
                'depends': '', 'author': 'The Tenon authors',
                'description': 'says hello and adds two numbers'}
        for arch in ARCHS:
            for field, value in want.items():
                out = run('modinfo', '-F', field, module(arch, 'hello'))
                self.assertEqual(out.stdout.strip(), value)

    def test_modinfo_of_kmod_shows_parameters_with_help_and_type(self):
        want = ['level:how much to say, 0 to 9 (int)',
                'verbose:say more (bool)',
                'window:entries in the window (ulong)', 'mode: (charp)',
                'ports:ports to use (array of ushort)', 'label: (string)',
                'start: (llong)']
        for arch in ARCHS:
            out = run('modinfo', '-p', module(arch, 'params')).stdout
            got = [re.sub(r':(\w+)$', r': (\1)', s) for s in out.splitlines()]
            self.assertEqual(sorted(got), sorted(want))

    def test_parameter_records_hold_type_mode_size_and_range(self):
        for arch in ARCHS:
            records = Elf(module(arch, 'params')).section('__tenon_param')
            rows = {}
            for i in range(0, len(records), 64):
                kind, perm, flags = struct.unpack_from('<HHI', records, i)
                rows[kind] = (perm, flags, *struct.unpack_from(
                    '<IIqqQ', records, i + 32))
            self.assertEqual(rows, {
                3: (0o444, 1, 4, 2, 0, 0, 0), 4: (0o644, 0, 1, 4, 0, 0, 0),
                7: (0o444, 2, 1, 8, 1, 64, 0), 8: (0o444, 0, 1, 8, 0, 0, 0),
                10: (0o444, 0, 1, 1, 0, 0, 0), 11: (0, 0, 1, 8, 0, 0, 0),
                12: (0o444, 0, 16, 1, 0, 0, 0)})

    def test_the_note_names_the_profile(self):
        for arch in ARCHS:
            for number, profile in enumerate(PROFILES, 1):
                note = Elf(module(arch, 'hello', profile)) \
                    .section('.note.tenon')
                self.assertEqual(note, struct.pack(
                    '<III8sIIII', 6, 16, 1, b'Tenon', 1, number, 1, 0))

    def test_export_entries_have_the_architectures_size(self):
        """proves: L07 L08"""
        for arch in ARCHS:
            elf = Elf(module(arch, 'provider'))
            self.assertEqual(len(elf.section('__ksymtab')),
                             3 * ENTRY_SIZE[arch])
            self.assertEqual(len(elf.section('__ksymtab_gpl')),
                             ENTRY_SIZE[arch])
            self.assertEqual(elf.section('__ksymtab_strings').split(b'\0'),
                             [b'provider_table', b'provider_add',
                              b'provider_calls', b'provider_inner',
                              b'PROVIDER_INNER', b''])

    def test_crcs_stand_in_the_order_of_the_exports(self):
        for arch in ARCHS:
            elf = Elf(module(arch, 'provider'))
            crcs = struct.unpack('<3I', elf.section('__kcrctab'))
            self.assertEqual(crcs, (0x5e1f0001, 0x5e1f0002, 0x5e1f0004))
            crcs = struct.unpack('<I', elf.section('__kcrctab_gpl'))
            self.assertEqual(crcs, (0x5e1f0003,))

    def test_imports_carry_the_providers_crcs(self):
        for arch in ARCHS:
            got = Elf(module(arch, 'user')).versions()
            self.assertEqual(got['provider_add'], 0x5e1f0002)
            self.assertEqual(got['provider_table'], 0x5e1f0001)
            got = Elf(module(arch, 'badver')).versions()
            self.assertEqual(got['provider_add'], 0xdeadbeef)

    def test_no_file_has_a_vermagic(self):
        for arch in ARCHS:
            for name in modules_of(arch):
                keys = [k for k, _ in Elf(module(arch, name)).modinfo()]
                self.assertNotIn('vermagic', keys)
                self.assertEqual(keys.count('name'), 1)
                self.assertEqual(keys.count('depends'), 1)

    def test_riscv_common_modules_are_of_the_soft_float_abi(self):
        for name in modules_of('riscv64'):
            self.assertEqual(Elf(module('riscv64', name)).flags, 1)

    def test_common_code_keeps_to_general_registers(self):
        forbidden = {'x86_64': r'%[xyz]mm|%st|%fs:',
                     'aarch64': r'\b[vqds]\d+\b|\b[wx]18\b|tpidr',
                     'riscv64': r'\bf[ats]\d+\b'}
        for arch in ARCHS:
            objdump = OBJDUMP.get(arch, f'{arch}-linux-gnu-objdump')
            for name in modules_of(arch):
                out = run(objdump, '-d', '--no-show-raw-insn',
                          module(arch, name)).stdout
                code = '\n'.join(re.sub('[0-9a-f]+ <.*|[#/].*', '',
                                        line.split('\t', 1)[1])
                                 for line in out.splitlines()
                                 if line.startswith(' ') and '\t' in line)
                self.assertIsNone(re.search(forbidden[arch], code),
                                  f'{arch} {name}')


class Depmod(Scratch):
    def tree(self, arch, names):
        folder = self.path(arch, 'lib/modules/1.0')
        os.makedirs(folder)
        for name in names:
            shutil.copy(module(arch, name), folder)
        for name in ('modules.order', 'modules.builtin',
                     'modules.builtin.modinfo'):
            open(os.path.join(folder, name), 'w').close()
        out = run('depmod', '-b', self.path(arch), '1.0')
        self.assertEqual(out.stderr, '')
        return folder

    def lines(self, folder, name):
        with open(os.path.join(folder, name)) as f:
            return f.read().splitlines()

    def test_kmods_depmod_finds_the_dependencies(self):
        """proves: L15"""
        for arch in ARCHS:
            folder = self.tree(arch, ('user', 'provider', 'hello', 'params'))
            deps = self.lines(folder, 'modules.dep')
            self.assertEqual(sorted(deps), [
                'hello.ko:', 'params.ko:', 'provider.ko:',
                'user.ko: provider.ko'])
            symbols = self.lines(folder, 'modules.symbols')
            for name in ('provider_add', 'provider_calls', 'user_sum'):
                self.assertIn(f'alias symbol:{name} {name.split("_")[0]}',
                              symbols)
            self.assertIn('alias test:params* params',
                          self.lines(folder, 'modules.alias'))
            self.assertIn('softdep params pre: hello',
                          self.lines(folder, 'modules.softdep'))

    def test_depmod_knows_every_import_given_the_guaranteed_list(self):
        symvers = self.path('Module.symvers')
        run(sys.executable, os.path.join(TOP, 'api/gen_exports.py'),
            'symvers', os.path.join(TOP, 'api/exports.list'), symvers)
        with open(symvers, 'a') as f:
            f.write('0x00000000\t__this_module\tvmlinux\tEXPORT_SYMBOL\t\n')
        for arch in ARCHS:
            self.tree(arch, ('user', 'provider', 'calls', 'callee',
                             'guaranteed'))
            out = run('depmod', '-b', self.path(arch), '-e', '-E', symvers,
                      '1.0')
            self.assertNotIn('unknown symbol', out.stderr.replace(
                '_GLOBAL_OFFSET_TABLE_', ''))


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
        self.assertIn('hello.o', self.make('ARCH=riscv64', 'OPT=-Os').stdout)

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


SOURCE = '''#include <tenon/module.h>
TENON_IMPORTS_BEGIN
int provider_add(int); int prntk(int); int strlne(int); int qqqqqqq(int);
TENON_IMPORTS_END
'''


class Modpost(Scratch):
    """What the tool finds wrong, and that no input makes it crash."""

    symvers = ('0x00000001\tprovider_add\tx/provider\tEXPORT_SYMBOL_GPL\t\n'
               '0x00000002\tin_ns\tprovider\tEXPORT_SYMBOL\tNS\n')

    def compile(self, text, *flags):
        source = self.write('m.c', SOURCE + text)
        run('gcc', '-O2', '-fPIC', '-fvisibility=hidden', '-ffreestanding',
            f'-I{TOP}/api/include', *flags, '-c', source, '-o',
            self.path('m.o'))
        return self.path('m.o')

    def modpost(self, text, *args, flags=()):
        return run(TENON, 'modpost', '-s',
                   self.write('p.symvers', self.symvers), *args,
                   self.compile(text, *flags), check=False)

    def refused(self, text, *messages, args=(), flags=()):
        out = self.modpost(text, *args, flags=flags)
        self.assertEqual(out.returncode, 1, out.stderr)
        self.assertEqual(out.stdout, '')
        for message in messages:
            self.assertIn(f'modpost: m: {message}\n', out.stderr)
        self.assertEqual(out.stderr.count('\n'), len(messages), out.stderr)

    GPL = 'MODULE_LICENSE("GPL");'

    def test_all_missing_symbols_are_named_with_their_neighbours(self):
        """proves: L11"""
        body = ('int f(int x) { return prntk(x) + strlne(x) + qqqqqqq(x); }'
                + self.GPL)
        missing = ("'prntk' is undefined (nearest: printk)",
                   "'strlne' is undefined (nearest: strlen)",
                   "'qqqqqqq' is undefined")
        self.refused(body, *missing)
        out = self.modpost(body, '-w')
        self.assertEqual(out.returncode, 0)
        for m in missing:
            self.assertIn(f'modpost: m: warning: {m}\n', out.stderr)
        self.assertEqual(self.modpost(body, '-q').stderr, '')
        self.assertEqual(self.modpost(body, '-p', 'hosted').returncode, 0)

    def test_files_that_cannot_be_read_are_named_with_the_reason(self):
        for args, message in (
                (['-s', self.dir], f'{self.dir}: Is a directory'),
                (['-c', '/none'], '/none: No such file or directory')):
            self.refused(self.GPL, f'cannot read {message}', args=args)

    def test_weak_symbols_need_nobody(self):
        out = self.modpost('extern int w __attribute__((weak));'
                           'int *f(void) { return &w; }' + self.GPL)
        self.assertEqual(out.stderr, '')

    def test_licence_rules(self):
        """proves: L08"""
        use = 'int f(int x) { return provider_add(x); }'
        gpl_only = ("'provider_add' of provider is for GPL-compatible "
                    "modules only")
        self.refused(use, 'MODULE_LICENSE is missing', gpl_only)
        self.refused(use + 'MODULE_LICENSE("MIT");', gpl_only)
        self.refused(use + self.GPL + 'MODULE_LICENSE("Proprietary");',
                     gpl_only)
        for licence in ('GPL', 'GPL v2', 'GPL and additional rights',
                        'Dual BSD/GPL', 'Dual MIT/GPL', 'Dual MPL/GPL'):
            out = self.modpost(use + f'MODULE_LICENSE("{licence}");')
            self.assertEqual(out.stderr, '')
            self.assertIn('MODULE_INFO(depends, "provider");', out.stdout)

    def test_namespaces(self):
        use = 'extern int in_ns(void); int f(void) { return in_ns(); }'
        self.refused(use + self.GPL,
                     "'in_ns' is in namespace NS, which is not imported")
        out = self.modpost(use + self.GPL + 'MODULE_IMPORT_NS(NS);')
        self.assertEqual(out.stderr, '')

    def test_exports_are_global_and_unique(self):
        self.refused('int f(void); int f(void) { return 1; }'
                     'EXPORT_SYMBOL(f); __asm__(".pushsection __ksymtab,'
                     '\\"a\\"; .long f - .; .long .Lkstrtab_f - .;'
                     ' .long 0; .popsection");' + self.GPL,
                     "'f' is exported twice")
        self.refused('static int f(void) { return 1; } int g(void);'
                     'int g(void) { return f(); } EXPORT_SYMBOL(f);'
                     '__attribute__((used)) static int (*p)(void) = f;'
                     + self.GPL,
                     "'f' is exported but is no global symbol of it")
        self.refused('int in_ns(void) { return 1; } EXPORT_SYMBOL(in_ns);'
                     + self.GPL, "'in_ns' is exported by provider already")

    def test_thread_local_symbols_are_refused(self):
        self.refused('__thread int t; int *f(void) { return &t; }' + self.GPL,
                     "'t' is thread-local, which no loader supports",
                     flags=('-ftls-model=local-exec', '-fvisibility=default',
                            '-fno-pic'))

    def test_crcs_are_given_for_all_exports_or_for_none(self):
        text = ('int a(void) { return 1; } EXPORT_SYMBOL(a);'
                'int b(void) { return 1; } EXPORT_SYMBOL(b);' + self.GPL)
        crcs = self.write('crcs', '0x11 a\n')
        self.refused(text, f"'b' has no CRC in {crcs}", args=('-c', crcs))
        crcs = self.write('crcs', '0x11 a\n0x12\tb\tx\n')
        out = self.modpost(text, '-c', crcs)
        self.assertEqual(out.returncode, 0, out.stderr)
        self.assertIn('__crc_b:', out.stdout)

    def test_declared_dependencies_join_the_others(self):
        out = self.modpost('int f(int x) { return provider_add(x); }'
                           'MODULE_DEPENDS("other >= 1.2 < 2, provider,");'
                           'MODULE_DEPENDS("third=3");' + self.GPL)
        depends = re.search('depends, "(.*)"', out.stdout)[1].split(',')
        self.assertEqual(sorted(depends), ['other', 'provider', 'third'])

    def test_optional_dependencies_are_soft_for_other_tools(self):
        out = self.modpost('MODULE_DEPENDS("hard ^ 1.2, ?soft > 3, ?two");'
                           + self.GPL)
        self.assertIn('MODULE_INFO(depends, "hard");', out.stdout)
        self.assertIn('MODULE_INFO(softdep, "pre: soft two");', out.stdout)

    def test_malformed_declarations_are_refused(self):
        self.refused('MODULE_DEPENDS("a, b c");' + self.GPL,
                     'malformed dependency: b c')
        self.refused('MODULE_FLAGS("essential, drivr");' + self.GPL,
                     "'drivr' is no flag of a module")
        self.refused('MODULE_DEPRECATED(gone, "use f");' + self.GPL,
                     "'gone' is deprecated but no export")
        out = self.modpost('int f(void) { return 1; } EXPORT_SYMBOL(f);'
                           'MODULE_DEPRECATED(f, "use g");'
                           'MODULE_PROVIDES("clock, fs/fat32");'
                           'MODULE_FLAGS("driver, deprecated");' + self.GPL)
        self.assertEqual(out.returncode, 0, out.stderr)

    def test_a_damaged_symvers_is_named_with_its_line(self):
        for line in ('0x1 name only\n', 'zz\ta\tb\tEXPORT_SYMBOL\t\n',
                     '0x1\ta"b\tc\tEXPORT_SYMBOL\t\n',
                     '0x100000000\ta\tb\tEXPORT_SYMBOL\t\n'):
            self.symvers = '0x1\tok\tm1\tEXPORT_SYMBOL\n\n' + line
            self.refused(self.GPL,
                         f'{self.path("p.symvers")}:3: not a line of '
                         'Module.symvers')

    def test_wrong_usage_has_its_own_status(self):
        for args in ((), ('a.o', 'b.o'), ('-x', 'a.o'), ('-p', 'x', 'a.o'),
                     ('-n', 'a b', 'a.o'), ('-n', 'n' * 56, 'a.o')):
            out = run(TENON, 'modpost', *args, check=False)
            self.assertEqual(out.returncode, 2, args)
        self.assertEqual(run(TENON, 'modpost', '--help').stderr, '')

    def test_files_that_are_no_objects_are_named(self):
        out = run(TENON, 'modpost', self.path('absent.o'), check=False)
        self.assertEqual(out.returncode, 1)
        self.assertIn('cannot read', out.stderr)
        out = run(TENON, 'modpost', self.write('n.o', 'text'), check=False)
        self.assertEqual(out.returncode, 1)

    def test_no_truncated_or_damaged_object_crashes_it(self):
        path = self.compile('int f(void) { return 1; } EXPORT_SYMBOL(f);'
                            + self.GPL)
        with open(path, 'rb') as f:
            data = f.read()
        variants = [data[:n] for n in range(0, len(data), 37)]
        for at in list(range(0, 64)) + list(range(64, len(data), 29)):
            variants.append(data[:at] + bytes([data[at] ^ 0xff])
                            + data[at + 1:])
        for variant in variants:
            with open(self.path('v.o'), 'wb') as f:
                f.write(variant)
            out = run(TENON, 'modpost', self.path('v.o'), check=False)
            self.assertIn(out.returncode, (0, 1), out.stderr)
            self.assertNotIn('Sanitizer', out.stderr)


if __name__ == '__main__':
    unittest.main()
