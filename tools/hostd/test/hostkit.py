# SPDX-License-Identifier: MIT
"""For tests with a module host: a `tenon host` in a folder of its own, and a
client that speaks the protocol as docs/host.md has it, without our library."""
import array
import os
import platform
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
ARCH = platform.machine()
LIMIT = 60      # Seconds: a hang detector, no measure.


def binary(config='host'):
    return os.path.join(TOP, 'build', config, 'bin', 'tenon')


def folder(profile='common'):
    return os.path.join(TOP, 'build/modules', ARCH, profile)


def module(name, profile='common'):
    return os.path.join(folder(profile), name + '.ko')


def wait_until(what, limit=LIMIT):
    end = time.monotonic() + limit
    while not what():
        if time.monotonic() > end:
            raise TimeoutError('it has not come to pass')
        time.sleep(0.002)


class Line:
    """One line from a host: its number, its word and its fields."""

    def __init__(self, text):
        number, self.word, *fields = text.rstrip('\n').split(' ')
        self.id = int(number)
        self.fields = {}
        for item in fields:
            key, value = item.split('=', 1)
            self.fields[key] = urllib.parse.unquote(value)

    def __getitem__(self, key):
        return self.fields[key]

    def get(self, key):
        return self.fields.get(key)


class Left(Exception):
    """The host has closed the connection."""


class Client:
    def __init__(self, path, hello=True):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(LIMIT)
        self.socket.connect(path)
        self.file = self.socket.makefile('rb')
        self.number = 0
        self.others = []
        if hello:
            self.ok('hello', version=1, client='test')

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, verb, files=(), **fields):
        """A request with open files; gives its number."""
        self.number += 1
        if files:
            fields['fds'] = len(files)
        words = [str(self.number), verb] + [
            f'{k}={urllib.parse.quote(str(v))}' for k, v in fields.items()]
        self.raw((' '.join(words) + '\n').encode(), files)
        return self.number

    def raw(self, data, files=()):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                   array.array('i', files))] if files else []
        sent = self.socket.sendmsg([data], rights)
        if sent < len(data):
            self.socket.sendall(data[sent:])

    def line(self):
        text = self.file.readline()
        if not text.endswith(b'\n'):
            raise Left
        return Line(text.decode('ascii'))

    def answer(self, number):
        """(the lines before, the last one) of a request."""
        before = []
        while True:
            line = self.line()
            if line.id != number:
                self.others.append(line)
            elif line.word in ('ok', 'error'):
                return before, line
            else:
                before.append(line)

    def ask(self, verb, files=(), **fields):
        return self.answer(self.send(verb, files, **fields))

    def ok(self, verb, files=(), **fields):
        before, last = self.ask(verb, files, **fields)
        assert last.word == 'ok', last.fields
        return before, last

    def insmod(self, path, **fields):
        fd = os.open(path, os.O_RDONLY)
        try:
            return self.ask('insmod', [fd], file=os.path.basename(path),
                            **fields)[1]
        finally:
            os.close(fd)

    def names(self):
        return [line['module'] for line in self.ok('list')[0]]


class Host:
    """A `tenon host` that serves."""

    def __init__(self, scratch, *options, config='host'):
        self.path = os.path.join(scratch, 'socket')
        self.log = os.path.join(scratch, 'log')
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen(
                [binary(config), 'host', '--socket', self.path, *options],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        self.first = self.process.stdout.readline().decode()

    def said(self):
        with open(self.log, encoding='utf-8', errors='replace') as f:
            return f.read()

    def wait_for(self, text):
        """Until it has said that: it may say so after it has answered."""
        wait_until(lambda: text in self.said())

    def client(self, **kw):
        return Client(self.path, **kw)

    def fds(self):
        return len(os.listdir(f'/proc/{self.process.pid}/fd'))

    def status_line(self, key):
        with open(f'/proc/{self.process.pid}/status', encoding='ascii') as f:
            return int(re.search(rf'^{key}:\s+(\d+)', f.read(), re.M)[1])

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def end(self):
        """Waits for it; gives its status."""
        try:
            return self.process.wait(LIMIT)
        finally:
            self.kill()

    def stop(self):
        self.signal()
        return self.end()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Case(unittest.TestCase):
    config = os.environ.get('HOST_CONFIG', 'host')

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.dir = scratch.name

    def host(self, *options, config=None):
        host = Host(self.dir, *options, config=config or self.config)
        self.addCleanup(host.kill)
        self.assertEqual(host.first, f'serving {host.path}\n', host.said())
        return host

    def client(self, host, **kw):
        client = host.client(**kw)
        self.addCleanup(client.close)
        return client

    def assertFails(self, answer, code, reason, *says):
        self.assertEqual(answer.word, 'error')
        self.assertEqual((answer['code'], answer['reason']), (code, reason),
                         answer.fields)
        for text in says:
            self.assertIn(text, answer['text'])
