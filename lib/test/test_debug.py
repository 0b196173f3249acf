# SPDX-License-Identifier: MIT
"""What debuggers and profilers see of modules, with the real tools.

A program (debug/driver.c) is linked against libtenon as its users would, and
loads a module (debug/crasher.c) that the author's kit has built with -g.
"""
import glob
import gzip
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import child

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get('TENON_BUILD', os.path.join(TOP, 'build'))
SOURCE = os.path.join(HERE, 'debug', 'crasher.c')
INCLUDES = (glob.glob(os.path.join(TOP, '*', 'include')) +
            glob.glob(os.path.join(TOP, 'core', '*', 'include')))
MACHINE = os.uname().machine


def run(*argv, check=True, **more):
    p = subprocess.run(argv, capture_output=True, text=True, timeout=300,
                       **more)
    if check and p.returncode != 0:
        raise AssertionError(f'{argv}: {p.returncode}\n{p.stdout}{p.stderr}')
    return p


def line_of(mark):
    with open(SOURCE) as f:
        for number, line in enumerate(f, 1):
            if f'LINE {mark} ' in line:
                return number
    raise AssertionError(mark)


def no_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Debug(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix='tenon-debug-')
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        cls.driver = cls.build_driver()
        cls.module = cls.build_module('crasher', SOURCE)
        cls.plain = cls.build_module(
            'plain', os.path.join(HERE, 'debug', 'plain.c'))

    @classmethod
    def path(cls, *names):
        return os.path.join(cls.dir, *names)

    @classmethod
    def build_driver(cls):
        out = cls.path('driver')
        run('gcc', '-g', '-O1', '-fno-omit-frame-pointer', '-D_GNU_SOURCE',
            *(f'-I{i}' for i in INCLUDES),
            os.path.join(HERE, 'debug', 'driver.c'),
            os.path.join(BUILD, 'host/lib/libtenon.a'), '-lpthread', '-lz',
            '-llzma', '-lzstd', '-o', out)
        return out

    @classmethod
    def build_module(cls, name, source):
        folder = cls.path(name)
        os.mkdir(folder)
        shutil.copy(source, os.path.join(folder, f'{name}.c'))
        with open(os.path.join(folder, 'Makefile'), 'w') as f:
            f.write(f'MODULE := {name}\nMODULE_CFLAGS := -g\n'
                    f'include {TOP}/mk/module.mk\n')
        run('make', '-C', folder, f'TENON={BUILD}/host/bin/tenon')
        return os.path.join(folder, 'build', MACHINE, 'common', f'{name}.ko')

    def drive(self, *words, check=True):
        return run(self.driver, *words, check=check, preexec_fn=no_core)

    def gdb(self, words, *commands):
        options = []
        for c in ('set pagination off', 'set confirm off',
                  'set debuginfod enabled off', *commands):
            options += ['-ex', c]
        # Its status is that of the last command.
        p = run('gdb', '-nx', '-batch', *options, '--args', self.driver,
                *words, check=False)
        return p.stdout + p.stderr


class Gdb(Debug):
    def test_breakpoint_by_source_line_and_backtrace_with_lines(self):
        out = self.gdb(
            ('jit', f'load={self.module}', 'sum=3'),
            'set breakpoint pending on',
            f'break crasher.c:{line_of("square")}', 'run', 'bt',
            'print x', 'continue', 'print x')
        self.assertRegex(out, r'square \(x=[^)]*1\) at .*crasher\.c:'
                              rf'{line_of("square")}')
        self.assertRegex(out, r'#1 .* in crasher_sum \(n=3\) at .*crasher\.c:'
                              rf'{line_of("sum")}')
        self.assertRegex(out, r'#\d+ .*main ')
        self.assertIn('$2 = 2', out)

    def test_an_unloaded_module_is_forgotten(self):
        out = self.gdb(('jit', f'load={self.module}', 'unload', 'abort'),
                       'run', 'info line crasher_sum')
        self.assertIn('unload 0', out)
        self.assertIn('Function "crasher_sum" not defined', out)

    COUNT = ('python print("entries", sum("in-memory" in o.filename '
             'for o in gdb.objfiles()))')

    def test_modules_are_told_in_batches(self):
        """Breakpoints, lines and variables work in any of them; what is
        unloaded is forgotten, the rest of its batch is not."""
        line = line_of('square')
        out = self.gdb(
            ('jit', f'load={self.module}', f'file={self.plain}', 'many=600',
             'sum=3', 'unload=copy7', 'unload=copy300', 'sum=5',
             'unload=crasher', 'abort'),
            'set breakpoint pending on', f'break crasher.c:{line}', 'run',
            self.COUNT, 'bt', 'info line plain_exit', 'delete',
            'break crasher_sum', 'continue', self.COUNT,
            'print "after"', 'info line plain_exit', 'print count',
            'continue', 'info line crasher_sum', 'info line plain_exit')
        first, after, last = re.split(r'"after"|SIGABRT', out)
        self.assertRegex(first, rf'#0  square \(x=[^)]*1\) at .*:{line}')
        self.assertRegex(first, r'#1 .* in crasher_sum \(n=3\) at ')
        exits = r'Line 17 of ".*plain\.c" starts at address (0x\w+)'
        self.assertEqual(len(set(re.findall(exits, first))), 600)
        self.assertEqual(len(set(re.findall(exits, after))), 598)
        self.assertEqual(len(set(re.findall(exits, last))), 598)
        self.assertIn('Breakpoint 2, crasher_sum (n=5)', first)
        self.assertIn('= 1\n', after)
        self.assertIn('Function "crasher_sum" not defined', last)
        for entries in re.findall(r'entries (\d+)', out):
            self.assertLessEqual(int(entries), 100)

    def test_a_breakpoint_does_not_outlive_its_module(self):
        """Its place may hold something else then."""
        out = self.gdb(
            ('jit', f'load={self.module}', 'sum=1', 'unload=crasher',
             f'load={self.plain}', f'load={self.module}', 'sum=2', 'abort'),
            'set breakpoint pending on', 'break square', 'run', 'continue',
            'continue', 'continue')
        self.assertEqual(out.count('Breakpoint 1, square'), 3, out)
        self.assertNotIn('Cannot', out)
        self.assertIn('SIGABRT', out)

    def test_without_the_option_gdb_knows_nothing(self):
        out = self.gdb((f'load={self.module}', 'abort'), 'run',
                       'info line crasher_sum')
        self.assertIn('Function "crasher_sum" not defined', out)

    def test_the_helper_lists_modules_and_loads_their_symbols(self):
        out = self.gdb(
            ('keep', f'load={self.module}', 'abort'),
            f'source {TOP}/scripts/gdb/tenon.py', 'run', 'tenon modules',
            'tenon symbols', 'info line crasher_sum')
        self.assertRegex(out, r'crasher +0x[0-9a-f]+ .*crasher\.ko')
        self.assertRegex(out, r'Line \d+ of ".*crasher\.c" starts at')

    def test_the_helper_says_which_module_is_not_there(self):
        out = self.gdb(
            ('keep', f'load={self.module}', 'abort'),
            f'source {TOP}/scripts/gdb/tenon.py', 'run',
            'tenon symbols absent')
        self.assertIn('tenon: no module absent is loaded', out)

    def test_a_stop_at_the_hook_shows_event_and_module(self):
        out = self.gdb((f'load={self.module}',), 'break tn_debug_event',
                       'run', 'bt 1')
        self.assertRegex(out, r'tn_debug_event \(event=\S*TN_EVENT_LOADED')

    def test_the_helper_lists_a_thousand_modules(self):
        out = self.gdb(
            ('keep', f'file={self.plain}', 'many=1000', 'abort'),
            f'source {TOP}/scripts/gdb/tenon.py', 'handle SIGABRT nopass',
            'break abort', 'run', 'tenon modules')
        self.assertEqual(len(re.findall(r'copy\d+ +0x', out)), 1000)


class Perf(Debug):
    def map_of(self, *words):
        p = child.start(self, (self.driver, *words), stdout=subprocess.PIPE,
                        text=True)
        p.communicate(timeout=60)
        self.assertEqual(p.returncode, 0)
        name = f'/tmp/perf-{p.pid}.map'
        self.addCleanup(lambda: os.path.exists(name) and os.remove(name))
        return name

    def test_the_map_stays_and_has_a_line_for_each_function(self):
        with open(self.map_of('perf', f'load={self.module}', 'unload')) as f:
            lines = f.read().splitlines()
        names = {}
        for line in lines:
            self.assertRegex(line, r'^[0-9a-f]+ [0-9a-f]+ \w+ \[crasher\]$')
            start, size, name, _ = line.split()
            names[name] = int(start, 16), int(size, 16)
        self.assertLessEqual({'poke', 'square', 'crasher_sum',
                              'crasher_poke'}, set(names))
        self.assertGreater(names['crasher_sum'][1], 0)

    def test_a_name_makes_no_line_of_its_own(self):
        with open(self.module, 'rb') as f:
            data = f.read()
        os.mkdir(self.path('forged'))
        forged = self.path('forged/crasher.ko')
        with open(forged, 'wb') as f:
            f.write(data.replace(b'\0square\0', b'\0squ\n1 \0'))
        with open(self.map_of('perf', f'load={forged}', 'unload')) as f:
            lines = f.read()
        self.assertIn('crasher_sum', lines)
        for line in lines.splitlines():
            self.assertRegex(line, r'^[0-9a-f]+ [0-9a-f]+ \w+ \[crasher\]$')

    def test_a_link_in_the_way_is_not_followed(self):
        target = self.path('victim')
        with open(target, 'w') as f:
            f.write('precious')
        script = ('import os,sys; path = "/tmp/perf-%d.map" % os.getpid(); '
                  'os.path.lexists(path) and os.remove(path); '
                  'os.symlink(sys.argv[1], path); '
                  'os.execv(sys.argv[2], sys.argv[2:])')
        p = child.start(self, (sys.executable, '-c', script, target,
                               self.driver, 'perf', f'load={self.module}'))
        self.addCleanup(os.remove, f'/tmp/perf-{p.pid}.map')
        self.assertEqual(p.wait(60), 0)
        with open(target) as f:
            self.assertEqual(f.read(), 'precious')

    def test_perf_names_functions_of_modules(self):
        data = self.path('perf.data')
        record = ('perf', 'record', '-q', '-o', data, '-e', 'cpu-clock',
                  self.driver, 'perf', f'load={self.module}', 'sum=100000000')
        if not shutil.which('perf') or run(*record, check=False).returncode:
            self.skipTest('perf cannot record here')
        out = run('perf', 'report', '-i', data, '--stdio').stdout
        self.assertRegex(out, r'(crasher_sum|square) \[crasher\]')
        pid = re.search(r'\[JIT\] tid (\d+)', out)
        if pid:
            os.remove(f'/tmp/perf-{pid[1]}.map')


class Crash(Debug):
    def crash(self, *words):
        return self.drive(*words, check=False)

    def test_a_fault_in_a_module_is_reported_with_function_and_line(self):
        p = self.crash('keep', 'lines', f'load={self.module}', 'poke=0x10')
        self.assertEqual(p.returncode, -signal.SIGSEGV, p.stderr)
        self.assertIn('tenon: crash: SIGSEGV at address 0x10', p.stderr)
        self.assertRegex(p.stderr, r'#0 .* poke\+0x[0-9a-f]+/0x[0-9a-f]+ '
                                   r'\[crasher\]')
        self.assertRegex(p.stderr, rf'poke at .*crasher\.c:{line_of("poke")}')
        self.assertRegex(p.stderr, r'#1 .* crasher_poke\+0x\S+ \[crasher\]')
        self.assertRegex(p.stderr,
                         rf'crasher_poke at .*crasher\.c:{line_of("call")}')
        self.assertRegex(p.stderr, r'#\d+ .*/driver\+0x')
        self.assertIn('  modules: crasher\n', p.stderr)
        self.assertIn('last unloaded: none', p.stderr)

    def test_without_lines_the_command_for_them_is_printed_and_works(self):
        p = self.crash('keep', 'crash', f'load={self.module}', 'poke=0x10')
        command = re.search(r'addr2line .*', p.stderr)
        self.assertTrue(command, p.stderr)
        out = run(*command[0].split()).stdout
        self.assertRegex(out, rf'poke at .*crasher\.c:{line_of("poke")}')

    def test_a_packed_file_is_not_asked_for_lines(self):
        packed = self.path('crasher.ko.gz')
        with open(self.module, 'rb') as f, gzip.open(packed, 'wb') as to:
            to.write(f.read())
        for way in 'lines', 'crash':
            p = self.crash('keep', way, f'load={packed}', 'poke=0x10')
            self.assertEqual(p.returncode, -signal.SIGSEGV, p.stderr)
            self.assertRegex(p.stderr, r'#0 .* poke\+0x\S+ \[crasher\]\n  #1 ')
            self.assertNotIn('addr2line', p.stderr)

    def test_for_a_file_that_is_lost_the_command_is_printed(self):
        lost = self.path('lost.ko')
        shutil.copy(self.module, lost)
        p = self.crash('keep', 'lines', f'load={lost}', f'rm={lost}',
                       'poke=0x10')
        self.assertEqual(p.returncode, -signal.SIGSEGV, p.stderr)
        self.assertIn(f' addr2line -fpiC -e {lost} ', p.stderr)
        self.assertNotIn('No such file', p.stderr)

    def test_exports_alone_name_the_nearest(self):
        p = self.crash('crash', f'load={self.module}', 'poke=0x10')
        self.assertRegex(p.stderr, r'#1 .* crasher_poke\+0x\S+ \[crasher\]')
        self.assertNotIn('addr2line', p.stderr)

    def test_the_handler_that_was_there_runs_afterwards(self):
        p = self.crash('previous', 'crash', f'load={self.module}', 'poke=8')
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn('tenon: crash: SIGSEGV', p.stderr)
        self.assertEqual(p.stdout, f'previous handler of '
                                   f'{int(signal.SIGSEGV)}\nwent on\n')

    def test_an_overflown_stack_is_reported_from_another_one(self):
        p = self.crash('crash', f'load={self.module}', 'unload', 'overflow')
        self.assertEqual(p.returncode, -signal.SIGSEGV)
        self.assertIn('and again', p.stderr)
        self.assertIn('last unloaded: crasher\n', p.stderr)

    def test_a_jump_into_nothing_names_its_caller(self):
        p = self.crash('crash', 'jump=0x10')
        self.assertIn('#0   0x0000000000000010 (no code)', p.stderr)
        self.assertRegex(p.stderr, r'#1 .*/driver\+0x')

    def test_abort_ends_as_it_would_have(self):
        p = self.crash('crash', 'abort')
        self.assertEqual(p.returncode, -signal.SIGABRT)
        self.assertIn('tenon: crash: SIGABRT, process', p.stderr)

    def test_a_signal_from_outside_ends_it_too(self):
        p = child.start(self, (self.driver, 'crash', 'wait'), text=True,
                        stderr=subprocess.PIPE, stdout=subprocess.PIPE,
                        preexec_fn=no_core)
        p.stdout.readline()  # "waiting"
        p.send_signal(signal.SIGBUS)
        self.assertIn('tenon: crash: SIGBUS', p.communicate(timeout=60)[1])
        self.assertEqual(p.returncode, -signal.SIGBUS)
