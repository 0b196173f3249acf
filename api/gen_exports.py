#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make the table of guaranteed symbols from api/exports.list.

    gen_exports.py c LIST OUT [IMPL]  the C file with tn_guaranteed[]; IMPL is
                                     a regular expression that selects by the
                                     list's third field
    gen_exports.py symvers LIST OUT   the same list as a Module.symvers

Both worlds compile the same C file, so a name has the same CRC everywhere:
the CRC-32 of its prototype, tokens joined by single blanks.
"""
import re
import sys
import zlib

TOKEN = re.compile(r"\.\.\.|\w+|[^\w\s]")

C_HEAD = """\
/* SPDX-License-Identifier: MIT */
/*
 * The guaranteed symbols, generated from api/exports.list: what a module of
 * the common profile may import. Ends with an entry without a name.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/builtins.h>
#include <base/string.h>
#include <tenon/engine.h>

/*
 * The list declares what base/ declares too: a difference between the two is
 * an error here and nowhere else.
 */
#pragma GCC diagnostic ignored "-Wredundant-decls"

struct module;
struct tn_interface;
struct timer_list;
struct work_struct;
struct kthread;
struct notifier_block;
struct interface_desc;
struct interface_want;
struct interface_frame;
struct interface_binding;
extern const struct tn_export tn_guaranteed[];
extern const size_t tn_guaranteed_count;
"""


class Export:
    def __init__(self, name, licence, impl, prototype):
        self.name = name
        self.gpl = licence == "gpl"
        self.impl = name if impl == "=" else impl
        tokens = TOKEN.findall(prototype)
        self.text = " ".join(tokens)
        self.crc = zlib.crc32(self.text.encode())
        if tokens.count(name) != 1 or tokens[0] == name:
            raise ValueError(f"{name}: that is no prototype of it")
        self.declaration = " ".join(
            self.impl if t == name else t for t in tokens)


def parse(path, wanted=re.compile(".*")):
    exports = {}
    with open(path, encoding="ascii") as file:
        for number, line in enumerate(file, 1):
            if not line.strip() or line.startswith("#"):
                continue
            fields = line.split(None, 3)
            if len(fields) != 4 or fields[1] not in ("all", "gpl"):
                raise ValueError(f"{path}:{number}: not four fields")
            if fields[0] in exports:
                raise ValueError(f"{path}:{number}: {fields[0]} is twice here")
            try:
                export = Export(*fields)
            except ValueError as error:
                raise ValueError(f"{path}:{number}: {error}") from error
            if wanted.fullmatch(fields[2]):
                exports[export.name] = export
    return list(exports.values())


def c_text(exports):
    out = [C_HEAD]
    out += [f"{e.declaration};" for e in exports]
    out.append("\n// clang-format off")
    out.append("const struct tn_export tn_guaranteed[] = {")
    for e in exports:
        flags = "TN_EXPORT_GPL" if e.gpl else "0"
        out.append(f'\t{{ "{e.name}", (const void *){e.impl}, '
                   f"0x{e.crc:08x}u, {flags}, NULL }},")
    out.append("\t{ NULL, NULL, 0, 0, NULL },\n};")
    out.append(f"const size_t tn_guaranteed_count = {len(exports)};")
    return "\n".join(out) + "\n"


def symvers_text(exports):
    # The name by which kmod's depmod knows what is no module.
    return "".join(
        f"0x{e.crc:08x}\t{e.name}\tvmlinux\t"
        f"EXPORT_SYMBOL{'_GPL' if e.gpl else ''}\t\n" for e in exports)


def main(argv):
    writers = {"c": c_text, "symvers": symvers_text}
    if len(argv) not in (4, 5) or argv[1] not in writers:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        wanted = re.compile(argv[4] if len(argv) == 5 else ".*")
        text = writers[argv[1]](parse(argv[2], wanted))
    except (OSError, ValueError, re.error) as error:
        print(f"gen_exports: {error}", file=sys.stderr)
        return 1
    with open(argv[3], "w", encoding="ascii") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
