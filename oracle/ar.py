# SPDX-License-Identifier: MIT
"""Reads a static library: the common archive format with GNU long names.

An archive is a magic string and, for each member, a header of 60 characters
followed by the contents, padded to an even length.  Names longer than 15
characters stand in the member `//`; `/` and `/SYM64/` are the symbol index.
Several members may share a name, so they are told apart by their position.
"""

MAGIC = b"!<arch>\n"
HEADER = 60


def members(data):
    """Yields (position, name, contents) of every real member."""
    if data[:8] != MAGIC:
        return      # A linker script in the place of a library (GROUP ...).
    names = b""
    offset, position = 8, 0
    while offset + HEADER <= len(data):
        header = data[offset:offset + HEADER]
        if header[58:60] != b"`\n":
            raise ValueError("archive member header damaged at %d" % offset)
        size = int(header[48:58])
        body = data[offset + HEADER:offset + HEADER + size]
        name = header[:16].decode("latin-1").rstrip()
        offset += HEADER + size + (size & 1)
        if name == "//":
            names = body
        elif name not in ("/", "/SYM64/"):
            yield position, member_name(name, names), body
            position += 1


def member_name(field, names):
    """A member's name; `/123` is an offset into the long names."""
    if field.startswith("/") and field[1:].isdigit():
        start = int(field[1:])
        end = names.find(b"\n", start)
        return names[start:end].decode("latin-1").rstrip("/")
    return field.rstrip("/")
