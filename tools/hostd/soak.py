# SPDX-License-Identifier: MIT
"""A soak of `tenon host`: clients that come, ask, misbehave and vanish.

    python3 tools/hostd/soak.py [--requests N] [--clients N] [--config C]

Each client is a thread with a connection of its own, which asks what chance
says and at random moments leaves: between requests, in the middle of a line,
without reading its answers, with descriptors that nobody has asked for. When
all have left, the host has no module, no child, the descriptors and threads
that it had after a fifth of the requests, and no more memory than it had then
but for what an allocator keeps; then it ends in order.
"""
import argparse
import os
import random
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                'test'))
import hostkit      # noqa: E402  pylint: disable=wrong-import-position

MODULES = ('hello', 'tiny', 'provider', 'greeter', 'ticker', 'lifecycle')
GROWTH_KB = 6144    # What arenas of an allocator may keep.


class Soak:
    def __init__(self, host, requests, clients, seed):
        self.host = host
        self.requests = requests
        self.clients = clients
        self.seed = seed
        self.lock = threading.Lock()
        self.done = 0
        self.counts = {}
        self.errors = []
        self.files = {name: os.open(hostkit.module(name), os.O_RDONLY)
                      for name in MODULES + ('missing',)}
        self.actions = {
            name[4:]: getattr(self, name) for name in dir(self)
            if name.startswith('ask_')}

    # --- what a client does; each returns False when it has left

    def ask_insmod(self, c, dice):
        name = dice.choice(MODULES)
        c.ask('insmod', [self.files[name]], file=name)
        return True

    def ask_rmmod(self, c, dice):
        c.ask('rmmod', names=dice.choice(MODULES))
        return True

    def ask_missing(self, c, _):
        answer = c.ask('insmod', [self.files['missing']])[1]
        if answer['reason'] != 'missing_symbol':
            raise AssertionError(answer.fields)
        return True

    def ask_set(self, c, dice):
        c.ask('load', names=dice.choice(('guest', 'user', 'greeter,hello')))
        c.ask('rmmod', names=dice.choice(('guest,greeter', 'user')))
        return True

    def ask_call(self, c, _):
        answer = c.ask('call', symbol='hello_add', args='7,5')[1]
        if answer.word == 'ok' and answer['result'] != '12':
            raise AssertionError(answer.fields)
        return True

    def ask_look(self, c, dice):
        c.ok('list')
        for verb in ('info', 'holders', 'ledger', 'params'):
            c.ask(verb, module=dice.choice(MODULES))
        return True

    def ask_set_parameter(self, c, dice):
        c.ask('set', module='greeter', param='times', value=dice.randint(1, 9))
        return True

    def ask_events(self, c, dice):
        c.ok(dice.choice(('subscribe', 'unsubscribe')))
        return True

    def ask_nonsense(self, c, dice):
        c.raw(bytes(dice.choices(range(33, 127), k=40)) + b'\n')
        while c.line().word != 'error':
            pass
        return True

    def ask_and_vanish(self, c, dice):
        c.send('insmod', [self.files[dice.choice(MODULES)]])
        c.send('list')
        c.socket.close()
        return False

    def ask_half(self, c, dice):
        c.raw(b'77 insmod file=x fds=3 para', [self.files['hello']] * 3)
        c.socket.close()
        return False

    # ---

    def count(self, name):
        """False: enough has been asked."""
        with self.lock:
            self.done += 1
            self.counts[name] = self.counts.get(name, 0) + 1
            return self.done < self.requests

    def connection(self, dice):
        """One connection and some requests; False: that was all."""
        c = self.host.client()
        more = here = True
        try:
            for _ in range(dice.randint(1, 40)):
                name = dice.choice(sorted(self.actions))
                here = self.actions[name](c, dice)
                more = self.count(name)
                if not here or not more:
                    break
        finally:
            c.close()
        return more

    def work(self, number):
        dice = random.Random(self.seed * 1000 + number)
        try:
            while self.connection(dice):
                pass
        except Exception as error:      # Told by the main thread.
            self.errors.append(f'client {number}: {error!r}')

    def run(self):
        threads = [threading.Thread(target=self.work, args=(i,))
                   for i in range(self.clients)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.done = 0
        if self.errors:
            raise AssertionError('\n'.join(self.errors[:5]))

    def state(self):
        pid = self.host.process.pid
        children = ''
        for task in os.listdir(f'/proc/{pid}/task'):
            try:
                with open(f'/proc/{pid}/task/{task}/children',
                          encoding='ascii') as f:
                    children += f.read()
            except OSError:
                pass                    # Not every kernel lists them.
        return {'descriptors': self.host.fds(), 'children': children,
                'threads': self.host.status_line('Threads')}

    def calm(self):
        """Waits until all other clients are gone, with their threads, and
        unloads everything; gives what is left, with this client's share."""
        c = self.host.client()
        hostkit.wait_until(lambda: c.ok('status')[1]['clients'] == '1')
        while names := c.names():
            c.ok('rmmod', names=','.join(names))
        state = self.state()
        c.close()
        return state

    def part(self, requests):
        """So many requests; gives (what is left, kilobytes)."""
        self.requests = requests
        self.run()
        return self.calm(), self.host.status_line('VmRSS')

    def whole(self):
        """All of it; gives the kilobytes that have been added."""
        fifth = self.requests // 5
        before, first = self.part(fifth)
        after, last = self.part(4 * fifth)
        if after != before or after['threads'] > 3:
            raise AssertionError(f'before {before}, after {after}')
        return last - first


def soak(scratch, requests, clients, config='host', seed=1):
    """Starts a host, soaks it and ends it; gives (Soak, KB grown)."""
    host = hostkit.Host(scratch, '-L', hostkit.folder(), '--clients',
                        str(20 * clients), config=config)
    try:
        s = Soak(host, requests, clients, seed)
        try:
            grown = s.whole()
        except Exception as error:
            raise AssertionError(f'{error}; the host said: '
                                 f'{host.said()[-12000:]}') from error
        status = host.stop()
        if status != 0 or 'Sanitizer' in host.said():
            raise AssertionError(f'status {status}: {host.said()[-2000:]}')
        if grown > GROWTH_KB and config == 'host':
            raise AssertionError(f'{grown} KB more after the same requests')
    finally:
        host.kill()
    return s, grown


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--requests', type=int, default=10000)
    parser.add_argument('--clients', type=int, default=50)
    parser.add_argument('--config', default='host')
    parser.add_argument('--seed', type=int, default=1)
    o = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        s, grown = soak(scratch, o.requests, o.clients, o.config, o.seed)
    print(', '.join(f'{n} {name}' for name, n in sorted(s.counts.items())))
    print(f'{sum(s.counts.values())} requests of {o.clients} clients in '
          f'{time.monotonic() - begun:.1f} s: nothing is left, '
          f'{grown} KB more memory')


if __name__ == '__main__':
    main()
