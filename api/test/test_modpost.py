# SPDX-License-Identifier: MIT
"""What modpost finds wrong, and that no input makes it crash."""
import os
import re
import unittest

from authorkit import TENON, TOP, Scratch, run

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
                     ('-n', 'a b', 'a.o'), ('-n', 'n' * 56, 'a.o'),
                     ('-n', 'a.b', 'a.o'), ('-n', 'c/a', 'a.o'), ('+.o',)):
            out = run(TENON, 'modpost', *args, check=False)
            self.assertEqual(out.returncode, 2, args)
            self.assertNotIn('-?', out.stderr)
            if '-n' in args:
                self.assertIn(f"modpost: '{args[1]}' does not fit -n: a name "
                              "has at most 55 letters, digits, '_' and '-'\n",
                              out.stderr)
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
            out = run(TENON, 'modpost', '-q', self.path('v.o'), check=False)
            self.assertIn(out.returncode, (0, 1), out.stderr)
            # -q silences what is wrong with a module, not a failure
            self.assertEqual(out.stderr != '', out.returncode == 1)
            self.assertNotIn('Sanitizer', out.stderr)

    def test_a_result_that_cannot_be_written_is_told(self):
        out = self.modpost(self.GPL, '-q', '-o', '/dev/full')
        self.assertEqual((out.returncode, out.stderr),
                         (1, 'tenon modpost: /dev/full: No space left on '
                          'device\n'))

    def test_a_result_is_written_whole_or_not_at_all(self):
        folder = self.path('closed')
        old = self.write('m.symvers', 'old')
        out = self.modpost(self.GPL, '-o', f'{folder}/m.c', '-S', old)
        self.assertEqual(out.returncode, 1)
        self.assertIn(f'{folder}/m.c: No such file', out.stderr)
        self.assertEqual(open(old).read(), 'old')
        names = os.listdir(self.path(''))
        out = self.modpost(self.GPL, '-o', self.path('n' * 255))
        self.assertEqual(out.returncode, 0, out.stderr)
        self.assertEqual(set(os.listdir(self.path(''))) - set(names),
                         {'n' * 255})


if __name__ == '__main__':
    unittest.main()
