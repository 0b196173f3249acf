# SPDX-License-Identifier: MIT
"""`tenon host`: its socket, its protocol, its clients, its end."""
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading

import hostkit
from hostkit import Client, Left, binary, folder, module, wait_until

sys.path.insert(0, os.path.join(hostkit.TOP, 'tools/hostd'))
import soak     # noqa: E402  pylint: disable=wrong-import-position


class Socket(hostkit.Case):
    def test_only_its_user_may_connect(self):
        host = self.host()
        mode = os.stat(host.path).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_it_has_the_mode_that_was_asked_for_whatever_the_umask_is(self):
        before = os.umask(0o077)
        try:
            host = self.host('--mode', '0666')
        finally:
            os.umask(before)
        self.assertEqual(stat.S_IMODE(os.stat(host.path).st_mode), 0o666)

    def test_another_user_is_turned_away_by_his_credentials(self):
        if os.geteuid() != 0:
            self.skipTest('only root can become somebody else')
        os.chmod(self.dir, 0o755)
        host = self.host('--mode', '0666', '--user', '54321')
        for uid, says in ((54321, 'ok'), (54322, 'EACCES')):
            text = subprocess.run(
                ['/usr/bin/python3', '-c',
                 'import os, socket, sys\n'
                 'os.setuid(int(sys.argv[2]))\n'
                 's = socket.socket(socket.AF_UNIX)\n'
                 's.connect(sys.argv[1])\n'
                 'try: s.sendall(b"1 hello version=1\\n")\n'
                 'except BrokenPipeError: pass\n'
                 'print(s.recv(1000).decode())', host.path, str(uid)],
                stdout=subprocess.PIPE, text=True, check=True).stdout
            self.assertIn(says, text)
        self.assertIn('does not serve your user', host.said())

    def test_a_second_host_does_not_replace_the_first(self):
        host = self.host()
        done = subprocess.run([binary(), 'host', '--socket', host.path],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, 'tenon host: a host serves '
                         f'{host.path} already\n')
        self.client(host).ok('ping')

    def test_the_socket_of_a_host_that_died_is_taken_over(self):
        host = self.host()
        host.process.kill()
        host.process.wait()
        self.assertTrue(os.path.exists(host.path))
        again = self.host()
        self.client(again).ok('ping')
        self.assertIn('left by a host that is gone', again.said())
        self.assertEqual(again.stop(), 0)
        self.assertEqual(sorted(os.listdir(self.dir)), ['log'])

    def test_of_many_that_start_at_once_one_serves(self):
        path = os.path.join(self.dir, 'socket')
        all_of_them = [subprocess.Popen(
            [binary(), 'host', '--socket', path], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True) for _ in range(8)]
        lines = []
        for one in all_of_them:
            self.addCleanup(one.kill)
            lines.append(one.stdout.readline())
        self.assertEqual(lines.count(f'serving {path}\n'), 1)
        self.assertEqual(lines.count(''), 7)
        Client(path).close()
        for one in all_of_them:
            one.terminate()
            one.communicate(timeout=60)

    def test_what_is_no_socket_stays(self):
        path = os.path.join(self.dir, 'socket')
        with open(path, 'w', encoding='ascii') as f:
            f.write('precious')
        done = subprocess.run([binary(), 'host', '--socket', path],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn('is there and is no socket', done.stderr)
        with open(path, encoding='ascii') as f:
            self.assertEqual(f.read(), 'precious')
        self.assertEqual(os.listdir(self.dir), ['socket'])

    def test_it_is_found_by_option_variable_and_runtime_folder(self):
        env = {k: v for k, v in os.environ.items()
               if k not in ('TENON_SOCKET', 'XDG_RUNTIME_DIR')}
        for more, path in (({'TENON_SOCKET': self.dir + '/a',
                             'XDG_RUNTIME_DIR': self.dir}, '/a'),
                           ({'XDG_RUNTIME_DIR': self.dir}, '/tenon.sock')):
            with subprocess.Popen([binary(), 'host'], env={**env, **more},
                                  stdout=subprocess.PIPE, text=True) as p:
                self.assertEqual(p.stdout.readline(),
                                 f'serving {self.dir}{path}\n')
                p.terminate()
                self.assertEqual(p.wait(60), 0)

    def test_wrong_options_are_refused(self):
        for args in (['--mode', '9'], ['--mode', ''], ['--mode', '01777'],
                     ['--clients', '0'], ['--slow', 'x'], ['x'],
                     ['--user', 'no-such-user'], ['--stop', '-1'],
                     ['--socket', ''], ['--socket', 'x' * 200]):
            done = subprocess.run([binary(), 'host', *args], timeout=60,
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, args)
            self.assertIn('tenon host: ', done.stderr)
        done = subprocess.run([binary(), 'host', '--help'], timeout=60,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0)
        self.assertLess(len(done.stdout.splitlines()), 25)
        self.assertLess(max(map(len, done.stdout.splitlines())), 80)


class Requests(hostkit.Case):
    def setUp(self):
        super().setUp()
        self.served = self.host('-L', folder())
        self.c = self.client(self.served)

    def test_a_file_is_loaded_alone_and_what_is_missing_is_named(self):
        """proves: L13"""
        self.assertFails(self.c.insmod(module('guest')), 'ENOENT',
                         'depends_missing', 'guest: needs greeter')
        self.assertEqual(self.c.names(), [])
        before, last = self.c.ask('insmod', [os.open(module('missing'), 0)])
        self.assertEqual([x['symbol'] for x in before],
                         ['memcopy', 'strlne', 'prntk',
                          'nothing_like_it_anywhere'])
        self.assertEqual(before[0]['nearest'], 'memcpy')
        self.assertEqual((last['stage'], last['missing']), ('resolve', '4'))
        self.assertEqual(self.c.insmod(module('greeter')).word, 'ok')
        self.assertEqual(self.c.insmod(module('guest')).word, 'ok')
        self.assertEqual(self.c.names(), ['greeter', 'guest'])

    def test_users_go_first_and_holders_are_named(self):
        """proves: L16 L20"""
        self.c.ok('load', names='guest')
        before, last = self.c.ask('rmmod', names='greeter')
        self.assertFails(last, 'EBUSY', 'in_use',
                         'Module greeter is in use by guest')
        self.assertEqual([(x.word, x['kind'], x['name']) for x in before],
                         [('holder', 'importer', 'guest')])
        self.assertEqual(self.c.names(), ['greeter', 'guest'])
        self.c.ok('rmmod', names='guest')
        self.c.ok('rmmod', names='greeter')
        self.assertEqual(self.c.names(), [])

    def test_a_set_comes_and_goes_as_a_whole(self):
        before, last = self.c.ok('load', names='guest')
        self.assertEqual([x['module'] for x in before], ['greeter', 'guest'])
        self.assertFails(self.c.ask('load', names='hello,missing')[1],
                         'ENOENT', 'missing_symbol')
        self.assertEqual(self.c.names(), ['greeter', 'guest'])
        self.c.ok('rmmod', names='greeter,guest')
        self.assertEqual(self.c.names(), [])

    def test_files_of_a_set_come_as_descriptors(self):
        files = [os.open(module(x), os.O_RDONLY)
                 for x in ('guest', 'greeter')]
        before, _ = self.c.ok('load', files)
        self.assertEqual([x['module'] for x in before], ['greeter', 'guest'])
        for fd in files:
            os.close(fd)

    def test_parameters_are_set_and_read(self):
        self.c.insmod(module('greeter'), params='word="two words" times=2')
        self.assertEqual(self.c.ok('get', module='greeter',
                                   param='word')[1]['value'], 'two words')
        self.c.ok('set', module='greeter', param='times', value=3)
        before, _ = self.c.ok('params', module='greeter')
        self.assertEqual({x['name']: x['value'] for x in before},
                         {'word': 'two words', 'times': '3'})
        self.assertFails(self.c.ask('set', module='greeter', param='times',
                                    value=6)[1], 'ERANGE', 'param_range')
        self.assertFails(self.c.ask('get', module='greeter', param='no')[1],
                         'ENOENT', 'no_parameter')
        self.assertFails(self.c.ask('get', module='no', param='no')[1],
                         'ENOENT', 'not_loaded')

    def test_functions_are_called(self):
        self.c.insmod(module('hello'))
        call = self.c.ok('call', symbol='hello_add', args='-20,0x1')[1]
        self.assertEqual(call['result'], '-19')
        self.c.ok('call', symbol='hello_add', module='hello', args='1,2')
        for fields, code in (({'symbol': 'no_such'}, 'ENOENT'),
                             ({'symbol': 'x', 'module': 'no'}, 'ENOENT'),
                             ({'symbol': 'x', 'module': 'hello'}, 'ENOENT'),
                             ({'symbol': 'hello_add', 'args': 'x'}, 'EINVAL'),
                             ({'symbol': 'hello_add', 'args': '1,2,3,4,5'},
                              'EINVAL'),
                             ({}, 'EINVAL')):
            self.assertEqual(self.c.ask('call', **fields)[1]['code'], code)

    def test_modules_are_looked_into(self):
        self.c.ok('load', names='guest')
        before, last = self.c.ok('info', module='guest')
        self.assertEqual([x['module'] for x in before], ['greeter'])
        self.assertEqual((last['state'], last['profile']),
                         ('running', 'common'))
        symbol = self.c.ok('symbol', symbol='guest_visit')[1]
        where = self.c.ok('where', address=symbol['address'])[1]
        self.assertEqual((where['module'], where['symbol'], where['offset']),
                         ('guest', 'guest_visit', '0'))
        self.assertEqual([x['text'] for x in
                          self.c.ok('symbols', module='guest')[0]],
                         ['guest_visit'])
        self.assertIn(('import', 'greeter'), [
            (x['type'], x['text'])
            for x in self.c.ok('ledger', module='guest')[0]])
        self.assertEqual(self.c.ok('holders', module='greeter')[1]['refs'],
                         '1')
        self.assertEqual(self.c.ok('status')[1]['modules'], '2')
        self.assertFails(self.c.ask('where', address=16)[1], 'ENOENT',
                         'no_code')

    def test_modules_are_stopped_and_started(self):
        self.c.insmod(module('lifecycle'))
        self.c.ok('stop', module='lifecycle')
        self.assertEqual(self.c.ok('list')[0][0]['state'], 'stopped')
        self.c.ok('start', module='lifecycle')
        self.assertEqual(self.c.ok('list')[0][0]['state'], 'running')
        self.assertEqual(self.c.ask('start', module='lifecycle')[1]['reason'],
                         'state')

    def test_events_are_told_to_those_who_asked(self):
        other = self.client(self.served)
        other.ok('subscribe')
        self.c.insmod(module('hello'))
        self.c.ok('rmmod', names='hello')
        told = [other.line() for _ in range(3)]
        self.assertEqual([(x.id, x.word, x['event'], x['module'])
                          for x in told],
                         [(0, 'event', 'loaded', 'hello'),
                          (0, 'event', 'ready', 'hello'),
                          (0, 'event', 'unloaded', 'hello')])
        other.ok('unsubscribe')
        self.c.insmod(module('hello'))
        other.ok('ping')
        self.assertEqual(other.others, [])

    def test_a_path_is_opened_only_where_the_host_allows_it(self):
        self.assertFails(self.c.ask('insmod', path=module('hello'))[1],
                         'EACCES', 'path')
        self.served.stop()
        c = self.client(self.host('--paths'))
        c.ok('insmod', path=module('hello'))
        self.assertFails(c.ask('insmod', path='/no/such.ko')[1], 'ENOENT',
                         'unreadable', '/no/such.ko: there is no such file')

    def test_what_is_no_module_is_refused(self):
        for path, code, reason in (('/dev/null', 'EINVAL', 'unreadable'),
                                   (self.dir, 'EINVAL', 'unreadable'),
                                   (__file__, 'ENOEXEC', 'elf')):
            self.assertFails(self.c.insmod(path), code, reason)
        reading, writing = os.pipe()
        self.assertFails(self.c.ask('insmod', [reading])[1], 'EINVAL',
                         'unreadable', 'not a regular file')
        os.close(reading)
        os.close(writing)

    def test_a_file_that_is_too_large_is_refused(self):
        path = os.path.join(self.dir, 'large.ko')
        shutil.copy(module('hello'), path)
        os.truncate(path, (64 << 20) + 1)
        self.assertFails(self.c.insmod(path), 'EFBIG', 'unreadable')

    def test_the_name_of_a_file_serves_when_it_states_none(self):
        """As insmod of an object without .modinfo name."""
        source = 'int unnamed_answer(void); int unnamed_answer(void) ' \
                 '{ return 42; }'
        path = os.path.join(self.dir, 'no-name.ko')
        subprocess.run(['gcc', '-x', 'c', '-c', '-fPIC', '-', '-o', path],
                       input=source, text=True, check=True)
        self.assertFails(self.c.insmod(path), 'ENOEXEC', 'unmarked')
        self.assertEqual(self.c.insmod(path, unmarked=1)['module'], 'no_name')

    def test_wrong_requests_are_named(self):
        for verb, fields, code, reason in (
                ('no_such', {}, 'ENOSYS', 'verb'),
                ('ping', {'x': 1}, 'EINVAL', 'field'),
                ('ping', {'fds': 0}, 'EINVAL', 'field'),
                ('insmod', {'fds': 1}, 'EINVAL', 'descriptors'),
                ('insmod', {'fds': 'x'}, 'EINVAL', 'field'),
                ('insmod', {}, 'EINVAL', 'field'),
                ('insmod', {'path': 'x', 'unmarked': 2}, 'EINVAL', 'field'),
                ('rmmod', {'names': 'no'}, 'ENOENT', 'not_loaded'),
                ('rmmod', {'names': 'no,no2'}, 'ENOENT', 'not_loaded'),
                ('rmmod', {'names': 'x', 'wait': -1}, 'EINVAL', 'field'),
                ('rmmod', {'names': 'x' * 99}, 'ENOENT', 'not_loaded'),
                ('load', {}, 'EINVAL', 'field'),
                ('load', {'names': '../hello'}, 'EINVAL', 'unreadable'),
                ('load', {'names': 'no_such'}, 'ENOENT', 'unreadable'),
                ('hello', {'version': 1}, 'ENOSYS', 'verb')):
            self.assertFails(self.c.ask(verb, **fields)[1], code, reason)
        self.c.ok('ping')

    def test_a_module_goes_when_its_last_user_leaves_it_in_time(self):
        self.c.ok('load', names='guest')
        other = self.client(self.served)
        waiting = other.send('rmmod', names='greeter', wait=30000)
        self.c.ok('rmmod', names='guest')
        self.assertEqual(other.answer(waiting)[1].word, 'ok')
        self.assertEqual(self.c.names(), [])

    def test_force_takes_a_permanent_module(self):
        self.c.insmod(module('permanent'))
        self.assertEqual(self.c.ask('rmmod', names='permanent')[1]['reason'],
                         'no_exit')
        self.c.ok('rmmod', names='permanent', force=1)
        self.assertEqual(self.c.ok('status')[1]['taints'], '8')


class Clients(hostkit.Case):
    def test_a_version_that_is_not_spoken_is_refused(self):
        host = self.host()
        for line, reason in ((b'1 hello version=2\n', 'version'),
                             (b'1 hello version=x\n', 'field'),
                             (b'1 ping\n', 'hello'),
                             (b'garbage\n', 'malformed')):
            c = self.client(host, hello=False)
            c.raw(line)
            self.assertEqual(c.line()['reason'], reason)
            with self.assertRaises(Left):
                c.line()

    def test_an_init_that_hangs_holds_up_its_own_client_only(self):
        host = self.host()
        slow, other = self.client(host), self.client(host)
        fd = os.open(module('sleeper', 'hosted'), os.O_RDONLY)
        number = slow.send('insmod', [fd], params='init_ms=1500')
        wait_until(lambda: 'sleeper: sleeps' in host.said())
        for _ in range(20):
            other.ok('ping')
        self.assertEqual(other.insmod(module('hello')).word, 'ok')
        self.assertEqual([x['state'] for x in other.ok('list')[0]],
                         ['loaded', 'running'])
        self.assertNotIn('awake', host.said())
        self.assertEqual(slow.answer(number)[1].word, 'ok')
        os.close(fd)

    def test_a_load_ends_though_its_client_has_vanished(self):
        host = self.host()
        c = host.client()
        fd = os.open(module('sleeper', 'hosted'), os.O_RDONLY)
        c.send('insmod', [fd], params='init_ms=200')
        wait_until(lambda: 'sleeper: sleeps' in host.said())
        c.close()
        os.close(fd)
        other = self.client(host)
        wait_until(lambda: other.ok('list')[0][0]['state'] == 'running')
        wait_until(lambda: other.ok('status')[1]['clients'] == '1')

    def test_answers_come_in_the_order_of_the_requests(self):
        c = self.client(self.host('-L', folder()))
        numbers = [c.send(verb, **fields) for verb, fields in (
            ('load', {'names': 'hello'}), ('list', {}), ('nonsense', {}),
            ('rmmod', {'names': 'hello'}), ('list', {}))]
        seen = []
        while len(seen) < len(numbers):
            line = c.line()
            if line.word in ('ok', 'error'):
                seen.append(line.id)
        self.assertEqual(seen, numbers)

    def test_there_are_at_most_as_many_as_the_host_says(self):
        host = self.host('--clients', '3')
        three = [self.client(host) for _ in range(3)]
        fourth = self.client(host, hello=False)
        line = fourth.line()
        self.assertEqual((line['code'], line['reason']), ('EBUSY', 'clients'))
        three[0].close()
        wait_until(lambda: three[1].ok('status')[1]['clients'] == '2')
        self.client(host).ok('ping')

    def test_who_takes_nothing_is_dropped_and_the_others_go_on(self):
        host = self.host('--slow', '1', '-L', folder())
        slow, other = self.client(host), self.client(host)
        other.ok('load', names='hello,guest')
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.raw(b''.join(b'%d list\n' % i for i in range(1, 3000)))
        wait_until(lambda: 'does not take what it is sent' in host.said())
        other.ok('ping')
        wait_until(lambda: other.ok('status')[1]['clients'] == '1')

    def test_who_does_not_take_his_events_is_dropped(self):
        host = self.host('--slow', '1')
        slow, other = self.client(host), self.client(host)
        slow.ok('subscribe')
        fd = os.open(module('hello'), os.O_RDONLY)
        for _ in range(10000):
            os.lseek(fd, 0, 0)
            other.ok('insmod', [fd])
            other.ok('rmmod', names='hello')
            if 'does not take' in host.said():
                break
        # the host tells its log after it has told the client
        wait_until(lambda: 'does not take' in host.said())
        os.close(fd)

    def test_who_never_says_hello_is_dropped(self):
        """Two of them fill the host; then there is room again."""
        host = self.host('--clients', '2')
        idle = [self.client(host, hello=False) for _ in range(2)]
        idle[0].raw(b'1 hel')
        with self.assertRaises(Left):
            idle[0].line()
        self.assertIn('does not say hello', host.said())
        self.client(host).ok('ping')

    def test_descriptors_without_a_request_are_closed(self):
        host = self.host()
        c = self.client(host)
        before = host.fds()
        fd = os.open('/dev/null', os.O_RDONLY)
        c.raw(b'garbage\n', [fd] * 8)
        self.assertEqual(c.line()['reason'], 'malformed')
        self.assertEqual(host.fds(), before)
        self.assertEqual(c.ask('insmod', [fd] * 3)[1]['reason'],
                         'descriptors')
        self.assertEqual(host.fds(), before)
        for _ in range(5):
            try:
                c.raw(b' ', [fd] * 8)
            except BrokenPipeError:
                break
        with self.assertRaises((Left, ConnectionResetError)):
            c.line()
        self.assertIn('too many descriptors', host.said())
        other = self.client(host)
        wait_until(lambda: other.ok('status')[1]['clients'] == '1')
        wait_until(lambda: host.fds() == before)
        os.close(fd)


class Garbage(hostkit.Case):
    """proves: L20"""

    def test_a_flood_of_garbage_does_not_stop_the_service(self):
        host = self.host()
        good = self.client(host)
        before = host.fds()
        noise = os.urandom(1 << 16)
        for data in (noise, b'\n' * 65536, b'1 ' * 40000, b'x' * 200000,
                     b'1 ping\0\n' * 1000, b'1 ping ' + b'a=%41' * 20000,
                     b'\xff' * 70000 + b'\n'):
            for hello in (False, True):
                bad = self.client(host, hello=hello)
                try:
                    bad.raw(data)
                    bad.socket.shutdown(socket.SHUT_WR)
                    while bad.socket.recv(65536):
                        pass
                except (BrokenPipeError, ConnectionResetError):
                    pass
                bad.close()
                good.ok('ping')
        wait_until(lambda: good.ok('status')[1]['clients'] == '1')
        self.assertEqual(host.fds(), before)

    def test_a_line_that_is_too_long_ends_its_connection(self):
        host = self.host()
        c = self.client(host)
        c.raw(b'1 ping x=' + b'a' * 70000)
        self.assertEqual(c.line()['reason'], 'line')
        with self.assertRaises((Left, ConnectionResetError)):
            c.line()

    def test_the_longest_line_is_read(self):
        host = self.host()
        c = self.client(host)
        line = b'7 symbol symbol='
        c.raw(line + b'a' * (65536 - len(line) - 1) + b'\n')
        self.assertEqual(c.answer(7)[1]['reason'], 'no_export')


class End(hostkit.Case):
    def test_sigterm_unloads_in_reverse_order_and_leaves_nothing(self):
        """proves: L16"""
        host = self.host('-L', folder())
        self.client(host).ok('load', names='guest')
        self.assertEqual(host.stop(), 0)
        said = host.said()
        self.assertLess(said.index('guest: leaves'),
                        said.index('greeter: goodbye'))
        self.assertEqual(os.listdir(self.dir), ['log'])

    def test_requests_that_have_arrived_are_answered(self):
        host = self.host()
        c = self.client(host)
        c.ok('subscribe')
        fd = os.open(module('sleeper', 'hosted'), os.O_RDONLY)
        first = c.send('insmod', [fd], params='init_ms=400')
        second = c.send('call', symbol='sleeper_sleep', args='1')
        wait_until(lambda: 'sleeper: sleeps' in host.said())
        host.signal()
        self.assertEqual(c.answer(first)[1].word, 'ok')
        self.assertEqual(c.answer(second)[1].word, 'ok')
        rest = []
        with self.assertRaises(Left):
            while True:
                rest.append(c.line())
        self.assertEqual((rest[-1].id, rest[-1].word), (0, 'bye'))
        self.assertIn('stopping', [x.get('event') for x in c.others + rest])
        self.assertEqual(host.end(), 0)
        os.close(fd)

    def test_who_comes_during_the_end_finds_nobody(self):
        host = self.host()
        c = self.client(host)
        fd = os.open(module('sleeper', 'hosted'), os.O_RDONLY)
        number = c.send('insmod', [fd], params='init_ms=400')
        wait_until(lambda: 'sleeper: sleeps' in host.said())
        host.signal()
        wait_until(lambda: not os.path.exists(host.path))
        again = self.host()
        self.assertEqual(c.answer(number)[1].word, 'ok')
        self.assertEqual(host.end(), 0)
        self.client(again).ok('ping')
        os.close(fd)

    def test_a_request_that_does_not_end_is_named(self):
        host = self.host('--stop', '1')
        c = self.client(host)
        fd = os.open(module('sleeper', 'hosted'), os.O_RDONLY)
        c.send('insmod', [fd], params='init_ms=60000')
        wait_until(lambda: 'sleeper: sleeps' in host.said())
        self.assertEqual(host.stop(), 1)
        self.assertRegex(host.said(), r'insmod of client test \(process \d+\) '
                                      r'still runs')
        os.close(fd)

    def test_a_second_signal_ends_it_at_once(self):
        host = self.host()
        c = self.client(host)
        fd = os.open(module('sleeper', 'hosted'), os.O_RDONLY)
        c.send('insmod', [fd], params='init_ms=60000')
        wait_until(lambda: 'sleeper: sleeps' in host.said())
        host.signal()
        wait_until(lambda: not os.path.exists(host.path))
        host.signal(signal.SIGINT)
        self.assertEqual(host.end(), 128 + signal.SIGINT)
        os.close(fd)

    def test_a_permanent_module_is_no_failure_and_modules_may_be_kept(self):
        host = self.host()
        self.client(host).insmod(module('permanent'))
        self.assertEqual(host.stop(), 0)
        self.assertIn('it is permanent', host.said())
        host = self.host('--keep-modules')
        self.client(host).insmod(module('hello'))
        self.assertEqual(host.stop(), 0)
        self.assertNotIn('goodbye', host.said())


class Crash(hostkit.Case):
    def test_the_log_says_which_module_it_was(self):
        source = os.path.join(self.dir, 'boom.c')
        with open(source, 'w') as f:
            f.write('#include <tenon/module.h>\n'
                    'static int *nowhere;\n'
                    'static int __init boom_init(void)\n'
                    '{ *(volatile int *)nowhere = 1; return 0; }\n'
                    'module_init(boom_init);\nMODULE_LICENSE("MIT");\n')
        subprocess.run([binary(), 'cc', 'boom.c'], cwd=self.dir, check=True,
                       capture_output=True, timeout=60)
        host = self.host()
        with self.assertRaises((Left, OSError)):
            self.client(host).insmod(os.path.join(self.dir, 'boom.ko'))
        self.assertEqual(host.end(), -signal.SIGSEGV)
        self.assertIn('crash: SIGSEGV', host.said())
        self.assertIn('[boom]', host.said())


class Descriptors(hostkit.Case):
    """Closed standard descriptors are not what files and sockets get."""

    def test_a_host_without_them_keeps_its_files(self):
        path = os.path.join(self.dir, 'socket')
        process = subprocess.Popen(
            ['sh', '-c', f'exec {hostkit.binary(self.config)} host -q '
             f'--socket {path} <&- >&- 2>&-'])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        hostkit.wait_until(lambda: os.path.exists(path))
        for number in range(3):
            self.assertEqual(
                os.readlink(f'/proc/{process.pid}/fd/{number}'), '/dev/null')

    def test_output_that_is_closed_is_an_error_of_a_client(self):
        host = self.host()
        done = subprocess.run(
            ['sh', '-c', f'{hostkit.binary(self.config)} lsmod --socket '
             f'{host.path} >&-'], capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 1)


class Storm(hostkit.Case):
    def test_clients_that_come_and_vanish_leave_nothing(self):
        """A slice of `make soak-host`. With sanitizers the host fails at its
        end when memory has leaked or threads have raced."""
        for config in ('host', 'host-asan', 'host-tsan'):
            if not os.path.exists(binary(config)):
                continue
            with tempfile.TemporaryDirectory(dir=self.dir) as scratch:
                done, _ = soak.soak(scratch, 600, 12, config)
            self.assertGreaterEqual(sum(done.counts.values()), 600)
            self.assertEqual(len(done.counts), len(done.actions))

    def test_many_clients_load_the_same_module_once(self):
        host = self.host()
        results = []

        def work():
            c = host.client()
            results.append(c.insmod(module('hello')).get('reason'))
            c.close()
        threads = [threading.Thread(target=work) for _ in range(16)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        # One loads; who comes meanwhile shares it, who comes later is told.
        self.assertTrue(set(results) <= {None, 'duplicate_module'}, results)
        self.assertIn(None, results)
        self.assertEqual(self.client(host).names(), ['hello'])
        self.assertEqual(host.said().count('hello: hello'), 1)
