# SPDX-License-Identifier: MIT
"""A module whose init does not return: it holds up its own client, for a time
those who want this very module, and nobody else; and it is seen."""
import json
import os
import signal
import subprocess

import hostkit
from hostkit import binary, folder, module, wait_until


class Busy(hostkit.Case):
    """A host in which the init of sleeper takes for ever."""

    def serve(self, *options, ms=600000):
        self.served = self.host('-L', folder(), *options)
        self.slow, self.other = (self.client(self.served) for _ in range(2))
        fd = os.open(module('sleeper', 'hosted'), os.O_RDONLY)
        self.addCleanup(os.close, fd)
        self.number = self.slow.send('insmod', [fd], params=f'init_ms={ms}')
        self.served.wait_for('sleeper: sleeps')

    def test_all_that_is_not_about_it_goes_on(self):
        self.serve()
        for verb, fields in (
                ('ping', {}), ('status', {}), ('list', {}),
                ('load', {'names': 'guest,lifecycle'}),
                ('stop', {'module': 'lifecycle'}),
                ('start', {'module': 'lifecycle'}),
                ('rmmod', {'names': 'guest,greeter'}),
                ('load', {'names': 'hello'}),
                ('call', {'symbol': 'hello_add', 'args': '7,5'}),
                ('rmmod', {'names': 'hello'})):
            self.other.ok(verb, **fields)
        self.assertEqual(self.other.insmod(module('hello')).word, 'ok')
        self.assertNotIn('awake', self.served.said())

    def test_a_module_that_starts_for_ever_holds_up_no_set(self):
        host = self.host('-L', folder())
        slow, other = self.client(host), self.client(host)
        slow.insmod(module('sleeper', 'hosted'), params='stop_ms=600000')
        slow.send('stop', module='sleeper')
        host.wait_for('sleeper: sleeps')
        other.ok('load', names='guest')
        other.ok('rmmod', names='guest,greeter')

    def test_it_is_listed_with_its_client(self):
        self.serve()
        line = self.other.ok('list')[0][0]
        self.assertEqual((line['module'], line['state'], line['verb'],
                          line['client'], line['process']),
                         ('sleeper', 'loaded', 'insmod', 'test',
                          str(os.getpid())))
        first = int(line['age_ns'])
        info = self.other.ok('info', module='sleeper')[1]
        self.assertGreater(int(info['age_ns']), first)
        before, _ = self.other.ok('requests')
        self.assertEqual([(x.word, x['verb'], x['module'], x['client'])
                          for x in before],
                         [('request', 'insmod', 'sleeper', 'test')])
        self.assertNotIn('verb', self.other.ok('load', names='hello')[0][0]
                         .fields)

    def test_commands_show_it_as_being_loaded(self):
        self.serve()
        env = dict(os.environ, TENON_SOCKET=self.served.path)

        def out(*words):
            return subprocess.run([binary(self.config), *words], env=env,
                                  check=True, capture_output=True, text=True,
                                  timeout=hostkit.LIMIT).stdout
        self.assertIn('\nsleeper ', out('lsmod'))
        self.assertEqual(json.loads(out('lsmod', '--json'))['state'],
                         'coming')
        self.assertRegex(out('shell', '-a', '-c', 'list'),
                         r'\nsleeper .* loaded .*\(insmod of test, process '
                         rf'{os.getpid()}, \d+ s\)\n')
        self.assertRegex(out('shell', '-a', '-c', 'requests'),
                         rf'\A *\d+ s +insmod +sleeper +test +{os.getpid()}\n')

    def test_who_wants_it_too_waits_for_a_time_and_hears_for_whom(self):
        self.serve('--wait', '1')
        who = rf'\(insmod of client test, process {os.getpid()}, for \d+ s\)'
        answer = self.other.insmod(module('sleeper', 'hosted'))
        self.assertFails(answer, 'ETIMEDOUT', 'wait_time')
        self.assertRegex(answer['text'], 'has waited 1000 ms .*' + who)
        answer = self.other.ask('rmmod', names='sleeper')[1]
        self.assertFails(answer, 'EBUSY', 'in_progress')
        self.assertRegex(answer['text'], 'is being loaded .*' + who)
        self.served.wait_for('tenon host: insmod sleeper of client test '
                             f'(process {os.getpid()}) takes long\n')

    def test_a_load_ends_though_its_client_has_vanished(self):
        self.serve(ms=200)
        self.slow.close()
        wait_until(lambda: self.other.ok('list')[0][0]['state'] == 'running')
        wait_until(lambda: self.other.ok('status')[1]['clients'] == '1')

    def test_it_is_named_when_the_host_stops(self):
        self.serve('--stop', '1')
        self.assertEqual(self.served.stop(), 1)
        self.assertRegex(self.served.said(), r'insmod sleeper of client test '
                         r'\(process \d+\) still runs')

    def test_a_second_signal_ends_the_host_at_once(self):
        self.serve()
        self.served.signal()
        wait_until(lambda: not os.path.exists(self.served.path))
        self.served.signal(signal.SIGINT)
        self.assertEqual(self.served.end(), 128 + signal.SIGINT)
