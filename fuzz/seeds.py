# SPDX-License-Identifier: MIT
"""Write the seed corpus fuzz/corpus/: small files, which are committed.

Made of the built modules hello, weak and ctors, without their debug sections
(`make modules` first), of one small shared object for the machine that this
runs on, and of a few lines of text.  Run it again when the format of module
files changes.
"""
import gzip
import lzma
import os
import shutil
import subprocess
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CORPUS = os.path.join(TOP, 'fuzz', 'corpus')
MACHINES = {'x86_64': '', 'aarch64': 'aarch64-linux-gnu-',
            'riscv64': 'riscv64-linux-gnu-'}
SHARED = b'int counter; int bump(int n) { return counter += n; }\n'


def run(*argv, **more):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE,
                          **more).stdout


def module(machine, name):
    """The bytes of a module without debug sections and comments."""
    path = os.path.join(TOP, 'build', 'modules', machine, 'common',
                        f'{name}.ko')
    with tempfile.NamedTemporaryFile() as out:
        run(f'{MACHINES[machine]}objcopy', '--strip-debug',
            '--remove-section=.comment', '--remove-section=.note.GNU-stack',
            path, out.name)
        with open(out.name, 'rb') as f:
            return f.read()


def shared(machine):
    with tempfile.NamedTemporaryFile() as out:
        gcc = MACHINES[machine] + 'gcc'
        run(gcc, '-Os', '-shared', '-nostdlib', '-fPIC', '-s', '-x', 'c', '-',
            '-Wl,-z,max-page-size=4096,-z,noseparate-code,--build-id=none',
            '-fno-asynchronous-unwind-tables', '-o', out.name, input=SHARED)
        with open(out.name, 'rb') as f:
            data = f.read()
    return data


def section(data, name):
    """The bytes of one section of a module."""
    with tempfile.TemporaryDirectory() as d:
        path, out = os.path.join(d, 'm'), os.path.join(d, 's')
        with open(path, 'wb') as f:
            f.write(data)
        run('objcopy', '-O', 'binary', f'--only-section={name}',
            '--set-section-flags', f'{name}=alloc', path, out)
        with open(out, 'rb') as f:
            return f.read()


def steps(*pairs):
    return bytes(8) + bytes(b for pair in pairs for b in pair)


def trie(*pairs):
    """Bytes of a binary index with single characters as keys, and a '*'."""
    data = bytearray(bytes.fromhex('b007f45700020001') + bytes(4))
    nodes = {}
    for key, value in pairs:
        nodes[ord(key)] = len(data) | 0x40000000
        data += bytes([0, 0, 0, 1, 0, 0, 0, 5]) + value + b'\0'
    data[8:12] = (len(data) | 0xa0000000).to_bytes(4, 'big')
    data += b'pre\0' + bytes([min(nodes), max(nodes)])
    for c in range(min(nodes), max(nodes) + 1):
        data += nodes.get(c, 0).to_bytes(4, 'big')
    return bytes(data)


def indexes():
    """A key, a NUL, and a file."""
    file = trie(('*', b'any'), ('a', b'one'), ('b', b'two'))
    return {'exact': b'\0prea\0' + file, 'wild': b'\0prexyz\0' + file,
            'empty': b'\0x\0' + bytes.fromhex('b007f457000200010000000c')}


def signature():
    """The end of a signed module, with the smallest SignedData."""
    der = bytes.fromhex(
        '304006092a864886f70d010702a0333031020101310030003128302602010130133'
        '00c310a300806035504030c014e020300abcd300706052b0e03021a3000040'
        '15a')
    return (der + bytes([0, 0, 2, 0, 0, 0, 0, 0]) + len(der).to_bytes(4, 'big')
            + b'~Module signature appended~\n')


def seeds():
    """{target: {name: bytes}}"""
    hello = module('x86_64', 'hello')
    modinfo = section(hello, '.modinfo')
    return {
        'module': {
            **{f'hello-{m}': module(m, 'hello') for m in MACHINES},
            'weak-aarch64': module('aarch64', 'weak'),
            'weak-riscv64': module('riscv64', 'weak'),
            'ctors-x86_64': module('x86_64', 'ctors'),
            **{f'shared-{m}': shared(m) for m in ('x86_64', 'riscv64')},
            'hello.gz': gzip.compress(hello, mtime=0)},
        'modinfo': {'modinfo': modinfo, 'note': section(hello, '.note.tenon')},
        'index': {
            'each': steps(*((0, i) for i in range(0, 256, 7)), (7, 0)),
            'runs': steps(*((4, i) for i in range(0, 128, 16)), (7, 0),
                          *((2, i) for i in range(0, 128, 3)), (6, 40),
                          *((4, 128 + i) for i in range(0, 128, 16)))},
        'unpack': {'gz': gzip.compress(modinfo, mtime=0),
                   'xz': lzma.compress(modinfo),
                   'xz-crc32': lzma.compress(b'a' * 5000, preset=0,
                                             check=lzma.CHECK_CRC32),
                   'zst': run('zstd', '-q', '-c', input=modinfo),
                   'zst-long': run('zstd', '-q', '-c', input=b'a' * 5000)},
        'params': {
            'line': b'pp1=5 p3 p6=1,2,-3 p4="two words" p5=text p2=0xff',
            'wrong': b'p"p4=open p1=1001 p7=-9223372036854775809',
            'depends': b'dprovider >= 1.2 < 2, ?log ^ 3, fs/fat32 = 1',
            'version': b'd1.2.3-rc1>=1'},
        'depfile': {
            'lines': b'kernel/a-b.ko: kernel/c.ko.xz /d/e.ko\nkernel/c.ko.xz:\n'
                     b'no colon\n\n/d/e.ko:',
            'odd': b'.ko: x\na.ko:a.ko\r\na.ko: b.ko\n:\n'},
        'modprobed': {
            'config': b'# text\nalias a-[b]* c\noptions d e=1 \\\n f\n'
                      b'softdep g pre: h i post: j\ninstall k l $CMDLINE_OPTS\n'
                      b'blacklist m\nremove n o\n',
            'depmod': b'search updates built-in external\n'
                      b'override a * extra\nexternal .*1 /b \\\n c\n'
                      b'exclude d\ninclude e\n',
            'cmdline': b'!quiet a-b.c="d e" "f.g=h i" modprobe.blacklist=j,k',
            'signature': signature()},
        'trie': {
            'pairs': b'\1pci:v00008086d*\0pci:v00008086d00001*\0usb:v*\0a\0'
                     b'a\0ab\0\0abc\xe4\0',
            **indexes(), 'index': b'\0pabc\0' + bytes.fromhex(
                'b007f457 00020001 20000038 00000003 00000000 7100 00000000'
                '7000 00000002 7200 00000001 00000005 7300 6200 6364 4000000c'
                '40000022 6161 a000002c')},
        'protocol': {
            'line': b'l17 insmod file=a.ko params=x%20y%3D1 fds=1',
            'look': b'h2 status\n3 list\n4 info module=a\n5 holders module=a'
                    b'\n6 ledger module=a\n7 symbol symbol=printk\n',
            'change': b'h2 insmod fds=1\n3 load names=a,b unmarked=1\n'
                      b'4 rmmod names=a,b force=1\n5 stop module=a wait=1\n'
                      b'6 call symbol=f module=a args=1,-2,0x3\n'
                      b'7 set module=a param=b value=c\n8 where address=0x1f\n',
            'events': b'h2 subscribe\n3 ping\n4 unsubscribe\n',
            'garbage': b'r1 hello version=2\nx\n\n1 ping %\n',
            'answers': b'c1 ok version=1\n2 module module=a bytes=1\n'
                       b'0 event event=ready module=a\n2 ok\n'
                       b'3 error code=EBUSY error=-16 text=in%20use\n',
            'refusal': b'c0 error code=EACCES error=-13 text=no\n'},
        'signature': {'file': b'\0content' + signature(),
                      'der': b'\1' + signature()[:-40],
                      'patch': b'\2\x20\x00\x00'},
        'symbols': {
            'map': b'ffffffff81000000 T _text\nffffffff81000010 t local\n'
                   b'ffffffff81000020 t local\nffffffff81000030 T local\n',
            'module': b'ffffffffc0000000 t init_module\t[hello]\r\n\n0 A zero\n',
            'bad': b'12345678 T\n'},
    }


def main():
    for target, files in seeds().items():
        folder = os.path.join(CORPUS, target)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        for name, data in files.items():
            with open(os.path.join(folder, name), 'wb') as f:
                f.write(data)
        print(f'{target}: {len(files)} files, '
              f'{sum(map(len, files.values()))} bytes')


if __name__ == '__main__':
    main()
