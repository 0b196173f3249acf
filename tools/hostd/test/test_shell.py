# SPDX-License-Identifier: MIT
"""`tenon shell`: scripts, a terminal, in this process and in a host's."""
import contextlib
import fcntl
import gzip
import os
import pty
import re
import resource
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import child
import hostkit
from hostkit import binary, folder, module


class Case(hostkit.Case):
    def setUp(self):
        super().setUp()
        self.env = dict(os.environ, TENON_HISTORY=self.dir + '/history',
                        TENON_SOCKET=self.dir + '/socket', TERM='dumb')

    def shell(self, *args, text=''):
        return subprocess.run([binary(self.config), 'shell', *args],
                              input=text, env=self.env, cwd=self.dir,
                              timeout=60, capture_output=True, text=True)

    def works(self, *args, **kw):
        done = self.shell(*args, **kw)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def fails(self, status, *args, **kw):
        done = self.shell(*args, **kw)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr


class Scripts(Case):
    """What commands do and say."""

    def test_a_module_is_loaded_called_and_unloaded(self):
        out = self.works(text=f'insmod {module("hello")}\n'
                              'call hello_add 7 5\nunload hello\n')
        self.assertEqual(out, 'loaded hello\n12\nunloaded hello\n')

    def test_what_is_missing_is_found_in_folders_and_unloaded_at_the_end(self):
        done = self.shell('-L', folder(), text='load guest\nlist\n')
        self.assertEqual(done.returncode, 0)
        self.assertIn('loaded greeter\nloaded guest\n', done.stdout)
        self.assertRegex(done.stdout, r'greeter +1\.4 +running +\d+ +1 guest')
        self.assertLess(done.stderr.index('guest: leaves'),
                        done.stderr.index('greeter: goodbye'))

    def test_files_of_a_set_come_in_any_order(self):
        out = self.works('-c', f'load {module("guest")} {module("greeter")}')
        self.assertEqual(out, 'loaded greeter\nloaded guest\n')

    def test_a_busy_module_stays_and_its_user_is_named(self):
        """proves: L16 L20"""
        says = self.fails(1, '-L', folder(), '-c', 'load guest', '-c',
                          'unload greeter')
        self.assertIn('Module greeter is in use by guest', says)

    def test_modules_are_looked_into(self):
        out = self.works('-L', folder(), text='''
            # what one asks of a module
            load guest
            info guest
            holders greeter
            ledger guest
            symbols guest
            symbol guest_visit
            status
        ''')
        for text in ('needs        greeter\n', 'importer   guest',
                     'import     greeter', '\nguest_visit\n',
                     'modules      2\n'):
            self.assertIn(text, out)
        address = re.search(r'(0x[0-9a-f]+) guest\n', out)[1]
        self.assertTrue(address)

    def test_an_address_is_named(self):
        """The address of one run is that of no other."""
        p = child.start(
            self, [binary(self.config), 'shell', '-L', folder()], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        p.stdin.write('load hello\nsymbol hello_add\n')
        p.stdin.flush()
        p.stdout.readline()
        address = p.stdout.readline().split()[0]
        out, _ = p.communicate(f'where {address}\n', timeout=60)
        self.assertEqual(out, 'hello_add+0x0 [hello]\n')

    def test_parameters(self):
        out = self.works(text=f'insmod {module("greeter")} '
                              'word="two words" times=2\n'
                              'get greeter.word\nset greeter.times=3\n'
                              'get greeter.times\nparams greeter\n')
        self.assertIn('two words\n3\n', out)
        self.assertRegex(out, r'times +\| 3|times += 3 +uint how often')
        for status, text in ((2, 'get greeter'), (2, 'get .x'),
                             (1, 'set greeter.times=9'), (1, 'get greeter.no')):
            self.fails(status, '-c', f'insmod {module("greeter")}', '-c', text)

    def test_modules_are_stopped_and_started(self):
        out = self.works(text=f'insmod {module("lifecycle")}\n'
                              'stop lifecycle\nlist\nstart lifecycle\nlist\n')
        self.assertLess(out.index('stopped'), out.index('running'))

    def test_events_are_shown(self):
        out = self.works('-L', folder(), text='events on\nload hello\n'
                         'unload hello\nevents off\nload tiny\nlist\n')
        for name in ('loaded', 'ready', 'unloaded'):
            self.assertIn(f'event: {name} hello\n', out)
        self.assertNotIn('event: loaded tiny', out)

    def test_a_script_ends_with_the_first_failure(self):
        path = self.dir + '/script'
        with open(path, 'w', encoding='ascii') as f:
            f.write('status\n\nunload no_such\nhelp\n')
        done = self.shell(path)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, f'tenon shell: {path}:3: no_such is '
                                      'not loaded\n')
        self.assertNotIn('ledger', done.stdout)
        done = self.shell('-k', path)
        self.assertEqual(done.returncode, 1)
        self.assertIn('ledger', done.stdout)

    def test_wrong_commands_are_told(self):
        for text, says in (('no_such', "there is no command 'no_such'"),
                           ('call', 'usage: call SYMBOL'),
                           ('list x', 'usage: list'),
                           ('get "a', 'a quote is not closed'),
                           ('x ' * 65, 'too many words')):
            self.assertIn(says, self.fails(2, text=text + '\n'))
        for args in (['a', 'b'], ['-c', 'list', 'x'], ['-x'], ['/no/such']):
            self.fails(2, *args)
        for text, says in (('events x', 'events on'),
                           ('unload -x y', 'no option -x'),
                           ('unload -f', 'which modules'),
                           ('unload -w 5', 'which modules'),
                           ('unload -w', 'no option -w'),
                           ('get x', 'x is no MODULE.PARAM'),
                           ('help x', "no command 'x'")):
            self.assertIn(says, self.fails(2, '-c', text))
        self.assertIn('No such file', self.fails(1, '-c', 'insmod /no/such'))

    def test_a_packed_file_that_is_damaged_is_named(self):
        packed = os.path.join(self.dir, 'torn.ko.gz')
        with open(module('hello'), 'rb') as f, open(packed, 'wb') as out:
            out.write(gzip.compress(f.read())[:500])
        for command, name in ((f'insmod {packed}', 'torn'),
                              ('load torn', 'torn'),
                              (f'load {packed}', 'torn'),
                              (f'load torn {module("guest")}', 'torn'),
                              (f'load {module("guest")} {packed}',
                               'torn')):
            self.assertEqual(self.fails(1, '-L', self.dir, '-c', command),
                             f'tenon shell: {name}: damaged gzip data\n')

    def test_a_file_whose_name_is_too_long_is_not_loaded_by_a_part_of_it(self):
        path = os.path.join(self.dir, 'n' * 56 + '.ko')
        subprocess.run(['gcc', '-xc', '-c', '-o', path, '-'], text=True,
                       input='int x;', check=True)
        self.assertEqual(
            self.fails(1, '--unmarked', '-c', f'insmod {path}'),
            f"tenon shell: {path}: states no module name, and the file's is "
            'too long for one: more than 55 characters\n')
        os.rename(path, path[:-4] + '.ko')
        self.assertIn('loaded nnn', self.works(
            '--unmarked', '-c', f'insmod {path[:-4]}.ko'))

    def test_a_packed_file_that_is_too_large_is_named_with_the_limit(self):
        packed = os.path.join(self.dir, 'large.ko.zst')
        with open(packed, 'wb') as f:  # it wants a window of 2 GiB
            f.write(b'\x28\xb5\x2f\xfd\x00\xa8')
        for command in (f'insmod {packed}', 'load large'):
            self.assertEqual(
                self.fails(1, '-L', self.dir, '-c', command),
                'tenon shell: large: a file as large as this unpacks to is not '
                'supported (the limit is 256 MiB: four times --max-file)\n')

    def test_a_script_that_is_told_to_end_unloads(self):
        shell = child.start(
            self, [binary(self.config), 'shell', '-L', folder()], env=self.env,
            cwd=self.dir, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        shell.stdin.write('load guest\n')
        shell.stdin.flush()
        self.assertIn('loaded guest\n', iter(shell.stdout.readline, ''))
        shell.terminate()  # before or while the next line is read
        self.assertEqual(shell.wait(60), 128 + signal.SIGTERM)
        self.assertIn('greeter: goodbye', shell.stderr.read())

    def test_a_script_that_cannot_be_waited_for_is_read(self):
        """As by poll without any descriptors, which is EINVAL."""
        shell = child.start(
            self, [binary(self.config), 'shell', '-L', folder()], env=self.env,
            cwd=self.dir, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        shell.stdin.write('load hello\n')
        shell.stdin.flush()
        self.assertEqual(shell.stdout.readline(), 'loaded hello\n')
        resource.prlimit(shell.pid, resource.RLIMIT_NOFILE, (0, 0))
        out, err = shell.communicate('symbol no_such\nstatus\n', timeout=60)
        self.assertEqual((shell.returncode, out), (1, ''), err)
        self.assertIn('no_such', err)

    def test_what_cannot_be_read_is_no_empty_script(self):
        self.assertEqual(self.fails(2, self.dir),
                         f'tenon shell: {self.dir}: Is a directory\n')
        with open(os.path.join(self.dir, 'out'), 'w', encoding='utf-8') as out:
            folder_ = os.open(self.dir, os.O_RDONLY)
            done = subprocess.run([binary(self.config), 'shell'], env=self.env,
                                  stdin=folder_, stdout=out, check=False,
                                  stderr=subprocess.PIPE, text=True)
            os.close(folder_)
        self.assertEqual((done.returncode, done.stderr), (
            2, 'tenon shell: standard input: Is a directory\n'))

    def test_what_is_no_text_is_told_before_it_fills_the_memory(self):
        for text, says in (('list\nlist\0x\n', 'this is no text'),
                           ('list\n#' + 'x' * 65535, 'this line is too long')):
            self.assertEqual(
                self.fails(2, text=text),
                f'tenon shell: standard input: line 2: {says}\n')
        self.assertEqual(
            self.fails(2, '/dev/zero'),
            'tenon shell: /dev/zero: line 1: this is no text\n')
        self.works(text='list\n#' + 'x' * 65534)

    def test_quit_says_the_status(self):
        self.fails(7, text='quit 7\nunload x\n')
        self.works(text='exit\nunload x\n')
        self.fails(2, '-c', 'quit 256')
        self.fails(1, '-k', text='unload x\nquit\n')

    def test_help_fits_a_screen(self):
        for out in (self.works('--help'), self.works('-c', 'help')):
            lines = out.splitlines()
            self.assertLess(len(lines), 25)
            self.assertLess(max(map(len, lines)), 80)
        self.assertIn('[-f] [-w MS]', self.works('-c', 'help rmmod'))


class Attached(Case):
    def test_it_talks_to_the_host(self):
        host = self.host('-L', folder())
        self.works('--attach', '-c', 'load guest')
        c = self.client(host)
        self.assertEqual(c.names(), ['greeter', 'guest'])
        self.works('--socket', host.path, '-c', 'rmmod guest greeter')
        self.assertEqual(c.names(), [])

    def test_without_a_host_it_says_so(self):
        self.assertIn(f'no host serves {self.dir}/socket',
                      self.fails(1, '--attach', '-c', 'list'))

    def test_a_host_that_leaves_ends_it(self):
        host = self.host()
        p = child.start(
            self, [binary(self.config), 'shell', '-a', '-k'], env=self.env,
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        p.stdin.write('status\n')
        p.stdin.flush()
        p.stdout.readline()
        host.stop()
        _, err = p.communicate('list\nlist\nlist\n', timeout=60)
        self.assertEqual(p.returncode, 1)
        self.assertEqual(err.count('the host'), 1)


# Starts a command as a shell does that knows jobs; a line continues it.
STARTER = '''
import os, signal, sys
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
pid = os.fork()
if pid == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.argv[1], sys.argv[1:])
while True:
    _, status = os.waitpid(pid, os.WUNTRACED)
    os.tcsetpgrp(0, os.getpid())
    if not os.WIFSTOPPED(status):
        break
    print("stopped", flush=True)
    sys.stdin.readline()
    os.tcsetpgrp(0, pid)
    os.kill(pid, signal.SIGCONT)
print("ended by", os.WTERMSIG(status))
'''


def child_of(parent):
    for pid in filter(str.isdigit, os.listdir('/proc')):
        with contextlib.suppress(OSError):  # it has gone
            with open(f'/proc/{pid}/stat', encoding='utf-8') as f:
                if int(f.read().rpartition(')')[2].split()[1]) == parent:
                    return int(pid)
    return None


class Terminal(Case):
    def open(self, *before, attach=False):
        """Behind the words @before, or as the first process of a terminal."""
        words = [*before, binary(self.config), 'shell',
                 *(['--attach'] if attach else ['-L', folder()])]
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(self.dir)
            os.execve(words[0], words, self.env)
        self.addCleanup(os.close, fd)
        self.addCleanup(self.kill, pid)
        self.seen = ''
        self.fd = fd
        self.pid = pid
        self.read_until('tenon> ')

    def kill(self, pid):
        """What a test that failed has left; self.pid is None when it ended."""
        if self.pid == pid:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def read_until(self, text, limit=60):
        """Reads what is shown until @text comes; forgets what is before."""
        end = time.monotonic() + limit
        while text not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], 1)
            if ready:
                self.seen += os.read(self.fd, 4096).decode(errors='replace')
            if time.monotonic() > end:
                raise TimeoutError(repr(self.seen))
        before, self.seen = self.seen.split(text, 1)
        return before

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self, limit=60):
        end = time.monotonic() + limit
        while True:
            if not select.select([self.fd], [], [], 1)[0]:
                if time.monotonic() > end:
                    raise TimeoutError(repr(self.seen))
                continue
            try:
                if not os.read(self.fd, 4096):
                    break
            except OSError:
                break
        pid, self.pid = self.pid, None
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def test_commands_are_typed(self):
        self.open()
        self.type('load hello\r')
        self.read_until('loaded hello')
        self.type('call hello_add 20 3\r')
        self.read_until('23')
        self.type('unload no_such\r')
        self.read_until('no_such is not loaded')
        self.read_until('tenon> ')
        self.type('\x04')
        self.assertEqual(self.end(), 0)

    def test_an_end_that_is_typed_before_the_prompt_is_one(self):
        self.open()
        self.type(f'insmod {module("sleeper", "hosted")} init_ms=300\r')
        self.read_until('sleeper: sleeps')
        self.type('\x04')
        self.assertEqual(self.end(), 0)

    def test_words_are_completed(self):
        self.open()
        self.type('load gree')
        self.type('ter\r')
        self.read_until('loaded greeter')
        self.type('hold\tgree\t\r')
        self.read_until('tenon> ')
        self.type('unl\tgree\t\r')
        self.read_until('unloaded greeter')
        self.type('quit 3\r')
        self.assertEqual(self.end(), 3)

    def test_lines_are_kept_for_the_next_time(self):
        self.open()
        self.type('symbol printk\r')
        self.read_until('the engine')
        self.type('quit\r')
        self.assertEqual(self.end(), 0)
        self.open()
        self.type('\x10\x10\r')
        self.read_until('the engine')
        self.type('quit\r')
        self.assertEqual(self.end(), 0)

    def interrupt(self, typed):
        self.type(typed + '\x03')
        self.read_until('Ctrl-D leaves')
        self.read_until('tenon> ')

    def test_ctrl_c_at_the_prompt_throws_the_line_away(self):
        for term in ('dumb', 'xterm'):
            self.env['TERM'] = term
            self.open()
            for typed in ('', 'unload no', '', 'x'):
                self.interrupt(typed)
            self.type('load hello\r')
            self.read_until('loaded hello')
            self.read_until('tenon> ')
            self.type('\x04')
            self.assertEqual(self.end(), 0)

    def test_it_stays_after_ctrl_c_however_long_one_thinks(self):
        self.open()
        self.interrupt('unload no')
        self.type('load hel')
        self.read_until('load hel')
        ready, _, _ = select.select([self.fd], [], [], 2.5)
        self.assertEqual(ready, [], 'it has said or done something')
        self.type('lo\r')
        self.read_until('loaded hello')
        self.type('quit\r')
        self.assertEqual(self.end(), 0)

    def interrupt_completion(self):
        """Of a host that is stopped; again where that was before the Tab."""
        said = ''
        while 'once more' not in said:
            self.type('unload \t')
            time.sleep(0.1)
            self.type('\x03')
            said = self.read_until('leaves')

    def test_a_host_that_is_silent_when_words_are_completed_is_given_up(self):
        host = self.host()
        self.open(attach=True)
        host.signal(signal.SIGSTOP)
        self.addCleanup(host.signal, signal.SIGCONT)
        self.interrupt_completion()
        self.type('\x03')
        self.assertEqual(self.end(), 128 + signal.SIGINT)

    def test_what_has_come_when_words_are_completed_costs_the_line(self):
        host = self.host()
        self.open(attach=True)
        host.signal(signal.SIGSTOP)
        self.addCleanup(host.signal, signal.SIGCONT)
        self.interrupt_completion()
        host.signal(signal.SIGCONT)
        self.read_until('tenon> ')
        self.type('quit\r')
        self.assertEqual(self.end(), 0)

    def test_other_windows_and_pauses_do_not_cost_the_line(self):
        self.open()
        self.type('load hel')
        self.read_until('load hel')
        for i in range(3):
            fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                        struct.pack('4H', 30 + i, 90 + i, 0, 0))
            os.kill(self.pid, signal.SIGSTOP)
            os.waitpid(self.pid, os.WUNTRACED)
            self.type_as_to_another()
            os.kill(self.pid, signal.SIGCONT)
            self.read_until('load hel')
        self.type('lo\r')
        self.read_until('loaded hello')
        self.type('quit\r')
        self.assertEqual(self.end(), 0)

    def type_as_to_another(self):
        """A shell that has stopped it sets the terminal as it likes it."""
        mode = termios.tcgetattr(self.fd)
        mode[3] |= termios.ICANON | termios.ECHO
        termios.tcsetattr(self.fd, termios.TCSANOW, mode)

    def is_raw(self):
        return not termios.tcgetattr(self.fd)[3] & termios.ICANON

    def test_ctrl_z_leaves_the_terminal_as_it_was_and_comes_back(self):
        """In a group of its own, which somebody may continue."""
        self.open(sys.executable, '-c', STARTER)
        for i in range(2):
            self.assertTrue(self.is_raw())
            self.type(f'load {i}')
            self.read_until(f'load {i}')
            self.type('\x1a')
            self.read_until('stopped')
            self.assertFalse(self.is_raw())
            self.type('\r')
            self.read_until(f'load {i}')
            hostkit.wait_until(self.is_raw)
            self.type('\x03')
            self.read_until('tenon> ')
        self.type('\x1c')
        self.read_until(f'ended by {int(signal.SIGQUIT)}')
        self.assertFalse(self.is_raw())
        self.assertEqual(self.end(), 0)

    def test_what_ends_it_is_not_for_its_neighbours(self):
        self.open('/bin/sh', '-c', '"$@"; echo "status $?"', 'sh')
        os.kill(child_of(self.pid), signal.SIGTERM)
        self.read_until(f'status {128 + signal.SIGTERM}')
        self.assertEqual(self.end(), 0)

    def test_it_unloads_when_it_is_told_to_end(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            self.open()
            self.type('load guest\r')
            self.read_until('loaded guest')
            self.read_until('tenon> ')
            os.kill(self.pid, number)
            self.read_until('guest: leaves')
            self.read_until('greeter: goodbye')
            self.assertEqual(self.end(), 128 + number)

    def test_no_signal_is_lost_between_the_prompt_and_the_reading(self):
        for i in range(20):
            self.open()
            time.sleep(i * 0.0001)  # wherever it comes
            os.kill(self.pid, signal.SIGTERM)
            self.assertEqual(self.end(), 128 + signal.SIGTERM)

    def test_what_runs_comes_to_its_end_first(self):
        self.open()
        self.type(f'insmod {module("sleeper", "hosted")} init_ms=300\r')
        self.read_until('sleeper: sleeps')
        os.kill(self.pid, signal.SIGTERM)
        self.read_until('once more to give up')
        self.read_until('loaded sleeper')
        self.assertEqual(self.end(), 128 + signal.SIGTERM)

    def test_ctrl_c_twice_gives_up(self):
        self.open()
        self.type(f'insmod {module("sleeper", "hosted")} init_ms=60000\r')
        self.read_until('sleeper: sleeps')
        self.type('\x03')
        self.read_until('once more gives up')
        self.type('\x03')
        self.assertEqual(self.end(), 128 + signal.SIGINT)

    def test_ctrl_c_and_a_closed_terminal_are_no_second_ctrl_c(self):
        self.open()
        self.type(f'insmod {module("sleeper", "hosted")} init_ms=300\r')
        self.read_until('sleeper: sleeps')
        self.type('\x03')
        self.read_until('once more gives up')
        os.kill(self.pid, signal.SIGHUP)
        self.read_until('loaded sleeper')
        self.assertEqual(self.end(), 128 + signal.SIGHUP)
