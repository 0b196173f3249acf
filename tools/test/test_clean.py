# SPDX-License-Identifier: MIT
"""Texts of hostile files on a terminal and in lines: nothing steers the one or
breaks the other, whichever applet shows them."""
import json
import os
import re
import shutil
import subprocess

from test_tools import TENON, Case, tenon

# A colour, a title, a beginning of a sequence in one byte and in UTF-8, and a
# line that nobody has written.
EVIL = b'a\033[31m\033]0;t\007\233m\xc2\x9bm\xff\r\nunloaded b\tc'
CLEAN = 'a?[31m?]0;t??m??m???unloaded b?c'
SOURCE = r'''
#include <tenon/module.h>
static char *word = "%s";
module_param(word, charp, 0644);
MODULE_PARM_DESC(word, "%s");
int evil_one(void);
int evil_one(void) { return 1; }
EXPORT_SYMBOL(evil_one);
MODULE_VERSION("%s");
MODULE_AUTHOR("%s");
MODULE_DESCRIPTION("%s");
MODULE_LICENSE("%s");
'''
CONTROL = re.compile('[\0-\x08\x0b-\x1f\x7f\x80-\x9f\ufffd]')


class Clean(Case):
    def module(self):
        text = ''.join(f'\\{byte:03o}' for byte in EVIL)
        with open(self.path('evil.c'), 'w', encoding='ascii') as f:
            f.write(SOURCE.replace('%s', text))
        done = tenon('cc', 'evil.c', cwd=self.dir)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.path('evil.ko')

    def told(self, *words, status=0):
        """What is printed, both ways, of which nothing does any harm."""
        done = subprocess.run(
            [TENON, *words], capture_output=True, timeout=60, cwd=self.dir,
            stdin=subprocess.DEVNULL,
            env=dict(os.environ, TENON_SOCKET=self.path('s'), TERM='dumb'))
        text = (done.stdout + done.stderr).decode(errors='replace')
        self.assertEqual(done.returncode, status, text)
        self.assertEqual(CONTROL.findall(text), [], (words, text))
        self.assertNotIn('\nunloaded b', text, words)
        return text

    def test_run(self):
        file = self.module()
        text = self.told('run', file, '--list', '--ledger',
                         '--get', 'evil.word')
        self.assertIn(f'loaded evil {CLEAN}, ', text)
        self.assertRegex(text, re.escape(f'evil                 {CLEAN} '))
        self.assertIn(f'evil.word = {CLEAN}\n', text)

    def test_a_long_text_is_told_to_its_end(self):
        name = 'm' * 5000 + '.\033'
        self.assertIn(f'/{name[:-1]}?: ', self.told(
            'sign', '-s', f'./{name}', status=1))

    def test_json_tells_it_whole(self):
        done = tenon('run', '--json', self.module(), '--list')
        for event in map(json.loads, done.stdout.splitlines()[:2]):
            self.assertEqual(event['version'].encode(),
                             EVIL.replace(b'\233', '\ufffd'.encode(), 1)
                             .replace(b'\xff', '\ufffd'.encode()))

    def test_names_of_files_and_modules_that_are_not_there(self):
        name = os.fsdecode(EVIL)
        for words in (['run', name], ['run', f'./{name}'],
                      ['sign', '-s', name]):
            self.assertIn('a?[31m', self.told(*words, status=1))
        name = name.split('\r', maxsplit=1)[0]  # as kmod prints what follows
        for words in (['modprobe', '-n', '-C', '/dev/null', name],
                      ['modinfo', name]):
            self.assertIn('a?[31m', self.told(*words, status=1))

    def test_the_shell(self):
        text = self.told('shell', '-c', f'insmod {self.module()}', '-c', 'list',
                         '-c', 'info evil', '-c', 'params evil',
                         '-c', 'get evil.word', '-c', 'ledger evil')
        self.assertIn(f'\n{CLEAN}\n', text)
        self.assertGreaterEqual(text.count(CLEAN), 5, text)

    def test_the_map_of_link(self):
        file = self.compile('m.o', 'int m_common; void m_far(void); int m_one'
                            '(void) { m_far(); return m_common; }',
                            '-fcommon', '-fno-builtin', '-ffunction-sections')
        subprocess.run(
            [b'objcopy', b'--redefine-sym', b'm_common=c' + EVIL,
             b'--rename-section', b'.text.m_one=.text.' + EVIL, file],
            check=True)
        with open(self.path('symbols'), 'w', encoding='ascii') as f:
            f.write('ffff000000000000 T m_far\n')
        self.told('link', file, '--at', '0x1000000', '-o', 'o', '--map', 'map',
                  '--symbols', 'symbols')
        with open(self.path('map'), 'rb') as f:
            text = f.read().decode(errors='replace')
        self.assertEqual(CONTROL.findall(text), [])
        self.assertIn(f' .text.{CLEAN} ', text)
        self.assertRegex(text, f'(?m)^common .* c{re.escape(CLEAN)}$')

    def test_the_name_of_a_signer(self):
        if shutil.which('openssl') is None:
            self.skipTest('openssl is not installed')
        os.mkdir(self.path('keys'))
        for name, out in (('b', 'keys/b.pem'), ('a\033[31m\nb', 'a.pem')):
            subprocess.run(
                ['openssl', 'req', '-new', '-x509', '-newkey', 'rsa:2048',
                 '-nodes', '-days', '3650', '-sha256', '-utf8', '-subj',
                 f'/CN={name}', '-addext', 'keyUsage=digitalSignature',
                 '-keyout', self.path('key'), '-out', self.path(out)],
                check=True, capture_output=True)
        file = self.module()
        done = tenon('sign', '-k', self.path('key'), '-c', self.path('a.pem'),
                     file)
        self.assertEqual(done.returncode, 0, done.stderr)
        policy = '--keys', self.path('keys')
        self.assertIn('a?[31m?b', self.told('verify', *policy, file, status=1))
        for mode, status in (('warn', 0), ('require', 1)):
            self.assertIn('a?[31m?b', self.told(
                'run', '--verify', mode, *policy, file, status=status))
        shutil.copy(self.path('a.pem'), self.path('keys'))
        self.assertIn('a?[31m?b', self.told('verify', *policy, file))
