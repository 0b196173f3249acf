# SPDX-License-Identifier: MIT
"""What a host answers to each request."""
import os
import shutil
import subprocess

import hostkit
from hostkit import folder, module


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
        self.assertFails(self.c.ask('call', symbol='x', module='hello')[1],
                         'ENOENT', 'no_export',
                         "that module does not export 'x'")

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

    def test_why_a_file_of_its_folders_cannot_be_read_is_told(self):
        for name in ('hello', 'greeter', 'guest'):
            shutil.copy(module(name), self.dir)
        os.truncate(os.path.join(self.dir, 'greeter.ko'), (1 << 20) + 1)
        os.mkdir(os.path.join(self.dir, 'folder.ko'))
        os.symlink('loop.ko', os.path.join(self.dir, 'loop.ko'))
        self.served.stop()
        c = self.client(self.host('--max-file', '1', '-L', self.dir))
        for names, code, why in (
                ('greeter', 'EFBIG', 'it is larger than this host allows'),
                ('hello,folder', 'EINVAL', 'folder: it is a folder'),
                ('guest', 'EFBIG', 'greeter: it is larger than this host '
                 'allows'),
                ('loop', 'EIO', 'loop: it cannot be opened'),
                ('no', 'ENOENT', 'no: this host has no file of that name')):
            self.assertFails(c.ask('load', names=names)[1], code,
                             'unreadable', why)
        c.ok('load', names='hello')

    def test_lists_have_no_empty_and_no_repeated_names(self):
        for verb in ('load', 'rmmod'):
            for names in ('hello,', ',hello', 'hello,,greeter', ','):
                self.assertFails(self.c.ask(verb, names=names)[1], 'EINVAL',
                                 'field', f"names: a word of the list "
                                 f"'{names}' is empty")
        for names in ('hello,hello', 'common_bss,hello,common-bss'):
            self.assertFails(self.c.ask('load', names=names)[1], 'EINVAL',
                             'field', 'stands there twice')
        self.assertEqual(self.c.names(), [])

    def test_the_number_0_is_no_clients(self):
        self.c.raw(b'0 ping\n')
        line = self.c.line()
        self.assertEqual((line.id, line.word), (0, 'error'))
        self.assertFails(line, 'EINVAL', 'malformed', 'the number 0')
        self.c.ok('ping')

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
