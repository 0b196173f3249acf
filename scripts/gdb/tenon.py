# SPDX-License-Identifier: MIT
"""Commands for gdb about modules of a process: docs/debugging.md.

    (gdb) source scripts/gdb/tenon.py
    (gdb) tenon modules         list what is loaded, and where
    (gdb) tenon symbols [NAME]  add the symbols of all modules, or of one

The process keeps a list for this when it was opened with TN_HOST_KEEP_SYMBOLS
or TN_HOST_GDB_JIT.  It is read as memory, by the layout that host/debug.c
states, so that libtenon needs no debug information of its own.
"""
import gdb

ABI = 1
WORD = 8


class Memory:
    def __init__(self):
        self.inferior = gdb.selected_inferior()

    def number(self, addr, size=WORD):
        raw = self.inferior.read_memory(addr, size).tobytes()
        return int.from_bytes(raw, 'little')

    def string(self, addr):
        text = b''
        while not text.endswith(b'\0'):
            text += self.inferior.read_memory(addr + len(text), 1).tobytes()
        return text[:-1].decode(errors='replace')


class Module:
    """struct debug_module: size, abi, then words."""

    def __init__(self, memory, addr):
        if memory.number(addr + 4, 4) != ABI:
            raise gdb.GdbError('tenon: this libtenon is of another version')
        word = [memory.number(addr + WORD * (i + 1)) for i in range(8)]
        self.next = word[0]
        self.name = memory.string(word[2])
        self.path = memory.string(word[3])
        self.base, self.is_shared = word[6], word[7] & 1
        self.sections = [self.section(memory, word[4] + i * 3 * WORD)
                         for i in range(word[5])]

    @staticmethod
    def section(memory, addr):
        return (memory.string(memory.number(addr)),
                memory.number(addr + WORD), memory.number(addr + 2 * WORD))

    def address(self):
        for name, addr, _ in self.sections:
            if name == '.text':
                return addr
        return self.base or (self.sections[0][1] if self.sections else 0)

    def load_symbols(self):
        if not self.path:
            print(f'{self.name}: loaded from memory, there is no file')
            return
        command = f'add-symbol-file "{self.path}"'
        if self.is_shared:
            command += f' -o {self.base:#x}'
        for name, addr, size in self.sections:
            if size and not self.is_shared:
                command += f' -s {name} {addr:#x}'
        gdb.execute(command, to_string=True)


def modules():
    symbol = gdb.lookup_minimal_symbol('tn_debug_modules') if hasattr(
        gdb, 'lookup_minimal_symbol') else None
    addr = (int(symbol.value().address) if symbol else
            int(gdb.parse_and_eval('(long)&tn_debug_modules')))
    memory = Memory()
    at = memory.number(addr)
    while at:
        module = Module(memory, at)
        yield module
        at = module.next


class Tenon(gdb.Command):
    """Modules of libtenon: tenon modules, tenon symbols [NAME]."""

    def __init__(self):
        super().__init__('tenon', gdb.COMMAND_FILES, prefix=True)


class Modules(gdb.Command):
    """List the loaded modules: name, address of the text, file."""

    def __init__(self):
        super().__init__('tenon modules', gdb.COMMAND_FILES)

    def invoke(self, argument, from_tty):
        for m in modules():
            print(f'{m.name:24} {m.address():#x} {m.path or "(memory)"}')


class Symbols(gdb.Command):
    """Add the symbols of the loaded modules, or of the one that is named."""

    def __init__(self):
        super().__init__('tenon symbols', gdb.COMMAND_FILES)

    def invoke(self, argument, from_tty):
        wanted = argument.strip()
        found = [m for m in modules() if wanted in ('', m.name)]
        if wanted and not found:
            raise gdb.GdbError(f'tenon: no module {wanted} is loaded')
        for m in found:
            m.load_symbols()


Tenon()
Modules()
Symbols()
