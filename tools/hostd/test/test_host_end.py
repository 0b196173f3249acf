# SPDX-License-Identifier: MIT
"""How a host ends: in order, and by a module that crashes."""
import os
import signal
import subprocess
import time

import child
import hostkit
from hostkit import Left, binary, folder, module, wait_until


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

    def test_who_was_told_to_ignore_a_hangup_does(self):
        """As by nohup(1)."""
        old = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            host = self.host()
        finally:
            signal.signal(signal.SIGHUP, old)
        host.signal(signal.SIGHUP)
        self.client(host).ok('ping')
        self.assertEqual(host.stop(), 0)

    def test_what_comes_twice_by_itself_does_not_insist(self):
        for first, second in ((signal.SIGTERM, signal.SIGTERM),
                              (signal.SIGHUP, signal.SIGHUP),
                              (signal.SIGTERM, signal.SIGHUP)):
            host = self.host()
            fields = {'params': 'exit_ms=300'}
            self.client(host).insmod(module('sleeper', 'hosted'), **fields)
            before = host.said().count('sleeper: sleeps')
            host.signal(first)
            wait_until(lambda: host.said().count('sleeper: sleeps') > before)
            host.signal(second)
            self.assertEqual(host.end(), 0)
            self.assertFalse(os.path.exists(host.path))

    def test_an_end_that_comes_at_the_beginning_leaves_nothing(self):
        for i in range(20):
            process = child.start(
                self, [binary(self.config), 'host', '--socket',
                       os.path.join(self.dir, 'socket')],
                stdout=subprocess.DEVNULL)
            time.sleep(i * 0.0002)  # wherever it comes
            process.terminate()
            self.assertIn(process.wait(hostkit.LIMIT), (0, -signal.SIGTERM))
            self.assertEqual(os.listdir(self.dir), [])

    def test_requests_that_have_arrived_are_answered(self):
        host = self.host()
        c = self.client(host)
        c.ok('subscribe')
        fd = os.open(module('sleeper', 'hosted'), os.O_RDONLY)
        first = c.send('insmod', [fd], params='init_ms=400')
        second = c.send('call', symbol='sleeper_sleep', args='1')
        host.wait_for('sleeper: sleeps')
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

    def test_all_that_has_arrived_is_answered_however_much_it_is(self):
        host = self.host('--stop', '600')  # however slow it is, too
        c = self.client(host)
        fd = os.open(module('sleeper', 'hosted'), os.O_RDONLY)
        c.send('insmod', [fd], params='init_ms=400')
        host.wait_for('sleeper: sleeps')
        os.close(fd)
        numbers = range(1000, 13000)
        c.raw(b''.join(b'%d ping\n' % i for i in numbers))
        host.signal()
        for number in numbers:
            self.assertEqual(c.answer(number)[1].word, 'ok')
        self.assertEqual(host.end(), 0)

    def test_who_has_connected_in_time_is_served(self):
        host = self.host()
        host.signal(signal.SIGSTOP)
        c = self.client(host, hello=False)
        c.raw(b'1 hello version=1\n2 ping\n')
        host.signal()
        host.signal(signal.SIGCONT)
        self.assertEqual([(x.id, x.word) for x in (c.line() for _ in 'abc')],
                         [(1, 'ok'), (2, 'ok'), (0, 'bye')])
        self.assertEqual(host.end(), 0)

    def test_who_waits_for_a_module_to_be_free_waits_no_longer(self):
        host = self.host('-L', folder())
        c = self.client(host)
        c.ok('load', names='guest')
        number = c.send('rmmod', names='greeter', wait=86400000)
        host.signal()
        before, last = c.answer(number)
        self.assertFails(last, 'ETIMEDOUT', 'in_use', 'in use by guest')
        self.assertEqual([x['name'] for x in before], ['guest'])
        self.assertEqual(host.end(), 0)
        self.assertIn('greeter: goodbye', host.said())

    def test_who_comes_during_the_end_finds_nobody(self):
        host = self.host()
        c = self.client(host)
        fd = os.open(module('sleeper', 'hosted'), os.O_RDONLY)
        number = c.send('insmod', [fd], params='init_ms=400')
        host.wait_for('sleeper: sleeps')
        host.signal()
        wait_until(lambda: not os.path.exists(host.path))
        again = self.host()
        self.assertEqual(c.answer(number)[1].word, 'ok')
        self.assertEqual(host.end(), 0)
        self.client(again).ok('ping')
        os.close(fd)

    def test_a_permanent_module_is_no_failure_and_modules_may_be_kept(self):
        host = self.host()
        self.client(host).insmod(module('permanent'))
        self.assertEqual(host.stop(), 0)
        host.wait_for('it is permanent')
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
        # sanitizers have handlers of their own
        host = self.host(config='host')
        with self.assertRaises((Left, OSError)):
            self.client(host).insmod(os.path.join(self.dir, 'boom.ko'))
        self.assertEqual(host.end(), -signal.SIGSEGV)
        host.wait_for('crash: SIGSEGV')
        host.wait_for('[boom]')
