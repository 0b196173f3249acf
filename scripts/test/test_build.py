# SPDX-License-Identifier: MIT
"""The build refuses what it promises to refuse, on scratch components."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
PARTS = ('Makefile', 'mk', 'configs', 'scripts', '.clang-format',
         '.clang-tidy')
TWO_LAYERS = 'LAYERS=0:base 1:core/low 1:core/twin 2:core/high'


class Scratch(unittest.TestCase):
    """A tree with the real build files and three tiny components."""

    def setUp(self):
        self.top = tempfile.mkdtemp(prefix='tenon-build-')
        self.addCleanup(shutil.rmtree, self.top)
        for part in PARTS:
            source = os.path.join(TOP, part)
            copy = shutil.copytree if os.path.isdir(source) else shutil.copy
            copy(source, os.path.join(self.top, part))
        self.component('base', '', base_h='int base_f(int v);')
        self.write('base/f.c', '#include <base/base.h>\n'
                   'int base_f(int v)\n{\n\treturn v + 1;\n}\n')
        self.component('core/low', 'base', low_h='int low_f(int v);')
        self.write('core/low/f.c', '#include <base/base.h>\n'
                   '#include <low/low.h>\n'
                   'int low_f(int v)\n{\n\treturn base_f(v);\n}\n')
        self.component('core/high', 'core/low')

    def write(self, name, text):
        path = os.path.join(self.top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)

    def component(self, name, deps, **headers):
        self.write(f'{name}/rules.mk', f'kind := free\ndeps := {deps}\n')
        for header, text in headers.items():
            stem = header[:-2]
            self.write(f'{name}/include/{stem}/{stem}.h',
                       f'#pragma once\n{text}\n')

    def make(self, *args):
        """Runs make; returns (status, all output)."""
        p = subprocess.run(['make', '-C', self.top, TWO_LAYERS, *args],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True, timeout=300, check=False)
        return p.returncode, p.stdout

    def object(self, config, name):
        path = os.path.join(self.top, 'build', config, 'obj', name)
        return os.stat(path).st_mtime_ns


class Layers(Scratch):
    def test_declared_includes_compile(self):
        status, out = self.make('host', 'aarch64')
        self.assertEqual(status, 0, out)

    def test_undeclared_include_does_not_compile(self):
        self.write('core/high/f.c', '#include <base/base.h>\n')
        status, out = self.make('host')
        self.assertNotEqual(status, 0)
        self.assertIn('base/base.h: No such file', out)

    def test_upward_dependency_stops_make_naming_both_layers(self):
        self.component('core/low', 'base core/high')
        status, out = self.make('help')
        self.assertNotEqual(status, 0)
        self.assertIn('layers: core/low (layer 1) must not depend on '
                      'core/high (layer 2)', out)

    def test_sideways_dependency_must_be_agreed(self):
        self.component('core/twin', 'core/low')
        status, out = self.make('help')
        self.assertNotEqual(status, 0)
        self.assertIn('core/twin (layer 1) must not depend on core/low', out)
        status, out = self.make('help', 'SIDEWAYS=core/twin:core/low')
        self.assertEqual(status, 0, out)

    def test_unknown_dependency_is_named(self):
        self.component('core/low', 'base nowhere')
        status, out = self.make('help')
        self.assertNotEqual(status, 0)
        self.assertIn('core/low depends on nowhere', out)

    def test_host_components_stay_out_of_bare_configurations(self):
        self.write('core/high/rules.mk', 'kind := host\ndeps := base\n')
        self.write('core/high/f.c', '#include <stdlib.h>\n')
        status, out = self.make('host', 'x86_64', 'aarch64')
        self.assertEqual(status, 0, out)

    def test_host_header_is_invisible_to_freestanding_code(self):
        self.write('base/f.c', '#include <stdio.h>\n')
        status, out = self.make('host')
        self.assertNotEqual(status, 0)
        self.assertIn('stdio.h', out)


class Only(unittest.TestCase):
    """What `make test ONLY=TEXT` would build, had nothing been built."""

    def built(self, text):
        """The files below build/ that a compiler writes."""
        done = subprocess.run(
            ['make', '-C', TOP, '-n', '-B', 'V=1', 'test', f'ONLY={text}'],
            capture_output=True, text=True, timeout=300, check=True)
        return set(re.findall(r' -o build/(\S+)', done.stdout))

    def test_programs_that_need_no_other_come_alone(self):
        built = self.built('host/test-core-elf')
        self.assertIn('host/bin/test-core-elf', built)
        self.assertEqual([f for f in built if not re.match(
            'host/(obj/(base|test|core/elf)/|bin/test-core-elf$)', f)], [])
        self.assertEqual(self.built('no-such-suite'), set())

    def test_all_others_find_what_they_look_at(self):
        for text in ('host/test-core-mod', 'tools/test/test_run.py', 'test'):
            built = self.built(text)
            for other in ('host/bin/tenon', 'host-asan/bin/test-core-elf'):
                self.assertIn(other, built, text)


class Freestanding(Scratch):
    def test_own_symbols_and_mem_functions_pass(self):
        status, out = self.make('freestanding')
        self.assertEqual(status, 0, out)

    def test_libc_call_is_caught_on_the_object(self):
        self.write('base/f.c', 'int puts(const char *s);\n'
                   'int base_f(int v);\n'
                   'int base_f(int v)\n{\n\treturn puts("x") + v;\n}\n')
        for config in 'host', 'aarch64', 'riscv64', 'x86_64':
            status, out = self.make(f'freestanding-{config}')
            self.assertNotEqual(status, 0)
            self.assertIn(f'build/{config}/obj/base/f.o: calls puts', out)


class Rebuild(Scratch):
    def setUp(self):
        super().setUp()
        status, out = self.make('host')
        self.assertEqual(status, 0, out)
        self.base = self.object('host', 'base/f.o')
        self.low = self.object('host', 'core/low/f.o')

    def test_nothing_changed_builds_nothing(self):
        status, out = self.make('host')
        self.assertEqual(status, 0, out)
        self.assertNotIn(' CC ', out)
        self.assertEqual(self.object('host', 'base/f.o'), self.base)

    def test_changed_flags_rebuild(self):
        self.make('host', 'EXTRA_CFLAGS=-DCHANGED')
        self.assertGreater(self.object('host', 'base/f.o'), self.base)

    def test_changed_header_rebuilds_its_users(self):
        self.write('core/low/include/low/low.h',
                   '#pragma once\nint low_f(int value);\n')
        self.make('host')
        self.assertEqual(self.object('host', 'base/f.o'), self.base)
        self.assertGreater(self.object('host', 'core/low/f.o'), self.low)

    def test_flags_of_one_component_leave_the_others(self):
        with open(os.path.join(self.top, 'core/low/rules.mk'), 'a',
                  encoding='utf-8') as f:
            f.write('cflags := -DMINE\n')
        self.make('host')
        self.assertEqual(self.object('host', 'base/f.o'), self.base)
        self.assertGreater(self.object('host', 'core/low/f.o'), self.low)


class Tidy(Scratch):
    def test_finds_and_looks_again_only_at_what_has_changed(self):
        status, out = self.make('tidy')
        self.assertEqual(status, 0, out)
        self.assertEqual(self.looked_at(out), ['base/f.c', 'core/low/f.c'])
        self.assertEqual(self.looked_at(self.make('tidy')[1]), [])
        self.write('core/low/include/low/low.h',
                   '#pragma once\nint low_f(int number);\n')
        status, out = self.make('tidy')
        self.assertEqual(self.looked_at(out), ['core/low/f.c'])
        self.assertNotEqual(status, 0)
        self.assertIn("function 'low_f' has a definition with different "
                      "parameter names", out)

    def looked_at(self, out):
        return sorted(line.split()[1] for line in out.splitlines()
                      if line.startswith('  TIDY '))


class FreshMachine(Scratch):
    """Before setup there is no compiler and no Python."""

    def fake(self, name, text):
        path = os.path.join(self.top, 'fake', name)
        self.write(f'fake/{name}', f'#!/bin/sh\n{text}\n')
        os.chmod(path, 0o755)

    def run_setup(self):
        env = dict(os.environ, PATH=f'{self.top}/fake:/usr/bin:/bin')
        return subprocess.run(['sh', 'scripts/setup.sh', 'mk/packages.txt'],
                              cwd=self.top, env=env, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def test_make_reads_its_files_without_any_compiler(self):
        for tool in 'gcc', 'clang', 'python3', 'aarch64-linux-gnu-gcc':
            self.fake(tool, f'echo called {tool}; exit 99')
        env = dict(os.environ, PATH=f'{self.top}/fake:/usr/bin:/bin')
        p = subprocess.run(['make', '-C', self.top, TWO_LAYERS, 'help'],
                           env=env, text=True, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, check=False)
        self.assertEqual(p.returncode, 0, p.stdout)
        self.assertNotIn('called', p.stdout)

    def test_a_user_is_told_the_exact_command(self):
        self.fake('dpkg-query', '[ "$4" = kmod ] || echo installed')
        self.fake('id', 'echo 1000')
        self.fake('apt-get', 'echo must not run')
        p = self.run_setup()
        self.assertEqual(p.returncode, 1)
        self.assertIn('sudo apt-get install -y --no-install-recommends kmod\n',
                      p.stdout)
        self.assertNotIn('must not run', p.stdout)

    def test_a_package_that_was_purged_is_missing(self):
        for state in 'not-installed', 'half-installed', 'config-files':
            self.fake('dpkg-query', f'[ "$4" = kmod ] && echo {state} '
                      '|| echo installed')
            self.fake('id', 'echo 1000')
            p = self.run_setup()
            self.assertEqual(p.returncode, 1, state)
            self.assertIn('--no-install-recommends kmod\n', p.stdout)

    def test_root_installs_what_is_missing(self):
        self.fake('dpkg-query', '[ "$4" = kmod ] || echo installed')
        self.fake('id', 'echo 0')
        self.fake('apt-get', 'echo "apt-get $*"')
        p = self.run_setup()
        self.assertEqual(p.returncode, 0)
        self.assertIn('apt-get install -y --no-install-recommends kmod ',
                      p.stdout)

    def test_a_complete_machine_is_left_alone_silently(self):
        self.fake('dpkg-query', 'echo installed')
        self.fake('apt-get', 'echo must not run')
        p = self.run_setup()
        self.assertEqual((p.returncode, p.stdout), (0, ''))


if __name__ == '__main__':
    unittest.main()
