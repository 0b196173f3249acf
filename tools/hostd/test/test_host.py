# SPDX-License-Identifier: MIT
"""`tenon host`: its socket, its options, its standard descriptors."""
import os
import stat
import subprocess
import sys

import child
import hostkit
from hostkit import Client, binary


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
                [sys.executable, '-c',
                 'import os, socket, sys\n'
                 'os.setuid(int(sys.argv[2]))\n'
                 's = socket.socket(socket.AF_UNIX)\n'
                 's.connect(sys.argv[1])\n'
                 'try: s.sendall(b"1 hello version=1\\n")\n'
                 'except BrokenPipeError: pass\n'
                 'print(s.recv(1000).decode())', host.path, str(uid)],
                stdout=subprocess.PIPE, text=True, check=True).stdout
            self.assertIn(says, text)
        host.wait_for('does not serve your user')

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
        again.wait_for('left by a host that is gone')
        self.assertEqual(again.stop(), 0)
        self.assertEqual(sorted(os.listdir(self.dir)), ['log'])

    def test_of_many_that_start_at_once_one_serves(self):
        path = os.path.join(self.dir, 'socket')
        all_of_them = [child.start(
            self, [binary(), 'host', '--socket', path],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(8)]
        lines = [one.stdout.readline() for one in all_of_them]
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
            p = child.start(self, [binary(), 'host'], env={**env, **more},
                            stdout=subprocess.PIPE, text=True)
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


class Descriptors(hostkit.Case):
    """Closed standard descriptors are not what files and sockets get."""

    def test_a_host_without_them_keeps_its_files(self):
        path = os.path.join(self.dir, 'socket')
        process = child.start(
            self, ['sh', '-c', f'exec {hostkit.binary(self.config)} host -q '
                   f'--socket {path} <&- >&- 2>&-'])
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
