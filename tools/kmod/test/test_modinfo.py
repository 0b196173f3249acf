# SPDX-License-Identifier: MIT
"""modinfo beside kmod's: every field of every module, and damaged files."""
import glob
import json
import lzma
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(TOP, 'oracle'))
import apt              # noqa: E402  pylint: disable=wrong-import-position
import fetch            # noqa: E402  pylint: disable=wrong-import-position
import kmod_pair        # noqa: E402  pylint: disable=wrong-import-position

VERSION = '1.0-test'
OURS = sorted(glob.glob(os.path.join(TOP, 'build/modules/*/*/*.ko')))
FIELDS = ['parm', 'parmtype', 'filename', 'license', 'LICENSE', 'novalue',
          'k', '', 'name', 'alias', 'depends', 'vermagic', 'signer']
ODD = ['parm=a:desc a', 'parmtype=b:int', 'parm=c:desc c', 'parmtype=c:uint',
       'parm=nocolon', 'parmtype=alsonone', 'novalue', '=emptykey', 'k=',
       'averyveryverylongkeyname=x', 'exactly15chars_=y',
       'sixteen_chars_xx=z', 'parm=a:again', 'parmtype=c:again', 'parm=:x',
       'multi=line\\nline2', 'License=cap', 'license=low', 'parm=d:',
       'parmtype=d:', 'name=zzz', 'filename=foo']


class Case(unittest.TestCase):
    def setUp(self):
        if kmod_pair.theirs('modinfo') is None:
            self.skipTest('kmod is not installed')
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.dir = scratch.name
        self.pair = kmod_pair.Pair('modinfo', self.dir, VERSION)

    def same(self, *args):
        """Everything is kmod's; gives the output."""
        want, got = self.pair.both(*args)
        self.assertEqual(got, want, args)
        return got[1].decode(errors='replace')

    def ours(self, *args):
        return kmod_pair.run(self.pair.ours, [*self.pair.where, *args])

    def assemble(self, name, *strings):
        """A file with these strings in .modinfo."""
        path = os.path.join(self.dir, name)
        text = '.section .modinfo,"a"\n' + ''.join(
            f'.asciz "{s}"\n' for s in strings)
        subprocess.run(['gcc', '-c', '-x', 'assembler', '-', '-o', path],
                       input=text, text=True, check=True)
        return path

    def copy(self, name, change):
        """A copy of hello.ko with changed bytes."""
        path = os.path.join(self.dir, name)
        with open(os.path.join(
                TOP, 'build/modules/x86_64/common/hello.ko'), 'rb') as file:
            data = change(bytearray(file.read()))
        with open(path, 'wb') as file:
            file.write(data)
        return path


class Files(Case):
    def test_modules_of_ours_are_shown_as_by_kmod(self):
        self.assertGreater(len(OURS), 100)
        out = self.same(*OURS)
        self.assertEqual(out.count('filename:'), len(OURS))
        for option in ('-0', '-p', '-n', '-a', '-d', '-l', '-m'):
            self.same(option, *OURS)

    def test_odd_entries_are_laid_out_as_by_kmod(self):
        path = self.assemble('odd.ko', *ODD)
        self.same(path)
        self.same('-0', path)
        for field in FIELDS:
            self.same('-F', field, path)
            self.same('-0', '-F', field, path)

    def test_packed_modules_are_read(self):
        path = self.copy('hello.ko.xz', lzma.compress)
        self.assertIn('license:', self.same(path))
        self.copy('hello.ko', lambda data: data)
        subprocess.run(['zstd', '-q', os.path.join(self.dir, 'hello.ko')],
                       check=True)
        self.same(path.replace('.xz', '.zst'))

    def test_usage_and_missing_modules(self):
        for args in ([], ['nosuch'], ['-m', 'nosuch'], ['./nosuch.ko'],
                     ['/etc/passwd'], ['-n', OURS[0], 'nosuch', OURS[1]]):
            self.same(*args)
        status, out, err = self.ours('-q')
        self.assertEqual((status, out), (1, b''))
        self.assertIn(b"invalid option -- 'q'", err)


class Signatures(Case):
    """Files signed by openssl, as the kernel's sign-file does it."""

    def signed(self, digest, subject):
        def path(name):
            return os.path.join(self.dir, name)
        shutil.copy(os.path.join(
            TOP, 'build/modules/x86_64/common/hello.ko'), path('plain.ko'))
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048',
                        '-nodes', '-subj', subject, '-days', '2',
                        '-keyout', path('key.pem'), '-out', path('cert.pem')],
                       check=True, capture_output=True)
        subprocess.run(['openssl', 'cms', '-sign', '-binary', '-noattr',
                        '-nocerts', '-md', digest, '-outform', 'DER',
                        '-signer', path('cert.pem'), '-inkey', path('key.pem'),
                        '-in', path('plain.ko'), '-out', path('sig')],
                       check=True, capture_output=True)
        with open(path('plain.ko'), 'rb') as file:
            data = file.read()
        with open(path('sig'), 'rb') as file:
            sig = file.read()
        return data, sig

    def append(self, data, sig, numbers=b'\0\0\2\0\0\0\0\0', length=None):
        path = os.path.join(self.dir, 'signed.ko')
        with open(path, 'wb') as file:
            file.write(data + sig + numbers + (
                len(sig) if length is None else length).to_bytes(4, 'big') +
                b'~Module signature appended~\n')
        return path

    def test_signer_key_hash_and_signature_are_shown_as_by_kmod(self):
        for digest, subject in (
                ('sha256', '/CN=Some signer'),
                ('sha512', '/O=First/CN=One/CN=Two'),
                ('sha1', '/O=Nobody')):
            data, sig = self.signed(digest, subject)
            out = self.same(self.append(data, sig))
            self.assertIn('sig_hashalgo:   ' + digest, out)
            self.same('-F', 'signer', self.append(data, sig))
        # openssl does not sign with sm3, whose identifier is as long as md5's
        data, sig = self.signed('md5', '/CN=x')
        path = self.append(data, sig.replace(
            bytes.fromhex('2a864886f70d0205'),
            bytes.fromhex('2a811ccf55018311')))
        self.assertIn('sig_hashalgo:   sm3', self.same(path))

    def test_signatures_that_are_damaged_show_nothing(self):
        data, sig = self.signed('sha256', '/CN=x')
        for n in range(0, len(sig), 23):
            path = self.append(data, sig[:n])
            status, out, _ = self.ours(path)
            self.assertEqual(status, 0)
            self.assertNotIn(b'sig_id', out, n)
        for length in (0, 1, len(data) + len(sig), 0xffffffff):
            path = self.append(data, sig, length=length)
            status, out, _ = self.ours(path)
            self.assertEqual((status, b'sig_id' in out), (0, False), length)

    def test_the_old_form_is_read(self):
        data, _ = self.signed('sha256', '/CN=x')
        self.assertIn('sig_hashalgo:   sha1', self.same(self.append(
            data, b'NAMEkeySIG', b'\1\2\1\4\3\0\0\0', 3)))

    def test_numbers_are_taken_and_passed_over_as_by_kmod(self):
        data, sig = self.signed('sha256', '/CN=x')
        shown = 0
        for algo in (0, 1, 2, 255):
            for hash_ in (*range(10), 255):
                for type_ in (0, 1, 2, 3):
                    signer, key = (0, 0) if type_ == 2 else (4, 3)
                    for length in (0, 3 if type_ != 2 else len(sig)):
                        shown += 'sig_id' in self.same(self.append(
                            data, sig if type_ == 2 else b'NAMEkeySIG',
                            bytes([algo, hash_, type_, signer, key, 0, 0, 0]),
                            length))
        self.assertEqual(shown, 2 * 9 * 3)


class Damage(Case):
    def test_the_message_says_what_is_wrong(self):
        for change, status, words in (
                (lambda data: b'', 1, b': it is shorter than an ELF header\n'),
                (lambda data: b'text' * 50, 1,
                 b': it is no ELF file of 64 bits, little-endian\n'),
                (lambda data: data[:-200], 1, b': it ends before 0x')):
            path = self.copy('bad.ko', change)
            want, got = self.pair.both(path)
            self.assertEqual(got[:2], want[:2])
            self.assertEqual(got[0], status)
            self.assertIn(words, got[2])
            self.assertIn(b"could not get modinfo from 'bad'", got[2])

    def test_every_cut_and_flip_ends_with_a_status(self):
        size = os.path.getsize(OURS[0])
        for at in range(0, size, max(1, size // 80)):
            def flip(data, at=at % 1000):
                data[at % len(data)] ^= 0xff
                return data
            for change in (flip, lambda data, at=at: data[:at]):
                status, _, _ = self.ours(self.copy('bad.ko', change))
                self.assertIn(status, (0, 1))


class Trees(Case):
    def test_built_in_modules_are_shown_as_by_kmod(self):
        tree = self.pair.tree
        os.makedirs(os.path.join(tree, 'kernel'))
        for name, data in (
                ('modules.builtin', b'kernel/x/foo-bar.ko\nkernel/no.ko\n'),
                ('modules.order', b''),
                ('modules.builtin.modinfo',
                 b'foo_bar.license=GPL\0foo_bar.parm=x:desc\0'
                 b'foo_bar.parmtype=x:int\0foo_bar.alias=al:*\0'
                 b'foo_bar.nothing\0other.license=MIT\0foo_bar.file=y\0')):
            with open(os.path.join(tree, name), 'wb') as file:
                file.write(data)
        kmod_pair.depmod(self.dir, VERSION)
        for args in (['foo_bar'], ['foo-bar'], ['-0', 'foo_bar'],
                     ['-F', 'name', 'foo_bar'], ['-n', 'foo_bar'],
                     ['-p', 'foo_bar'], ['al:x'], ['-m', 'al:x'],
                     ['-m', 'foo-bar']):
            self.same(*args)
        want, got = self.pair.both('no')
        self.assertEqual(got[:2], want[:2])
        os.unlink(os.path.join(tree, 'modules.builtin.modinfo'))
        self.same('no')

    def test_json_has_every_field(self):
        status, out, _ = self.ours('--json', OURS[0])
        self.assertEqual(status, 0)
        line = json.loads(out)
        self.assertEqual(line['filename'], OURS[0])
        self.assertIn('license', line['fields'])

    def test_a_distribution_kernel_is_as_by_kmod(self):
        files = []
        with fetch.Store() as store:
            for arch in ('amd64', 'arm64', 'riscv64'):
                files += self.files_of(store, arch)
        if not files:
            self.skipTest('*** no packages of the distribution ***')
        for option in ('-0', '-n', '--'):
            want, got = self.pair.both(option, *files)
            self.assertTrue(got == want, option)

    @staticmethod
    def files_of(store, arch):
        """A part of the modules of an architecture; [] if none can be had."""
        def is_away(name):
            return not all(map(store.has, fetch.pins((name,), arch)))

        # what is there costs no transfer
        for name in sorted(('slice', 'kernel'), key=is_away):
            try:
                trees = store.trees((name,), arch)
            except apt.Unavailable as error:
                fetch.say(f'*** {arch}: {error} ***')
                continue
            files = sorted(path for _, folder in trees for path in glob.glob(
                os.path.join(folder, '**/*.ko*'), recursive=True))
            return files[::4 if files[0].endswith('.ko') else 20]
        return []


if __name__ == '__main__':
    unittest.main()
