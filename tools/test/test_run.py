# SPDX-License-Identifier: MIT
"""`tenon run` in full: parameters, actions, Ctrl-C, JSON, terminals."""
import contextlib
import json
import os
import pty
import shutil
import signal
import subprocess
import time
import unittest

import child
from test_tools import ARCH, Case, TENON, TOP, module, tenon

COMMON = os.path.dirname(module('hello'))
HOSTED = os.path.dirname(module('hello', profile='hosted'))
SLEEPER = module('sleeper', profile='hosted')


def events(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def run(*args):
    return tenon('run', '-L', COMMON, *args)


class Actions(Case):
    def assertWorks(self, done, *says):
        self.assertEqual(done.returncode, 0, done.stderr)
        for text in says:
            self.assertIn(text, done.stdout)

    def test_parameters_stand_behind_their_module(self):
        """As insmod takes them."""
        done = run('greeter', 'word=two words', 'times=2', 'guest',
                   '--get', 'greeter.word', '--get', 'greeter.times')
        self.assertWorks(done, 'greeter.word = two words',
                         'greeter.times = 2')
        self.assertEqual(done.stderr.count('two words, guest!'), 2)

    def test_a_parameter_is_set_while_the_module_runs(self):
        done = run('greeter', '--set', 'greeter.times=0x3',
                   '--get', 'greeter.times')
        self.assertWorks(done, 'greeter.times = 3')

    def test_a_wrong_parameter_refuses_the_load(self):
        self.assertRefused(run('greeter', 'times=6'),
                           'parameter times: 6 is not within 1 to 5')
        self.assertRefused(run('greeter', 'tims=2'), "'tims' (nearest: times)")
        self.assertRefused(run('times=2', 'greeter'),
                           'a parameter stands behind its module', status=2)

    def test_a_wrong_setting_changes_nothing_and_fails(self):
        for text, says in (('greeter.times=9', 'not within 1 to 5'),
                           ('greeter.word=x', 'cannot be set'),
                           ('greeter.no=1', "no parameter 'no'"),
                           ('absent.x=1', 'no module absent is loaded')):
            done = run('greeter', '--set', text, '--list')
            self.assertEqual(done.returncode, 1, text)
            self.assertIn(says, done.stderr)
            self.assertNotIn('Used by', done.stdout)
            self.assertIn('unloaded greeter', done.stdout)
        done = run('greeter', '--get', 'greeter.no')
        self.assertEqual(done.returncode, 1)
        self.assertIn("shows no parameter 'no'", done.stderr)

    def test_a_value_that_cannot_be_read_is_told_from_no_parameter(self):
        with open(self.path('lost.c'), 'w', encoding='ascii') as f:
            f.write('#include <tenon/module.h>\n'
                    'static char *word = "a"; module_param(word, charp, 0644);'
                    'int lost_do(void); int lost_do(void)'
                    '{ word = (char *)8; return 1; }\n'
                    'EXPORT_SYMBOL(lost_do); MODULE_LICENSE("MIT");')
        self.assertEqual(tenon('cc', 'lost.c', cwd=self.dir).returncode, 0)
        says = "lost: the value of parameter 'word' cannot be read"
        done = tenon('run', self.path('lost.ko'), '--call', 'lost_do',
                     '--get', 'lost.word')
        self.assertEqual(done.returncode, 1)
        self.assertIn(says, done.stderr)
        done = tenon('shell', '-c', f'insmod {self.path("lost.ko")}', '-c',
                     'call lost_do', '-c', 'get lost.word')
        self.assertEqual(done.returncode, 1)
        self.assertIn(says, done.stderr)

    def test_what_is_stopped_is_not_called_absent(self):
        for action in (('--set', 'sleeper.exit_ms=1'),
                       ('--call', 'sleeper_sleep,0')):
            done = run(SLEEPER, '--stop', 'sleeper', *action)
            self.assertEqual(done.returncode, 1)
            self.assertIn('sleeper', done.stderr)
            self.assertIn('stopped', done.stderr)
            self.assertNotIn('not loaded', done.stderr)
            self.assertNotIn('no module', done.stderr)

    def test_a_parameter_may_come_without_a_value(self):
        """As insmod takes it, for a bool; a module of that name goes first."""
        done = run('params', 'verbose', '--get', 'params.verbose')
        self.assertWorks(done, 'params.verbose = Y')
        self.assertRefused(run('greeter', 'times'),
                           'parameter times: it needs a value of type uint')
        self.assertRefused(run('greeter', 'tims'),
                           'no file found for module tims',
                           'greeter has no parameter of that name')
        done = run('greeter', 'word=x', 'guest', '--list')
        self.assertWorks(done, 'loaded guest')

    def test_a_module_is_named_once(self):
        file = module('greeter')
        for words in (('greeter', 'greeter'), (file, 'greeter'),
                      (file, file), (file, os.path.join(
                          os.path.dirname(file), '.', 'greeter.ko'))):
            self.assertRefused(run(*words), 'greeter is named twice')
        other = self.path('other.ko')
        shutil.copy(file, other)
        self.assertRefused(run(file, other),
                           f'{file} and {other} are both called greeter')
        self.assertWorks(run('guest', file))

    def test_actions_are_done_in_their_order(self):
        done = run('guest', '--call', 'guest_visit', '--set',
                   'greeter.times=2', '--call', 'guest_visit')
        lines = [x for x in done.stdout.splitlines() if '=' in x]
        self.assertEqual(lines, ['guest_visit() = 1', 'greeter.times = 2',
                                 'guest_visit() = 2'])

    def test_syntax_is_checked_before_anything_is_loaded(self):
        for action in (('--call', 'hello_add,x'), ('--call', ''),
                       ('--call', 'hello_add,1,2,3,4,5,6,7'),
                       ('--call', ',1'), ('--call', 'f,'),
                       ('--call', 'f, 1'), ('--call', 'f,08'),
                       ('--call', 'f,99999999999999999999'),
                       ('--set', 'a'), ('--set', 'a.b'), ('--set', '.b=1'),
                       ('--get', 'a'), ('--get', 'a.'), ('--unload', ''),
                       ('--ledger=',)):
            done = run('hello', *action)
            self.assertEqual(done.returncode, 2, action)
            self.assertIn(f'tenon run: {action[0].rstrip("=")}', done.stderr)
            self.assertEqual(done.stdout, '', action)

    def test_integers_are_decimal_hexadecimal_or_octal(self):
        done = run('hello', '--call', 'hello_add,0x10,010', '--call',
                   'hello_add,-0x1,0xffffffffffffffff')
        self.assertWorks(done, 'hello_add(16, 8) = 24',
                         'hello_add(-1, -1) = -2')

    def test_functions_of_shared_objects_are_called_and_data_is_not(self):
        path = self.path('blob.so')
        subprocess.run(['gcc', '-shared', '-nostdlib', '-fPIC', '-x', 'c', '-',
                        '-o', path], text=True, check=True,
                       input='int blob_data = 1; int blob_twice(long n) '
                             '{ return (int)(2 * n); }')
        done = tenon('run', '--unmarked', path, '--call', 'blob_twice,21')
        self.assertWorks(done, 'blob_twice(21) = 42')
        done = tenon('run', '--unmarked', path, '--call', 'blob_data')
        self.assertEqual(done.returncode, 1)
        self.assertIn("'blob_data' of blob is data", done.stderr)

    def test_a_busy_module_is_not_unloaded_and_its_user_is_named(self):
        """proves: L16 L19 L20"""
        done = run('guest', '--unload', 'greeter')
        self.assertEqual(done.returncode, 1)
        self.assertIn('Module greeter is in use by guest', done.stderr)
        self.assertEqual(done.stdout.splitlines()[-2:],
                         ['unloaded guest', 'unloaded greeter'])

    def test_modules_are_unloaded_on_request(self):
        done = run('guest', '--unload', 'guest', '--unload', 'greeter.ko')
        self.assertWorks(done)
        self.assertEqual(done.stdout.count('unloaded'), 2)
        done = run('guest', '--unload', 'guest', '--unload', 'guest')
        self.assertEqual(done.returncode, 1)
        self.assertIn('no module guest is loaded', done.stderr)

    def test_modules_are_stopped_and_started(self):
        """Of a module that DEFINE_MODULE has made. proves: H07"""
        done = run('lifecycle', '--stop', 'lifecycle', '--list', '--start',
                   'lifecycle', '--call', 'lifecycle_steps')
        self.assertWorks(done, 'stopped lifecycle', 'started lifecycle',
                         'lifecycle_steps() = 1232')
        self.assertRegex(done.stdout, r'lifecycle +- +stopped')
        done = run('lifecycle', '--start', 'lifecycle')
        self.assertEqual(done.returncode, 1)
        self.assertIn('while it is running', done.stderr)

    def test_the_list_has_a_line_for_each_module(self):
        done = run('guest', '--list')
        self.assertWorks(done)
        self.assertRegex(done.stdout,
                         r'(?m)^Module +Version +State +Bytes +Refs Used by$')
        self.assertRegex(done.stdout,
                         r'(?m)^greeter +1\.4 +running +\d+ +1 guest$')

    def test_the_ledger_says_what_a_module_holds(self):
        done = run('guest', '--ledger')
        self.assertWorks(done, 'greeter holds:\n  export     greeter_greet',
                         'guest holds:', 'import     greeter')
        done = run('guest', '--ledger=guest')
        self.assertNotIn('greeter holds', done.stdout)
        done = run('ticker', '--ledger')
        self.assertWorks(done, 'ticker holds:\n  interface  test/ticker\n')
        self.assertIn('bond       test/leaky  taken in its init\n',
                      run('leaky', '--ledger').stdout)
        held = {e['class'] for e in events(run('leaky', '--ledger', '--json'))
                if e['event'] == 'holds'}
        self.assertLessEqual({'memory', 'timer', 'work', 'thread', 'callback'},
                             held)

    def test_nothing_is_left(self):
        self.assertWorks(run('guest', '--verify-free'), '\nfree\n')
        done = run('permanent', '--verify-free')
        self.assertEqual(done.returncode, 1)
        self.assertIn('1 modules and 1 exports', done.stderr)

    def test_a_version_that_is_too_old_is_refused(self):
        """proves: H22"""
        self.assertRefused(run('newer'),
                           'newer: needs greeter >= 2; present is 1.4')

    def test_a_failing_init_leaves_nothing(self):
        """proves: L17 L18"""
        for step in range(1, 5):
            done = run('unwind', f'fail_at={step}', '--verify-free')
            self.assertRefused(done, 'unwind: init failed with -12')
            self.assertEqual(done.stderr.count('taken'), step - 1)
            self.assertEqual(done.stderr.count('given back'), step - 1)
        self.assertWorks(run('unwind'))

    def test_dashes_in_names_are_underscores(self):
        self.assertWorks(run('common-bss', '--unload', 'common-bss'),
                         'loaded common_bss')

    def test_archives_are_explained(self):
        path = self.compile('a.o', 'int x;')
        subprocess.run(['ar', 'rc', self.path('liba.a'), path], check=True)
        self.assertRefused(tenon('run', self.path('liba.a')),
                           'is an archive', '`ld -r`')
        self.assertRefused(tenon('link', self.path('liba.a'), '--at', '0',
                                 '-o', self.path('i')), 'is an archive')

    def test_a_link_without_symbols_says_where_they_come_from(self):
        done = tenon('link', module('hello'), '--at', '0', '-o',
                     self.path('i'))
        self.assertRefused(done, 'printk', '--symbols')


class Tree(Case):
    """A depmod tree: lib/modules/VERSION/kernel/..., modules.dep on top."""

    def setUp(self):
        super().setUp()
        self.tree = self.path('lib/modules/1.0')
        for folder, name in (('kernel/lib', 'greeter'),
                             ('kernel/drivers/x', 'guest'),
                             ('kernel/drivers', 'common_bss')):
            os.makedirs(os.path.join(self.tree, folder), exist_ok=True)
            shutil.copy(module(name), os.path.join(self.tree, folder))
        subprocess.run(['depmod', '-b', self.dir, '1.0'], check=True,
                       capture_output=True,
                       env={'PATH': '/usr/sbin:/sbin:/usr/bin:/bin'})

    def test_by_the_modules_dep_above_the_file(self):
        """proves: L15"""
        user = os.path.join(self.tree, 'kernel/drivers/x/guest.ko')
        done = tenon('run', user)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('loaded greeter', done.stdout)
        done = tenon('run', 'guest.ko', cwd=os.path.dirname(user))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_by_name_in_the_tree(self):
        done = tenon('run', '-L', self.tree, 'guest', 'common-bss')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([x.split()[1].strip(',')
                          for x in done.stdout.splitlines()],
                         ['common_bss', 'greeter', 'guest',
                          'guest', 'greeter', 'common_bss'])

    def test_of_a_file_that_says_nothing(self):
        """modules.dep names what it needs, at any depth."""
        os.makedirs(self.path('t/sub'))
        for name in ('t/top.o', 't/sub/mid.o', 't/sub/low.o'):
            self.compile(name, 'int x;')
        with open(self.path('t/modules.dep'), 'w') as f:
            f.write('nonsense\ntop.o: sub/mid.o sub/low.o\n'
                    'sub/mid.o: sub/low.o\nsub/low.o:\n')
        done = tenon('run', '--unmarked', self.path('t/top.o'))
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in ('top', 'mid', 'low'):
            self.assertIn(f'loaded {name},', done.stdout)
        done = tenon('run', '--unmarked', self.path('t/sub/low.o'))
        self.assertEqual(done.stdout.count('unloaded'), 1)


class Interrupt(Case):
    def start(self, *args, **env):
        return child.start(
            self, [TENON, 'run', '-L', COMMON, *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env={**os.environ, **env})

    def until(self, stream, text):
        for line in stream:
            if text in line:
                return
        self.fail(f'{text!r} was not printed')

    def end(self, process, status, *says):
        out, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, status, err)
        for text in says:
            self.assertIn(text, out + err)

    def test_kept_until_a_signal(self):
        """And then unloaded in the reverse order."""
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143),
                               (signal.SIGHUP, 129)):
            process = self.start('guest', '--keep')
            self.until(process.stdout, 'ready')
            process.send_signal(number)
            self.end(process, status, 'unloaded guest\nunloaded greeter')

    def test_who_was_told_to_ignore_a_hangup_does(self):
        old = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            process = self.start('guest', '--keep')
        finally:
            signal.signal(signal.SIGHUP, old)
        self.until(process.stdout, 'ready')
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        self.end(process, 143, 'unloaded guest\nunloaded greeter')

    def test_in_init_the_rest_is_not_loaded_and_all_is_unloaded(self):
        process = self.start('greeter', SLEEPER, 'init_ms=300', 'hello',
                           '--call', 'hello_add,1,2')
        self.until(process.stderr, 'sleeper: sleeps')
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn('sleeper: its init has not returned', err)
        self.assertNotIn('hello', out)
        self.assertEqual(out.splitlines()[-2:],
                         ['unloaded sleeper', 'unloaded greeter'])

    def test_in_a_function_later_actions_are_not_done(self):
        process = self.start(SLEEPER, '--call', 'sleeper_sleep,200', '--call',
                           'sleeper_sleep,0')
        self.until(process.stderr, 'sleeper: sleeps')
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130, err)
        self.assertEqual(out.count('sleeper_sleep('), 1)
        self.assertIn('unloaded sleeper', out)

    def test_the_second_gives_up_and_names_the_operation_that_hangs(self):
        for operation in ('init', 'start', 'quiesce', 'stop', 'exit'):
            process = self.start(SLEEPER, f'{operation}_ms=60000', '--json')
            self.until(process.stderr, 'sleeper: sleeps')
            process.send_signal(signal.SIGINT)
            self.until(process.stderr, 'interrupted: unloading')
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=30)
            self.assertEqual(process.returncode, 143)
            self.assertIn(f'sleeper: its {operation} has not returned; '
                          'given up', err)
            self.assertEqual(json.loads(out.splitlines()[-1]),
                             {'event': 'gave_up', 'module': 'sleeper',
                              'in': operation})

    def test_what_comes_twice_by_itself_does_not_insist(self):
        """As timeout(1) sends it to its process and to the process's group; and as
        a shell does when its terminal is closed, beside the kernel."""
        for first, second in ((signal.SIGTERM, signal.SIGTERM),
                              (signal.SIGHUP, signal.SIGHUP),
                              (signal.SIGTERM, signal.SIGHUP)):
            process = self.start(SLEEPER, 'exit_ms=300', '--keep')
            self.until(process.stdout, 'ready')
            process.send_signal(first)
            self.until(process.stderr, 'sleeper: sleeps')
            process.send_signal(second)
            self.end(process, 128 + first, 'unloaded sleeper')

    def test_an_echo_that_overtakes_does_not_insist(self):
        """Threads handle both at once, and the first to look at the clock is
        the second to be heeded."""
        preload = self.path('clock.so')
        subprocess.run(
            ['gcc', '-shared', '-fPIC', '-o', preload, os.path.join(
                os.path.dirname(__file__), 'preload/clock.c')], check=True)
        process = self.start(SLEEPER, 'exit_ms=300', '--keep',
                             LD_PRELOAD=preload)
        self.until(process.stdout, 'ready')
        process.send_signal(signal.SIGTERM)
        self.until(process.stderr, 'sleeper: sleeps')
        process.send_signal(signal.SIGTERM)
        self.end(process, 143, 'unloaded sleeper')

    def test_the_same_insists_when_it_comes_later(self):
        process = self.start(SLEEPER, 'exit_ms=60000', '--keep')
        self.until(process.stdout, 'ready')
        process.send_signal(signal.SIGTERM)
        self.until(process.stderr, 'sleeper: sleeps')
        time.sleep(1.1)
        process.send_signal(signal.SIGTERM)
        self.end(process, 143, 'given up')

    def test_the_first_while_an_exit_runs_lets_it_end(self):
        process = self.start(SLEEPER, 'exit_ms=200')
        self.until(process.stderr, 'sleeper: sleeps')
        process.send_signal(signal.SIGINT)
        self.end(process, 130, 'unloaded sleeper')


class Output(Case):
    def test_each_event_is_one_json_object(self):
        done = run('--json', 'guest', '--call', 'guest_visit', '--set',
                   'greeter.times=2', '--get', 'greeter.times', '--list',
                   '--ledger', '--verify-free')
        self.assertEqual(done.returncode, 0, done.stderr)
        got = events(done)
        self.assertEqual([e['event'] for e in got],
                         ['loaded'] * 2 + ['called', 'set', 'get'] +
                         ['module'] * 2 + ['holds'] * 3 +
                         ['unloaded'] * 2 + ['free', 'end'])
        self.assertEqual(got[0]['module'], 'greeter')
        self.assertEqual(got[0]['version'], '1.4')
        self.assertGreater(got[0]['bytes'], 0)
        self.assertEqual(got[2], {'event': 'called', 'symbol': 'guest_visit',
                                  'arguments': [], 'result': 1})
        self.assertEqual(got[4], {'event': 'get', 'module': 'greeter',
                                  'parameter': 'times', 'value': '2'})
        self.assertEqual(got[5]['used_by'], ['guest'])
        self.assertEqual(got[-1], {'event': 'end', 'status': 0})

    def test_a_failure_is_a_sentence_and_its_fields(self):
        done = run('--json', 'guest', '--unload', 'greeter')
        failed = [e for e in events(done) if e['event'] == 'failed']
        self.assertEqual(len(failed), 1)
        self.assertEqual(failed[0]['reason'], 'in_use')
        self.assertEqual(failed[0]['text'],
                         'Module greeter is in use by guest')
        self.assertEqual(failed[0]['error'], -16)
        self.assertEqual(failed[0]['holders'][0]['name'], 'guest')
        self.assertIn(failed[0]['text'], done.stderr)
        done = run('--json', 'missing')
        failed = [e for e in events(done) if e['event'] == 'failed'][0]
        self.assertEqual(failed['reason'], 'missing_symbol')
        self.assertEqual(len(failed['missing']), 4)
        done = run('--json', 'absent')
        self.assertEqual([e['event'] for e in events(done)],
                         ['failed', 'end'])
        self.assertEqual(events(done)[0]['reason'], 'no_file')

    def test_json_is_well_formed_whatever_a_value_holds(self):
        for value in ('say "x"\\', 'gr\u00fc\u00df\t\u4f60\U0001f600', '\x01'):
            done = run('--json', 'greeter', '--set', 'greeter.times=' + value)
            self.assertEqual(done.returncode, 1)
            failed = [e for e in events(done) if e['event'] == 'failed'][0]
            self.assertEqual(failed['other'], value)
        done = subprocess.run(
            [TENON.encode(), b'run', b'--json', b'-L', COMMON.encode(),
             b'\xff\xc0\xed\xa0\x80'], capture_output=True, timeout=60)
        self.assertIn('\ufffd', json.loads(done.stdout.split(b'\n')[0])
                      ['text'])

    def test_a_full_disk_is_a_failure_and_all_is_unloaded(self):
        for flag in ('-v', '--json', '-q'):
            with open('/dev/full', 'w') as full:
                done = subprocess.run(
                    [TENON, 'run', flag, '-L', COMMON, 'guest', '--call',
                     'guest_visit'], stdout=full, stderr=subprocess.PIPE,
                    text=True, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertIn('standard output', done.stderr)
            self.assertIn('greeter: goodbye', done.stderr)

    def test_a_reader_that_leaves_does_not_stop_the_unloading(self):
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run([TENON, 'run', module('hello')], stdout=write,
                              stderr=subprocess.PIPE, text=True, timeout=60)
        os.close(write)
        self.assertEqual(done.returncode, 1)
        self.assertIn('hello: goodbye', done.stderr)

    def terminal(self, *args, **env):
        """What is written to a terminal that is standard error."""
        ours, theirs = pty.openpty()
        out = self.path('out')
        with open(out, 'w') as f:
            done = subprocess.run(
                [TENON, 'run', '-L', COMMON, *args], stdout=f, stderr=theirs,
                timeout=60, env={**os.environ, **env})
        os.close(theirs)
        text = b''
        with contextlib.suppress(OSError):  # EIO: nobody has the other end
            while more := os.read(ours, 4096):
                text += more
        os.close(ours)
        return done.returncode, text.decode()

    def test_colour_is_for_terminals_only(self):
        self.assertNotIn('\033', run('missing').stderr)
        self.assertIn('\033[1;31mtenon run:\033[0m',
                      self.terminal('absent', TERM='xterm', NO_COLOR='')[1])
        self.assertNotIn('\033', self.terminal('absent', NO_COLOR='1')[1])
        for term in ('dumb', ''):
            text = self.terminal('absent', TERM=term, NO_COLOR='')[1]
            self.assertIn('no file found', text)
            self.assertNotIn('\033', text)

    def test_long_work_shows_progress_on_a_terminal(self):
        names = []
        for i in range(20):
            self.compile(f'm{i}.o', '__attribute__((section(".modinfo"), '
                         f'used)) static const char i[] = "name=m{i}";')
            names.append(self.path(f'm{i}.o'))
        status, text = self.terminal('--unmarked', *names, 'absent')
        self.assertEqual(status, 1)
        status, text = self.terminal('--unmarked', *names, 'failing_init',
                                     TERM='xterm')
        self.assertEqual(status, 1)
        self.assertIn('loading 0 of 21', text)
        status, text = self.terminal('--unmarked', *names, 'failing_init',
                                     TERM='dumb')
        self.assertEqual(status, 1)
        self.assertNotIn('loading', text)
        self.assertNotIn('loading', tenon('run', '--unmarked', *names).stderr)


class Crash(Case):
    def test_a_crash_is_reported_with_symbol_and_line(self):
        done = run('crasher', '--call', 'crasher_go,1')
        self.assertEqual(done.returncode, -signal.SIGSEGV)
        self.assertIn('SIGSEGV', done.stderr)
        self.assertRegex(done.stderr, r'read_it\+0x[0-9a-f]+/.* \[crasher\]')
        if shutil.which('addr2line'):
            self.assertRegex(done.stderr, r'crasher\.c:\d+')

    def test_the_report_can_be_left_out(self):
        done = run('--no-crash-report', 'crasher', '--call', 'crasher_go,1')
        self.assertEqual(done.returncode, -signal.SIGSEGV)
        self.assertEqual(done.stderr, '')

    def test_profilers_get_a_map(self):
        done = child.start(
            self, [TENON, 'run', '--perf', '--gdb', '-L', COMMON, 'hello',
                   '--keep'], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        for line in done.stdout:
            if line == 'ready\n':
                break
        path = f'/tmp/perf-{done.pid}.map'
        self.addCleanup(lambda: os.path.exists(path) and os.remove(path))
        with open(path) as f:
            self.assertIn('hello_add', f.read())
        done.send_signal(signal.SIGINT)
        done.communicate(timeout=30)
        self.assertEqual(done.returncode, 130)


if __name__ == '__main__':
    unittest.main()
