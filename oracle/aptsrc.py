# SPDX-License-Identifier: MIT
"""The machine's own apt sources, read so that a private apt root can use them.

The corpus needs two Debian series, of which the machine configures at most
one.  This file answers one question: which (URI, options, suites) does this
machine use for Debian's main archive, and how would the same mirror be asked
for another series?  Both forms of source files are read, one line a source
(sources.list(5) "one-line-style") and deb822 stanzas.  Nothing is ever stored:
the mirror's name exists only while a private apt root exists.
"""

import glob
import os
import re

# First words of a suite by which Debian's own archives are known.
SERIES = ("bullseye", "bookworm", "trixie", "forky", "oldoldstable",
          "oldstable", "stable", "testing")


class Source:
    """One archive: its URI, its keyring and the suite it serves."""

    def __init__(self, uri, suite, components, signed_by):
        self.uri = uri
        self.suite = suite
        self.components = components
        self.signed_by = signed_by

    def series(self):
        """The series this suite belongs to, or None (not a Debian suite)."""
        base = re.split(r"[-/]", self.suite)[0]
        return base if base in SERIES else None

    def line(self, suite, components, architectures):
        """The same archive, asked for another suite, as a one-line source."""
        options = ["arch=" + ",".join(architectures)]
        if self.signed_by:
            options.append("signed-by=" + self.signed_by)
        return "deb [%s] %s %s %s" % (
            " ".join(options), self.uri, suite, " ".join(components))


def parse_line(text):
    """Sources of one line of a .list file."""
    match = re.match(r"deb\s+(?:\[(.*?)\]\s*)?(\S+)\s+(\S+)\s+(.*)$",
                     text.split("#")[0].strip())
    if not match:
        return []
    options = dict(part.split("=", 1) for part in (match[1] or "").split()
                   if "=" in part)
    return [Source(match[2], match[3], match[4].split(),
                   options.get("signed-by", ""))]


def parse_stanza(text):
    """Sources of one deb822 stanza: every URI times every suite."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    fields = dict(re.findall(r"^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)",
                             "\n".join(lines), re.M))
    fields = {name.lower(): value for name, value in fields.items()}
    if "deb" not in fields.get("types", "").split():
        return []
    if fields.get("enabled", "yes").strip().lower() in ("no", "false", "0"):
        return []
    key = fields.get("signed-by", "").strip()
    if not key.startswith("/"):
        key = ""        # A key written into the stanza: apt's own keys serve.
    return [Source(uri, suite, fields.get("components", "").split(), key)
            for uri in fields.get("uris", "").split()
            for suite in fields.get("suites", "").split()]


def machine_sources(etc="/etc/apt"):
    """Every Debian source that this machine configures."""
    found = []
    for path in [os.path.join(etc, "sources.list")] + sorted(
            glob.glob(os.path.join(etc, "sources.list.d", "*"))):
        if not os.path.isfile(path):
            continue
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        if path.endswith(".sources"):
            for stanza in re.split(r"\n\s*\n", text):
                found += parse_stanza(stanza)
        elif path.endswith(".list"):
            for line in text.splitlines():
                found += parse_line(line)
    return [source for source in found
            if source.series() and "main" in source.components]


def lines_for(series, architectures, sources):
    """sources.list lines for a series, on the mirrors of this machine.

    Suites of the series itself are taken as configured; if the machine is of
    another series, its main and its security archive are asked for ours.
    """
    own = [source for source in sources if source.series() == series]
    lines = []
    for source in own or sources:
        suite = source.suite.replace(source.series(), series, 1)
        components = ["main"]
        if suite == series and "riscv64" in architectures:
            components.append("main/debian-installer")
        line = source.line(suite, components, architectures)
        if line not in lines:
            lines.append(line)
    return lines
