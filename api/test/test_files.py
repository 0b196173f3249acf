# SPDX-License-Identifier: MIT
"""The files of modules, as others' tools read them: modinfo and depmod of
kmod, readelf, objdump.
"""
import os
import re
import shutil
import struct
import sys
import unittest

from authorkit import (
    ARCHS, PROFILES, TOP, Elf, Scratch, module, modules_of, run)

ENTRY_SIZE = {'x86_64': 12, 'aarch64': 12, 'riscv64': 24}
OBJDUMP = {'x86_64': 'objdump'}


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


if __name__ == '__main__':
    unittest.main()
