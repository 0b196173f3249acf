# SPDX-License-Identifier: MIT
"""insmod, rmmod and lsmod: against a host, against kmod 30's own commands,
and against the files of a kernel in a folder of our own."""
import json
import os
import re
import shutil
import socket
import subprocess
import threading

import child
import hostkit
from hostkit import binary, folder, module, wait_until

COMMANDS = ('insmod', 'rmmod', 'lsmod')


class Case(hostkit.Case):
    def setUp(self):
        super().setUp()
        self.bin = os.path.join(self.dir, 'bin')
        os.mkdir(self.bin)
        for name in COMMANDS:
            os.symlink(binary(self.config), os.path.join(self.bin, name))
        self.env = dict(os.environ, LC_ALL='C',
                        TENON_SOCKET=os.path.join(self.dir, 'socket'))

    def run_one(self, program, *args):
        return subprocess.run([program, *args], env=self.env, cwd=self.dir,
                              stdin=subprocess.DEVNULL, timeout=60,
                              capture_output=True, text=True)

    def ours(self, name, *args):
        return self.run_one(os.path.join(self.bin, name), *args)

    def works(self, name, *args):
        done = self.ours(name, *args)
        self.assertEqual((done.returncode, done.stderr), (0, ''), args)
        return done.stdout

    def refused(self, *args):
        done = self.ours(*args)
        self.assertEqual((done.returncode, done.stdout), (1, ''), args)
        return done.stderr


class WithHost(Case):
    def setUp(self):
        super().setUp()
        self.served = self.host()

    def test_only_the_named_file_is_loaded(self):
        """proves: L13"""
        self.assertEqual(
            self.refused('insmod', module('guest')),
            f'insmod: ERROR: could not insert module {module("guest")}: '
            'Unknown symbol in module\n'
            'insmod: ERROR: guest: needs greeter >= 1.2 < 2, which is not '
            'loaded\n')
        self.assertEqual(self.works('lsmod'),
                         'Module                  Size  Used by\n')
        self.assertEqual(self.works('insmod', module('greeter')), '')
        self.assertEqual(self.works('insmod', module('guest')), '')
        self.assertRegex(self.works('lsmod'),
                         r'^Module                  Size  Used by\n'
                         r'guest                    \d{3}  0\n'
                         r'greeter                  \d{3}  1 guest\n$')

    def test_every_missing_symbol_is_named(self):
        says = self.refused('insmod', module('missing'))
        for text in ('Unknown symbol in module', '4 missing symbols',
                     'memcopy (nearest: memcpy)', 'nothing_like_it_anywhere'):
            self.assertIn(text, says)

    def test_modules_that_have_what_is_missing_are_named(self):
        tree = os.path.join(self.dir, 'lib/modules/1.0')
        os.makedirs(tree)
        for name in ('guest', 'greeter'):
            shutil.copy(module(name), tree)
        subprocess.run([binary(), 'depmod', '-b', self.dir, '1.0'], check=True,
                       stderr=subprocess.DEVNULL)
        hint = ('insmod: ERROR: greeter_greet is in module greeter, which is '
                'not loaded\n')
        self.assertIn(hint, self.refused('insmod', tree + '/guest.ko'))
        self.works('insmod', tree + '/greeter.ko')
        self.works('insmod', tree + '/guest.ko')
        self.assertNotIn(hint, self.refused('insmod', module('missing')))

    def test_users_go_first(self):
        """proves: L16 L20"""
        for name in ('greeter', 'guest'):
            self.works('insmod', module(name))
        self.assertEqual(self.refused('rmmod', 'greeter'), 'rmmod: ERROR: '
                         'Module greeter is in use by: guest\n')
        self.assertEqual(self.works('rmmod', 'guest', 'greeter'), '')
        self.assertEqual(self.works('lsmod').count('\n'), 1)

    def test_parameters_are_passed(self):
        self.works('insmod', module('greeter'), 'times=2', 'word="two words"')
        c = self.client(self.served)
        self.assertEqual([x['value'] for x in
                          c.ok('params', module='greeter')[0]],
                         ['2', 'two words'])
        self.works('rmmod', 'greeter')
        says = self.refused('insmod', module('greeter'), 'times=9')
        self.assertIn('Numerical result out of range', says)
        self.assertIn('9 is not within 1 to 5', says)

    def test_a_failed_init_is_told_by_its_number(self):
        """proves: L17"""
        says = self.refused('insmod', module('failing_init'))
        self.assertIn(': No such device\n', says)
        self.assertIn('init failed with -19', says)
        self.assertNotIn('failing_init', self.works('lsmod'))

    def test_what_is_loaded_is_not_loaded_again(self):
        self.works('insmod', module('hello'))
        self.assertIn('hello.ko: File exists\n',
                      self.refused('insmod', module('hello')))

    def test_files_that_are_no_modules(self):
        self.assertIn('Invalid module format',
                      self.refused('insmod', __file__))
        self.assertIn(': Is a directory', self.refused('insmod', self.dir))

    def test_force(self):
        self.works('insmod', module('permanent'))
        says = self.refused('rmmod', 'permanent')
        self.assertIn('could not remove module permanent: Device or resource '
                      'busy', says)
        self.works('rmmod', '-f', 'permanent')
        path = os.path.join(self.dir, 'bare-bone.ko')
        subprocess.run(['gcc', '-x', 'c', '-c', '-fPIC', '-', '-o', path],
                       input='int bare(void); int bare(void) { return 1; }',
                       text=True, check=True)
        self.assertIn('carries no .note.tenon',
                      self.refused('insmod', path))
        self.works('insmod', '-f', path)
        self.assertIn('bare_bone', self.works('lsmod'))

    def test_wait(self):
        for name in ('greeter', 'guest'):
            self.works('insmod', module(name))
        waiting = child.start(self, [self.bin + '/rmmod', '-w', 'greeter'],
                              env=self.env)
        c = self.client(self.served)
        wait_until(lambda: c.ok('status')[1]['clients'] == '2')
        self.works('rmmod', 'guest')
        self.assertEqual(waiting.wait(60), 0)

    def test_names_are_taken_as_kmod_takes_them(self):
        self.works('insmod', module('roafter'))
        self.works('rmmod', module('roafter'))
        self.works('insmod', module('common_bss'))
        self.works('rmmod', 'common-bss.ko')

    def test_json(self):
        for name in ('greeter', 'guest'):
            self.works('insmod', module(name))
        lines = [json.loads(x) for x in
                 self.works('lsmod', '--json').splitlines()]
        self.assertEqual([(x['module'], x['refs'], x['used_by'], x['state'])
                          for x in lines],
                         [('guest', 0, [], 'live'),
                          ('greeter', 1, ['guest'], 'live')])
        self.assertEqual(set(lines[0]), {'module', 'size', 'refs', 'used_by',
                                         'state'})

    def test_lost_output_is_a_failure(self):
        with open('/dev/full', 'w', encoding='ascii') as full:
            done = subprocess.run([self.bin + '/lsmod'], env=self.env,
                                  stdout=full, stderr=subprocess.PIPE,
                                  text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn('cannot be written', done.stderr)

    def test_several_are_gone_through_to_the_end(self):
        self.works('insmod', module('hello'))
        self.assertEqual(self.refused('rmmod', 'no1', 'hello', 'no2'),
                         'rmmod: ERROR: Module no1 is not currently loaded\n'
                         'rmmod: ERROR: Module no2 is not currently loaded\n')
        self.assertNotIn('hello', self.works('lsmod'))


class Alone(Case):
    def test_no_host_is_a_clear_error(self):
        for args in (('lsmod',), ('rmmod', 'x'), ('insmod', module('hello'))):
            self.assertEqual(
                self.refused(*args),
                f'{args[0]}: ERROR: no host serves {self.dir}/socket: '
                'start one with `tenon host`, or give --kernel\n')
        del self.env['TENON_SOCKET']
        self.env.pop('XDG_RUNTIME_DIR', None)
        self.env['TENON_SOCKET'] = ''
        if os.geteuid() != 0:
            self.assertIn('no socket is named', self.refused('lsmod'))

    def test_of_a_host_that_is_full_only_that_is_said(self):
        self.client(self.host('--clients', '1'))
        self.assertEqual(
            self.refused('lsmod'),
            'lsmod: ERROR: this host has as many clients as it serves at a '
            'time\n')

    def test_a_host_that_babbles_is_no_host(self):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(os.path.join(self.dir, 'socket'))
        listener.listen()
        for text in (b'HTTP/1.1 200 OK\r\n', b'x' * 70000, b'', b'1 ok\xff\n',
                     b'1 error\n', b'9 ok\n', b'1 ok a=%\n'):
            def serve(text=text):
                s, _ = listener.accept()
                s.recv(100)
                s.sendall(text)
                s.close()
            t = threading.Thread(target=serve)
            t.start()
            self.assertTrue(self.refused('lsmod').startswith('lsmod: ERROR: '))
            t.join()
        listener.close()

    def same(self, name, *args):
        """Ours does and says what kmod's does."""
        kmod = shutil.which(name, path='/sbin:/usr/sbin:/bin:/usr/bin')
        if kmod is None:
            self.skipTest('kmod is not installed')
        theirs = self.run_one(kmod, *args)
        ours = self.ours(name, *args, '--kernel')
        self.assertEqual(
            (ours.returncode, ours.stdout,
             ours.stderr.replace(self.bin, os.path.dirname(kmod))),
            (theirs.returncode, theirs.stdout, theirs.stderr), args)

    def test_errors_are_those_of_kmod(self):
        for args in ((), ('-',), ('no-such.ko',), ('-f', 'no-such.ko'),
                     ('-p', '-s', 'no-such.ko'), ('',),
                     ('/etc/passwd/x.ko',), ('-x', 'y'), ('--foo', 'y'), ('/etc',)):
            self.same('insmod', *args)
        for args in ((), ('no_such',), ('no-such', 'x'), ('-v', 'no-such'),
                     ('--verbose', 'no_such'), ('a]',), ('-s', 'no_such'),
                     ('--foo',), ('-x',), ('no.such',)):
            self.same('rmmod', *args)

    def test_lsmod_takes_no_argument(self):
        for args in (('x',), ('-V',), ('--foo',), ('-h',)):
            done = self.ours('lsmod', *args)
            self.assertEqual((done.returncode, done.stdout, done.stderr),
                             (1, '', f'Usage: {self.bin}/lsmod\n'))

    def test_version_and_help_are_for_scripts(self):
        for name in ('insmod', 'rmmod'):
            self.assertTrue(self.works(name, '-V').startswith(
                'kmod version 30\n'))
        for name in COMMANDS:
            lines = self.works(name, '--help').splitlines()
            self.assertEqual(lines[0], 'Usage:')
            self.assertLess(len(lines), 24)


GOLDEN = os.path.join(hostkit.TOP, 'tools/kmod/test/kernel.golden')


def golden():
    """[(words, modules that Linux showed, what kmod said and returned)]"""
    found = []
    with open(GOLDEN, encoding='ascii') as f:
        for line in f:
            mark, text = line[0], line[2:].rstrip('\n')
            if mark == '@':
                found.append((text.split(), [], {'1': '', '2': ''}))
            elif mark == 'M':
                found[-1][1].append(text.split())
            elif mark == '=':
                found[-1][2]['='] = int(text)
            elif mark in '12':  # else the kernel's console: syslog
                found[-1][2][mark] += text + '\n'
    return found


def in_order(text):
    """With users by name: in a folder they stand as its file system likes."""
    text = re.sub(r'\S+(,\S+)+$', lambda m: ','.join(
        sorted(m[0].split(','))), text, flags=re.M)
    return re.sub(r'(?<=in use by: ).*', lambda m: ' '.join(
        sorted(m[0].split())), text)


class Kernel(Case):
    """What a kernel shows, in a folder of our own."""

    def module(self, name, size=4096, refs=0, holders=(), state='live',
               **files):
        base = os.path.join(self.dir, 'root/sys/module', name)
        os.makedirs(base + '/holders')
        for holder in holders:
            open(f'{base}/holders/{holder}', 'w', encoding='ascii').close()
        for key, text in {'initstate': state, 'refcnt': refs,
                          'coresize': size, **files}.items():
            if text is not None:
                with open(f'{base}/{key}', 'w', encoding='ascii') as f:
                    f.write(f'{text}\n')
        word = {'live': 'Live', 'coming': 'Loading', 'going': 'Unloading'}
        users = ''.join(x + ',' for x in holders) or '-'
        os.makedirs(os.path.join(self.dir, 'root/proc'), exist_ok=True)
        with open(os.path.join(self.dir, 'root/proc/modules'), 'a',
                  encoding='ascii') as f:
            f.write(f'{name} {size} {refs} {users} {word[state]} 0x0 (OE)\n')

    def at_root(self, name, *args):
        return self.ours(name, *args, '--kernel', '--root',
                         os.path.join(self.dir, 'root'))

    def test_modules_are_listed(self):
        self.module('nf_nat', 65536, 1, ['xt_MASQUERADE'])
        self.module('a_name_of_more_than_nineteen', 12345678, 0)
        self.module('unknown', 16384, refs=None)
        done = self.at_root('lsmod')
        self.assertEqual(done.stdout, '''\
Module                  Size  Used by
nf_nat                 65536  1 xt_MASQUERADE
a_name_of_more_than_nineteen 12345678  0
unknown                16384  -2
''')
        lines = [json.loads(x) for x in
                 self.at_root('lsmod', '--json').stdout.splitlines()]
        self.assertEqual(lines[0]['used_by'], ['xt_MASQUERADE'])
        self.assertIsNone(lines[2]['refs'])

    def test_what_linux_showed_is_told_as_kmod_told_it(self):
        """A run of kmod's commands under Debian's kernel (`make corpus`): its
        lists, and its refusals that need no call of the kernel.

        proves: L19 L20"""
        compared = 0
        for words, modules, wanted in golden():
            looks = words[0] == 'lsmod' or (
                words[0] == 'rmmod' and wanted['='] == 1 and
                'builtin' not in wanted['2'] and '-f' not in words)
            if not looks or '-s' in words:
                continue
            shutil.rmtree(os.path.join(self.dir, 'root'), ignore_errors=True)
            os.makedirs(os.path.join(self.dir, 'root/proc'))
            open(os.path.join(self.dir, 'root/proc/modules'), 'w',
                 encoding='ascii').close()
            for name, size, refs, state, *users in modules:
                self.module(name, size, refs,
                            [x for x in ''.join(users).split(',') if x],
                            state)
            done = self.at_root(*words)
            self.assertEqual(
                (done.returncode, in_order(done.stdout),
                 in_order(done.stderr.replace(self.bin + '/', ''))),
                (wanted['='], in_order(wanted['1']), in_order(wanted['2'])),
                words)
            compared += 1
        self.assertGreater(compared, 20)

    def test_holders_and_states_are_told_as_kmod_does(self):
        """proves: L19 L20"""
        self.module('base', refs=2, holders=['middle', 'top'])
        self.module('held', refs=1)
        self.module('old', refs=None)
        done = self.at_root('rmmod', 'base')
        self.assertIn(done.stderr, [
            f'rmmod: ERROR: Module base is in use by: {x}\n'
            for x in ('middle top', 'top middle')])
        for name, says in (('held', 'Module held is in use'),
                           ('old', 'Module unloading is not supported'),
                           ('gone', 'Module gone is not currently loaded')):
            done = self.at_root('rmmod', name)
            self.assertEqual((done.returncode, done.stderr),
                             (1, f'rmmod: ERROR: {says}\n'))

    def test_what_is_built_in_stays(self):
        tree = os.path.join(self.dir, 'root/lib/modules', os.uname().release)
        os.makedirs(tree)
        with open(tree + '/modules.builtin', 'w', encoding='ascii') as f:
            f.write('kernel/fs/ext4.ko\nkernel/crypto/sha256-generic.ko\n')
        for name in ('ext4', 'sha256-generic'):
            done = self.at_root('rmmod', name)
            self.assertEqual(done.stderr, 'rmmod: ERROR: Module '
                             f'{name.replace("-", "_")} is builtin.\n')

    def test_another_root_is_only_looked_at(self):
        self.module('idle')
        done = self.at_root('rmmod', 'idle')
        self.assertEqual(done.returncode, 1)
        self.assertIn('can only be looked at', done.stderr)
        done = self.at_root('insmod', module('hello'))
        self.assertEqual(done.returncode, 1)
        self.assertIn('can only be looked at', done.stderr)

    def test_a_kernel_without_modules_is_told(self):
        os.mkdir(os.path.join(self.dir, 'root'))
        done = self.at_root('lsmod')
        self.assertEqual((done.returncode, done.stdout), (1, ''))
        self.assertIn('could not get list of modules: No such file or '
                      'directory', done.stderr)

    def test_damaged_lists_do_no_harm(self):
        os.makedirs(os.path.join(self.dir, 'root/proc'))
        path = os.path.join(self.dir, 'root/proc/modules')
        for data in (b'', b'\n\n', b'x\n', b'x y\n', b'\0\0 \0\n',
                     b'a' * 100000, b'../../.. 1 2 - Live\n',
                     b' 1 2\n', b'x 99999999999999999999999 -1 - Live\n'):
            with open(path, 'wb') as f:
                f.write(data)
            self.assertEqual(self.at_root('lsmod').returncode, 0, data)
