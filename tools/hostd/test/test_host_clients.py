# SPDX-License-Identifier: MIT
"""Clients of a host that are slow, vanish, flood it or talk garbage."""
import os
import resource
import socket

import hostkit
from hostkit import Left, folder, module, wait_until


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

    def test_who_has_heard_of_his_end_may_come_again(self):
        host = self.host('--clients', '1')
        for _ in range(200):
            c = self.client(host, hello=False)
            c.raw(b'1 hello version=2\n')
            self.assertEqual(c.line()['reason'], 'version')
            with self.assertRaises(Left):
                c.line()
            c.close()

    def test_without_a_descriptor_for_it_a_client_hears_so(self):
        host = self.host()
        first = self.client(host)
        fds = [int(n) for n in os.listdir(f'/proc/{host.process.pid}/fd')]
        limit = max(fds) + 2
        limit += (limit - len(fds)) % 2 == 0  # one is left behind the pairs
        resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE,
                         (limit, limit))
        for _ in range((limit - len(fds)) // 2):
            self.client(host)
        last = self.client(host, hello=False).line()
        self.assertEqual((last['code'], last['reason']),
                         ('EAGAIN', 'no_descriptor'))
        host.wait_for('no descriptor for a client')
        first.ok('ping')

    def test_who_takes_nothing_is_dropped_and_the_others_go_on(self):
        host = self.host('--slow', '1', '-L', folder())
        slow, other = self.client(host), self.client(host)
        other.ok('load', names='hello,guest')
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.raw(b''.join(b'%d list\n' % i for i in range(1, 3000)))
        host.wait_for('does not take what it is sent')
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
        host.wait_for('does not take')
        os.close(fd)

    def test_who_never_says_hello_is_dropped(self):
        """Two of them fill the host; then there is room again."""
        host = self.host('--clients', '2')
        idle = [self.client(host, hello=False) for _ in range(2)]
        idle[0].raw(b'1 hel')
        with self.assertRaises(Left):
            idle[0].line()
        host.wait_for('does not say hello')
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
        host.wait_for('too many descriptors')
        other = self.client(host)
        wait_until(lambda: other.ok('status')[1]['clients'] == '1')
        wait_until(lambda: host.fds() == before)
        os.close(fd)


class Garbage(hostkit.Case):
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
