# SPDX-License-Identifier: MIT
"""Is a tree of kernel modules closed?  Symbols, CRCs, licences, namespaces.

Every undefined symbol of every module must be exported by the kernel or by a
module of the tree, as Module.symvers says and as the exporting file itself
says; every CRC in `__versions` must be that of the exporter; a GPL-only export
needs a GPL-compatible licence and an export in a namespace its import.  All of
it is read from section contents, in the layouts that Linux gives them:

    __versions    64 bytes: u64 crc, name in 56 bytes
    __ksymtab*    12 bytes (three PREL32) or 24 bytes (three words), by arch
    __kcrctab*    u32 crc, one for each entry of the table of the same ending
"""

import collections
import re
import struct

import elf

GPL = {"GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL",
       "Dual MIT/GPL", "Dual MPL/GPL"}
ENTRY = {elf.X86_64: 12, elf.AARCH64: 12, elf.RISCV: 24}
VERSION = struct.Struct("<Q56s")

Export = collections.namedtuple("Export", "crc owner gpl namespace")


class Module:
    """What one module file says about symbols."""

    def __init__(self, data):
        obj = elf.Elf(data)
        sections = {s.name: s for s in obj.sections}
        self.undefined, self.exports = [], {}
        self.versions, self.info = {}, collections.defaultdict(list)
        for symbol in obj.global_symbols():
            if symbol.shndx == elf.SHN_UNDEF and symbol.name:
                self.undefined.append(symbol.name)
        if "__versions" in sections:
            for crc, name in VERSION.iter_unpack(
                    obj.contents(sections["__versions"])):
                self.versions[name.split(b"\0")[0].decode()] = crc
        for text in obj.contents(sections[".modinfo"]).split(b"\0"):
            key, _, value = text.decode("utf-8", "replace").partition("=")
            self.info[key].append(value)
        self._exports(obj, sections)

    def _exports(self, obj, sections):
        """Exports by their __ksymtab_ symbols, with the CRC beside each."""
        tables = {}
        for suffix in ("", "_gpl"):
            table = sections.get("__ksymtab" + suffix)
            sums = sections.get("__kcrctab" + suffix)
            if table is not None:
                tables[table.index] = (suffix, obj.contents(sums)
                                       if sums else b"")
        if not tables:
            return
        mark = "__ksymtab_"
        for index in range(1, obj.symbol_count()):
            shndx = struct.unpack_from("<H", obj.symbols,
                                       index * elf.SYM.size + 6)[0]
            if shndx not in tables:
                continue
            symbol = obj.symbol(index)
            if symbol.name.startswith(mark):
                suffix, sums = tables[shndx]
                entry = symbol.value // ENTRY[obj.machine]
                crc = struct.unpack_from("<I", sums, 4 * entry)[0]
                self.exports[symbol.name[len(mark):]] = (crc, suffix == "_gpl")


def read_symvers(path):
    """Module.symvers: {symbol: Export}."""
    exports = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            crc, name, owner, kind, *rest = line.rstrip("\n").split("\t")
            exports[name] = Export(int(crc, 16), owner, "GPL" in kind,
                                   rest[0] if rest else "")
    return exports


class Report:
    """The figures of a tree, and what is wrong with it."""

    def __init__(self):
        self.count = collections.Counter()
        self.errors = []

    def bad(self, kind, text):
        """One thing wrong."""
        self.count["bad " + kind] += 1
        self.errors.append("%s: %s" % (kind, text))

    def line(self):
        """The whole report in one line."""
        return ", ".join("%d %s" % (number, name)
                         for name, number in sorted(self.count.items()))


def check_tree(modules, symvers):
    """Checks {name: Module}, a tree or a part, against {symbol: Export}."""
    report = Report()
    for name, module in sorted(modules.items()):
        report.count["modules"] += 1
        check_module(report, name, module, symvers)
        for symbol, (crc, gpl) in module.exports.items():
            report.count["exports"] += 1
            listed = symvers.get(symbol)
            if listed is None or (listed.crc, listed.gpl) != (crc, gpl):
                report.bad("export", "%s of %s is %08x, Module.symvers: %s" % (
                    symbol, name, crc, listed))
            elif module_name(listed.owner) != name:
                report.bad("owner", "%s is exported by %s, not by %s" % (
                    symbol, name, listed.owner))
    return report


def check_module(report, name, module, symvers):
    """One module's imports."""
    licence = (module.info["license"] or [""])[0]
    for symbol in module.undefined:
        report.count["undefined symbols"] += 1
        export = symvers.get(symbol)
        if export is None:
            report.bad("symbol", "%s needs %s" % (name, symbol))
            continue
        report.count["resolved"] += 1
        if export.gpl and licence not in GPL:
            report.bad("licence", "%s (%s) needs %s" % (name, licence, symbol))
        if export.namespace and (export.namespace
                                 not in module.info["import_ns"]):
            report.bad("namespace", "%s needs %s of %s" % (
                name, symbol, export.namespace))
        if symbol not in module.versions:
            report.bad("version", "%s has no CRC for %s" % (name, symbol))
    for symbol, crc in module.versions.items():
        report.count["CRCs"] += 1
        export = symvers.get(symbol)
        if export is None and symbol == "module_layout":
            continue
        if export is None or export.crc != crc:
            report.bad("CRC", "%s: %s is %08x, exported as %s" % (
                name, symbol, crc, export))
        else:
            report.count["CRCs right"] += 1


def module_name(path):
    """A module's name, from a path with or without .ko and compression."""
    base = path.rsplit("/", 1)[-1]
    return re.sub(r"\.ko(\.\w+)?$", "", base).replace("-", "_")


def missing_owners(modules, symvers):
    """Modules that export what is needed, but are not in the tree."""
    needed = {symvers[s].owner for m in modules.values() for s in m.undefined
              if s in symvers}
    return sorted({module_name(owner) for owner in needed
                   if owner != "vmlinux"} - set(modules))
