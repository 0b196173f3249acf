# SPDX-License-Identifier: MIT
"""docs/slots.md and docs/plugins.md, followed word for word in a folder of
one's own, with what `make install` installs: their commands and their code,
with four compilers. Only what a reader has to bring is added: a main, a blob."""
import os
import re
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
C = (('gcc', '-std=gnu11'), ('clang', '-std=gnu11'))
CXX = (('g++', '-std=c++17'), ('clang++', '-std=c++17'))
CXX_BARE = tuple((*cc, '-fno-exceptions', '-fno-rtti') for cc in CXX)
BLOB = '''
#include <stdio.h>
static char blob[1 << 16];
static size_t blob_size;
static void read_blob(void)
{
    FILE *f = fopen("hello.so", "rb");
    blob_size = f ? fread(blob, 1, sizeof(blob), f) : 0;
    if (f)
        fclose(f);
}
'''


def blocks(page):
    """The code of a page: its fenced blocks, else its indented ones."""
    with open(os.path.join(TOP, 'docs', page), encoding='utf-8') as f:
        text = f.read()
    fenced = re.findall(r'^```c\n(.*?)^```', text, re.S | re.M)
    return fenced or [re.sub('^ {4}', '', b, flags=re.M) for b in re.findall(
        r'\n\n((?: {4}.*\n|\n(?= {4}))+)', text)]


def block(page, *words):
    """The one that has all the words."""
    found = [b for b in blocks(page) if all(w in b for w in words)]
    assert len(found) == 1, (page, words, found)
    return found[0]


def hoist(code):
    """(its includes, the rest)"""
    includes = re.findall(r'^#include.*$', code, re.M)
    return '\n'.join(includes), re.sub(r'^#include.*$', '', code, flags=re.M)


class Docs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        root = tempfile.TemporaryDirectory(prefix='tenon-docs-')
        cls.addClassCleanup(root.cleanup)
        libs = os.path.join(root.name, 'usr', 'lib')
        cls.env = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=root.name,
                       PKG_CONFIG_PATH=os.path.join(libs, 'pkgconfig'),
                       LD_LIBRARY_PATH=libs, MAKEFLAGS='')
        subprocess.run(['make', '-s', 'install', f'DESTDIR={root.name}',
                        'prefix=/usr'], cwd=TOP, check=True)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='tenon-docs-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def sh(self, command):
        done = subprocess.run(['sh', '-ec', command], cwd=self.folder,
                              env=self.env, text=True, timeout=100,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, f'{command}\n{done.stdout}')
        return done.stdout

    def write(self, name, text):
        with open(os.path.join(self.folder, name), 'w',
                  encoding='utf-8') as f:
            f.write(text)

    def build_and_run(self, source, compiler):
        name = 'main.cc' if '++' in compiler[0] else 'main.c'
        self.write(name, source)
        self.sh(f'{" ".join(compiler)} -Wall {name} '
                '$(pkg-config --cflags --libs tenon) -o main')
        return self.sh('./main')

    def make_hello(self, cc):
        self.write('hello.c', block('slots.md', 'LKMOD_EXPORT'))
        self.sh(f'cc() {{ {cc} "$@"; }}\n' + block('slots.md', 'hello.so'))

    def test_slots_in_c(self):
        includes, steps = hoist(block('slots.md', 'tn_slots_open(&config'))
        loaded, rest = steps.split('tn_slot_unload(', 1)
        handle = block('slots.md', 'tn_slot_acquire(slots, 0, "the mixer"')
        source = '\n'.join((
            includes, BLOB, 'int main(void) {', 'read_blob();', loaded,
            'printf("%lld\\n", (long long)sum); {', handle,
            'printf("%d\\n", sum); }', 'tn_slot_unload(' + rest, '}'))
        for compiler in C:
            with self.subTest(compiler=compiler):
                self.make_hello(compiler[0])
                said = self.build_and_run(source, compiler)
                self.assertRegex(said, r'(?m)^12$')
                self.assertRegex(said, r'(?m)^3$')

    def test_slots_in_cpp(self):
        source = '\n'.join((
            '#include <lkmod/gaia_module_manager.h>', BLOB,
            '#define blob_len blob_size', 'int main() {', 'read_blob();',
            block('slots.md', 'GaiaModuleManager mgr;').replace(
                '} // released', 'printf("%d\\n", sum); } // released'),
            'return mgr.shutdown(); }'))
        self.make_hello('gcc')
        for compiler in CXX + CXX_BARE:
            with self.subTest(compiler=compiler):
                self.assertRegex(self.build_and_run(source, compiler),
                                 r'(?m)^3$')

    def test_plugins(self):
        main = block('plugins.md', 'plugin_load("./my_plugin.so")')
        includes, main = hoist(main)
        main = '\n'.join((includes, 'int main(void) { char data[] = "image";',
                          main, '}'))
        plugin = block('plugins.md', 'struct plugin_ops plugin_ops = {')
        command = re.search(r'/\* (gcc .* my_plugin.c) \*/', plugin)[1]
        more = block('plugins.md', 'MODULE_DEPENDS')
        for compiler in C + CXX:
            with self.subTest(compiler=compiler):
                cc = ' '.join(compiler)
                if '++' in cc:
                    cc += ' -x c++'
                for code, needs in ((plugin, False), (plugin + more, True)):
                    self.write('my_plugin.c', code)
                    self.sh(command.replace('gcc', cc, 1))
                    said = self.build_and_run(main, compiler)
                    self.assertEqual(
                        said, 'Plugin not loaded: my_plugin: needs '
                        'tone >= 1.0 < 2, which is not loaded\n' if needs else
                        'Plugin loaded: ./my_plugin.so (my_plugin)\nimage\n'
                        'Plugin unloaded\n')


if __name__ == '__main__':
    unittest.main()
