# SPDX-License-Identifier: MIT
"""`tenon sign`, `tenon verify` and the policy of `tenon run`, against Linux's
sign-file, OpenSSL and kmod's modinfo."""
import glob
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from test_tools import TOP, Case, module, tenon

sys.path.insert(0, os.path.join(TOP, 'tools/hostd/test'))
import hostkit  # noqa: E402

MAGIC = b'~Module signature appended~\n'
SIGN_FILE = sorted(glob.glob('/usr/lib/linux-kbuild-*/scripts/sign-file'))
PIN = 'correct horse'


def run(*argv, **env):
    return subprocess.run(argv, check=True, timeout=60, capture_output=True,
                          text=True, env={**os.environ, **env})


class Signed(Case):
    """A folder with a key, its certificate and a module."""

    @classmethod
    def setUpClass(cls):
        cls.made = {}

    def key(self, name, *options, days='3650'):
        """Makes a key and a certificate, once for all tests of a class."""
        if name not in self.made:
            folder = self.class_folder()
            run('openssl', 'req', '-new', '-x509', '-newkey', 'rsa:2048',
                '-nodes', '-days', days, '-sha256', '-subj', f'/CN={name}',
                '-addext', 'keyUsage=digitalSignature',
                '-keyout', f'{folder}/{name}.key',
                '-out', f'{folder}/{name}.pem', *options)
            self.made[name] = folder
        for suffix in '.key', '.pem':
            shutil.copy(f'{self.made[name]}/{name}{suffix}', self.dir)
        return self.path(f'{name}.key'), self.path(f'{name}.pem')

    def class_folder(self):
        folder = tempfile.mkdtemp()
        self.addClassCleanup(shutil.rmtree, folder)
        return folder

    def copy(self, name='hello', to=None):
        return shutil.copy(module(name), self.path(to or f'{name}.ko'))

    def keys(self, *certificates):
        folder = self.path('keys')
        os.makedirs(folder, exist_ok=True)
        for c in certificates:
            shutil.copy(c, folder)
        return folder

    def signed(self, name='ours', to=None, *options):
        key, cert = self.key(name)
        path = self.copy(to=to)
        done = tenon('sign', '-k', key, '-c', cert, *options, path)
        self.assertEqual(done.returncode, 0, done.stderr)
        return path, cert

    def verify(self, path, *options):
        done = tenon('verify', *options, path)
        return done.returncode, done.stdout.strip()

    def assertNotTrusted(self, path, *says, options=()):
        status, line = self.verify(path, *options)
        self.assertEqual(status, 1, line)
        for text in ('NOT trusted', *says):
            self.assertIn(text, line)


@unittest.skipUnless(SIGN_FILE, 'linux-kbuild is not installed')
class SignFile(Signed):
    def compare(self, digest, ours=(), theirs=()):
        key, cert = self.key('ours')
        a, b = self.copy(to='a.ko'), self.copy(to='b.ko')
        done = tenon('sign', '-k', key, '-c', cert, '-a', digest, *ours, a)
        self.assertEqual(done.returncode, 0, done.stderr)
        run(SIGN_FILE[-1], *theirs, digest, key, cert, b)
        with open(a, 'rb') as x, open(b, 'rb') as y:
            self.assertEqual(x.read(), y.read())

    def test_bytes_are_those_of_sign_file(self):
        for digest in 'sha256', 'sha384', 'sha512':
            with self.subTest(digest=digest):
                self.compare(digest)

    def test_bytes_with_a_key_identifier_are_those_of_sign_file(self):
        self.compare('sha256', ours=['--key-id'], theirs=['-k'])

    def test_what_sign_file_signs_is_trusted(self):
        key, cert = self.key('ours')
        path = self.copy()
        run(SIGN_FILE[-1], 'sha256', key, cert, path)
        status, line = self.verify(path, '--keys', self.keys(cert))
        self.assertEqual((status, 'signed by ours' in line), (0, True), line)

    def test_a_key_with_a_password_signs_with_it_only(self):
        key, cert = self.key('ours')
        locked = self.path('locked.key')
        run('openssl', 'pkey', '-in', key, '-aes256', '-passout',
            f'pass:{PIN}', '-out', locked)
        path = self.copy()
        done = tenon('sign', '-k', locked, '-c', cert, path)
        self.assertRefused(done, 'locked.key is not a private key, or its '
                           'password is another')
        os.environ['KBUILD_SIGN_PIN'] = PIN
        self.addCleanup(os.environ.pop, 'KBUILD_SIGN_PIN')
        done = tenon('sign', '-k', locked, '-c', cert, path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(
            self.verify(path, '--keys', self.keys(cert))[0], 0)


class Sign(Signed):
    def test_openssl_verifies_the_signature(self):
        path, cert = self.signed()
        with open(path, 'rb') as f:
            data = f.read()
        self.assertTrue(data.endswith(MAGIC))
        size = int.from_bytes(data[-len(MAGIC) - 4:-len(MAGIC)], 'big')
        end = len(data) - len(MAGIC) - 12
        with open(self.path('sig'), 'wb') as f:
            f.write(data[end - size:end])
        run('openssl', 'cms', '-verify', '-binary', '-inform', 'DER', '-in',
            self.path('sig'), '-content', module('hello'), '-certfile', cert,
            '-nointern', '-noverify', '-out', '/dev/null')

    def test_modinfo_of_kmod_shows_it(self):
        path, _ = self.signed()
        shown = run('/sbin/modinfo', path).stdout
        for line in ('sig_id: +PKCS#7', 'signer: +ours', 'sig_key: +..:..:',
                     'sig_hashalgo: +sha256'):
            self.assertRegex(shown, line)

    def test_a_signed_module_runs(self):
        path, cert = self.signed()
        done = tenon('run', '--verify', 'require', '--keys', self.keys(cert),
                     path, '--call', 'hello_add,7,5')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('12', done.stdout)

    def test_another_output_leaves_the_input_as_it_is(self):
        key, cert = self.key('ours')
        path, out = self.copy(), self.path('out.ko')
        done = tenon('sign', '-k', key, '-c', cert, '-o', out, path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse(open(path, 'rb').read().endswith(MAGIC))
        self.assertTrue(open(out, 'rb').read().endswith(MAGIC))

    def test_the_file_keeps_its_mode(self):
        for mode in (0o666, 0o640, 0o755):
            path = self.copy()
            os.chmod(path, mode)
            key, cert = self.key('ours')
            old = os.umask(0o077)
            try:
                done = tenon('sign', '-k', key, '-c', cert, path)
            finally:
                os.umask(old)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(os.stat(path).st_mode & 0o7777, mode)

    def test_twice_is_refused_and_replaced_on_request(self):
        path, cert = self.signed()
        key = self.path('ours.key')
        once = open(path, 'rb').read()
        done = tenon('sign', '-k', key, '-c', cert, path)
        self.assertRefused(done, path, 'is signed already', '--replace')
        self.assertEqual(open(path, 'rb').read(), once)
        done = tenon('sign', '-r', '-k', key, '-c', cert, path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(open(path, 'rb').read(), once)

    def test_strip_gives_the_unsigned_file_back(self):
        path, _ = self.signed()
        self.assertEqual(tenon('sign', '--strip', path).returncode, 0)
        with open(path, 'rb') as a, open(module('hello'), 'rb') as b:
            self.assertEqual(a.read(), b.read())
        self.assertRefused(tenon('sign', '--strip', path), 'is not signed')

    def test_strip_is_clean_under_sanitizers(self):
        sanitized = os.path.join(TOP, 'build/host-asan/bin/tenon')
        if not os.path.exists(sanitized):
            self.skipTest('host-asan is not built')
        path, _ = self.signed()
        run(sanitized, 'sign', '--strip', path)

    def test_a_foreign_key_is_refused(self):
        key, _ = self.key('ours')
        _, cert = self.key('other')
        path = self.copy()
        before = open(path, 'rb').read()
        done = tenon('sign', '-k', key, '-c', cert, path)
        self.assertRefused(done, 'is not the key of the certificate')
        self.assertEqual(open(path, 'rb').read(), before)
        self.assertEqual(os.listdir(self.dir).count('hello.ko'), 1)

    def test_bad_files_are_named(self):
        key, cert = self.key('ours')
        path = self.copy()
        text = self.path('text.pem')
        with open(text, 'w') as f:
            f.write('nothing\n')
        packed = self.path('hello.ko.gz')
        with open(path, 'rb') as f, gzip.open(packed, 'wb') as g:
            g.write(f.read())
        for k, c, p, *says in (
                (self.path('no'), cert, path, 'cannot read', '/no'),
                (text, cert, path, 'text.pem is not a private key'),
                (key, text, path, 'text.pem is not a certificate'),
                (key, cert, self.path('gone.ko'), 'gone.ko: No such file'),
                (key, cert, packed, 'sign it before it is compressed')):
            with self.subTest(says=says):
                self.assertRefused(tenon('sign', '-k', k, '-c', c, p), *says)


class Verify(Signed):
    def test_one_changed_byte_anywhere_is_noticed(self):
        path, cert = self.signed()
        keys = self.keys(cert)
        data = bytearray(open(path, 'rb').read())
        self.assertEqual(self.verify(path, '--keys', keys)[0], 0)
        content = os.path.getsize(module('hello'))
        steps = [*range(0, content, content // 20),
                 *range(content, len(data), 7)]
        for at in steps:
            damaged = bytearray(data)
            damaged[at] ^= 0x20
            with open(self.path('damaged.ko'), 'wb') as f:
                f.write(damaged)
            status, line = self.verify(
                self.path('damaged.ko'), '--keys', keys)
            self.assertEqual(status, 1, f'byte {at}: {line}')

    def test_every_cut_is_noticed(self):
        path, cert = self.signed()
        keys = self.keys(cert)
        data = open(path, 'rb').read()
        for size in range(len(data) - 700, len(data), 23):
            with open(self.path('cut.ko'), 'wb') as f:
                f.write(data[:size])
            self.assertEqual(
                self.verify(self.path('cut.ko'), '--keys', keys)[0], 1)

    def test_an_unknown_signer_is_named(self):
        path, _ = self.signed()
        _, other = self.key('other')
        self.assertNotTrusted(path, 'signed by ours', 'no certificate knows',
                              options=['--keys', self.keys(other)])

    def test_a_certificate_of_the_same_name_does_not_do(self):
        """A name is no key: the same issuer and serial number, another key."""
        path, cert = self.signed()
        serial = run('openssl', 'x509', '-noout', '-serial', '-in', cert)
        number = serial.stdout.strip().split('=')[1]
        fake = self.path('fake.pem')
        run('openssl', 'req', '-new', '-x509', '-newkey', 'rsa:2048', '-nodes',
            '-subj', '/CN=ours', '-set_serial', '0x' + number, '-keyout',
            self.path('fake.key'), '-out', fake)
        self.assertNotTrusted(path, 'another key',
                              options=['--keys', self.keys(fake)])

    def test_dates_of_certificates_do_not_count(self):
        key, cert = self.key('ours')
        old = self.path('old.der')
        run('openssl', 'x509', '-in', cert, '-outform', 'DER', '-out', old)
        with open(old, 'rb') as f:
            der = f.read()
        # both of its times, which openssl writes into the past for nobody
        der, n = re.subn(rb'\x17\x0d\d{12}Z', b'\x17\x0d200101000000Z', der)
        self.assertEqual(n, 2)
        with open(old, 'wb') as f:
            f.write(der)
        shown = run('openssl', 'x509', '-in', old, '-noout', '-enddate')
        self.assertIn('2020', shown.stdout)
        path = self.copy()
        done = tenon('sign', '-k', key, '-c', old, path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.verify(path, '--keys', self.keys(old))[0], 0)

    def test_der_certificates_and_other_files_in_the_folder(self):
        path, cert = self.signed()
        keys = self.keys()
        run('openssl', 'x509', '-in', cert, '-outform', 'DER', '-out',
            f'{keys}/ours.x509')
        with open(f'{keys}/README', 'w') as f:
            f.write('keys\n')
        self.assertEqual(self.verify(path, '--keys', keys)[0], 0)
        with open(f'{keys}/bad.der', 'w') as f:
            f.write('keys\n')
        done = tenon('verify', '--keys', keys, path)
        self.assertRefused(done, 'bad.der is not a certificate', status=2)

    def test_elliptic_keys_sign_too(self):
        key, cert = self.key('curve', '-newkey', 'ec', '-pkeyopt',
                             'ec_paramgen_curve:P-384')
        path = self.copy()
        done = tenon('sign', '-k', key, '-c', cert, path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.verify(path, '--keys', self.keys(cert))[0], 0)

    def test_a_folder_without_certificates_is_no_policy(self):
        path, cert = self.signed()
        shutil.copy(cert, self.keys() + '/ours.txt')
        done = tenon('verify', '--keys', self.keys(), path)
        self.assertRefused(done, 'keys has no certificate', '.pem', status=2)
        allow = self.path('allow')
        with open(allow, 'w') as f:
            f.write(run('sha256sum', path).stdout)
        self.assertEqual(self.verify(
            path, '--keys', self.keys(), '--allow', allow)[0], 0)

    def test_compressed_modules_are_unpacked_first(self):
        path, cert = self.signed()
        subprocess.run(['xz', path], check=True)
        self.assertEqual(
            self.verify(path + '.xz', '--keys', self.keys(cert))[0], 0)

    def test_weak_digests_and_attributes_are_refused(self):
        key, cert = self.key('ours')
        keys = self.keys(cert)
        for options, says in (
                (['-md', 'sha1', '-noattr'], 'sha1 is too weak'),
                (['-md', 'sha256'], 'attributes')):
            path = self.copy()
            run('openssl', 'cms', '-sign', '-binary', '-nocerts', '-nosmimecap',
                '-outform', 'DER', '-in', path, '-signer', cert, '-inkey', key,
                '-out', self.path('sig'), *options)
            with open(self.path('sig'), 'rb') as f:
                der = f.read()
            with open(path, 'ab') as f:
                f.write(der + bytes((0, 0, 2, 0, 0, 0, 0, 0)) +
                        len(der).to_bytes(4, 'big') + MAGIC)
            self.assertNotTrusted(path, says, options=['--keys', keys])

    def test_a_listed_digest_is_trusted(self):
        path = self.copy()
        digest = run('sha256sum', path).stdout
        allow = self.path('allow')
        with open(allow, 'w') as f:
            f.write('# modules\n\n' + 'ab' * 32 + '  other.ko\n' + digest)
        self.assertEqual(self.verify(path, '--allow', allow)[0], 0)
        with open(path, 'ab') as f:
            f.write(b'x')
        self.assertNotTrusted(path, 'not signed', options=['--allow', allow])
        with open(allow, 'a') as f:
            f.write('12 x\n')
        done = tenon('verify', '--allow', allow, path)
        self.assertRefused(
            done, 'allow:5: not a line of sha256sum', status=2)

    def test_every_line_that_sha256sum_writes_is_taken(self):
        path = self.copy()
        folder = self.path('d' * 200 + '/' + 'e' * 200)
        os.makedirs(folder)
        odd = shutil.copy(path, folder + '/back\\slash\nand newline.ko')
        with open(self.path('other'), 'w') as f:
            f.write('something else')
        allow = self.path('allow')
        for options in ((), ('--binary',)):
            with open(allow, 'w') as f:
                f.write(run('sha256sum', *options, self.path('other'),
                            odd).stdout)
            self.assertIn('\n\\', open(allow).read())
            self.assertEqual(self.verify(path, '--allow', allow)[0], 0)

    def test_the_digest_of_a_packed_module_is_that_of_what_is_in_it(self):
        path = self.copy()
        allow = self.path('allow')
        with open(allow, 'w') as f:
            f.write(run('sha256sum', path).stdout)
        subprocess.run(['xz', path], check=True)
        self.assertEqual(self.verify(path + '.xz', '--allow', allow)[0], 0)

    def test_json_names_signer_and_error(self):
        path, cert = self.signed()
        keys = self.keys(cert)
        plain = self.copy(to='plain.ko')
        done = tenon('verify', '--json', '--keys', keys, path, plain)
        good, bad = (json.loads(x) for x in done.stdout.splitlines())
        self.assertEqual((good['trusted'], good['signer'], good['digest'],
                          good['error']), (True, 'ours', 'sha256', None))
        self.assertRegex(good['key'], '^(..:)+..$')
        self.assertEqual((bad['trusted'], bad['error'], bad['signer']),
                         (False, 'ENODATA', None))


class Policy(Signed):
    def run_module(self, path, *options):
        return tenon('run', *options, path, '--call', 'hello_add,7,5')

    def test_off_looks_at_nothing(self):
        done = self.run_module(self.copy(), '--verify', 'off')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn('tenon run', done.stderr)

    def test_warn_loads_and_says_so_once(self):
        _, cert = self.key('ours')
        done = self.run_module(
            self.copy(), '--verify', 'warn', '--keys', self.keys(cert))
        self.assertEqual(done.returncode, 0, done.stderr)
        said = [x for x in done.stderr.splitlines() if 'tenon run' in x]
        self.assertEqual(said, [
            'tenon run: warning: hello: the module is not signed'])

    def test_require_refuses_and_says_why(self):
        _, cert = self.key('ours')
        keys = self.keys(cert)
        done = self.run_module(
            self.copy(), '--verify', 'require', '--keys', keys)
        self.assertRefused(done, 'verification hook', 'is not signed')
        path, _ = self.signed('other', 'signed.ko')
        done = self.run_module(path, '--verify', 'require', '--keys', keys)
        self.assertRefused(done, 'signed by other', 'no certificate knows')

    def test_dependencies_are_examined_too(self):
        key, cert = self.key('ours')
        keys = self.keys(cert)
        user = shutil.copy(module('user'), self.dir)
        shutil.copy(module('provider'), self.dir)
        self.assertEqual(
            tenon('sign', '-k', key, '-c', cert, user).returncode, 0)
        done = tenon('run', '--verify', 'require', '--keys', keys, '-L',
                     self.dir, user)
        self.assertRefused(done, 'provider', 'is not signed')

    def test_wrong_options_are_named(self):
        path = self.copy()
        done = self.run_module(path, '--verify', 'perhaps')
        self.assertRefused(done, "not 'perhaps'", status=2)
        done = self.run_module(path, '--verify', 'require')
        self.assertRefused(done, 'every module would be refused', status=2)
        done = self.run_module(
            path, '--verify', 'warn', '--keys', self.path('no'))
        self.assertRefused(done, 'cannot read folder', '/no', status=2)

    def test_who_trusts_nothing_has_asked_wrongly(self):
        path = self.copy()
        socket = self.path('socket')
        for words in (['verify', path],
                      ['host', '--verify', 'require', '--socket', socket],
                      ['run', '--json', '--verify', 'require', path]):
            done = tenon(*words)
            self.assertRefused(done, f'tenon {words[0]}: without --keys and '
                               '--allow', status=2)
            self.assertEqual(done.stdout, '')
        for options in (['--keys', self.path('no')], ['--keys', path],
                        ['--allow', self.path('no')]):
            done = tenon('verify', *options, path)
            self.assertRefused(done, 'cannot read', options[1], status=2)
        self.assertFalse(os.path.exists(socket))


class Host(Signed):
    """The same policy, for those who load by a socket."""

    def serve(self, *options):
        host = hostkit.Host(self.dir, *options)
        self.addCleanup(host.kill)
        client = host.client()
        self.addCleanup(client.close)
        return host, client

    def test_a_client_hears_why(self):
        path, cert = self.signed()
        _, client = self.serve('--verify', 'require', '--keys',
                               self.keys(cert))
        self.assertEqual(client.insmod(path).word, 'ok')
        answer = client.insmod(self.copy('provider'))
        self.assertEqual(answer.word, 'error')
        self.assertIn('the module is not signed', answer['text'])
        self.assertEqual(client.names(), ['hello'])

    def test_warn_loads_and_says_so_in_the_hosts_log(self):
        host, client = self.serve('--verify', 'warn')
        self.assertEqual(client.insmod(self.copy()).word, 'ok')
        host.wait_for('warning: the module is not signed')


if __name__ == '__main__':
    unittest.main()
