# SPDX-License-Identifier: MIT
"""Results of single files, kept on disk so that a long run can go on later.

One JSON line a file, in a file whose name is a checksum of everything that
could change the outcome: the engine's program and the oracle's own sources.
A new engine therefore starts from nothing, an interrupted run does not.
"""

import collections
import glob
import hashlib
import json
import os

COUNTERS = ("kinds", "classes", "second", "far")
NUMBERS = ("loaded", "equal", "followed", "different")


def fingerprint(oracle):
    """A checksum of the engine and of the oracle."""
    total = hashlib.sha256()
    here = os.path.dirname(os.path.abspath(__file__))
    for path in [oracle.tenon] + sorted(glob.glob(os.path.join(here, "*.py"))):
        with open(path, "rb") as file:
            total.update(hashlib.sha256(file.read()).digest())
    for command in sorted(map(str, oracle.ld.values())):
        total.update(command.encode())
    return total.hexdigest()[:16]


class Kept:
    """Records by (arch, name): read at the start, appended as they come."""

    def __init__(self, folder, name):
        os.makedirs(folder, exist_ok=True)
        self.path = os.path.join(folder, name + ".jsonl")
        self.records = {}
        self.file = open(self.path, "a+", encoding="utf-8")
        self.file.seek(0)
        whole = 0
        for line in self.file:
            if not line.endswith("\n"):
                break           # A run was interrupted in this line.
            whole += len(line.encode())
            record = json.loads(line)
            self.records[record["arch"], record["name"]] = record
        self.file.truncate(whole)

    def forget(self):
        """Drops all that was kept."""
        self.records.clear()
        self.file.truncate(0)

    def add(self, record):
        """A file is done."""
        self.records[record["arch"], record["name"]] = record
        self.file.write(json.dumps(record) + "\n")
        self.file.flush()


def record_of(item, near, far):
    """What is kept of one file: the first pass, and the second if there was."""
    record = {"arch": item.arch, "name": item.name, "kernel": item.kernel,
              "status": near.status, "words": near.words}
    for name in NUMBERS:
        record[name] = getattr(near, name)
    for name in COUNTERS[:3]:
        record[name] = dict(getattr(near, name))
    record["far"] = {}
    if far is not None:
        record["far"] = dict(far.classes)
        if far.status == "failed":
            record["status"] = "failed"
            record["words"] = near.words + far.words
    return record


class Table:
    """Sums of records."""

    def __init__(self):
        self.rows = collections.defaultdict(collections.Counter)
        self.counters = {name: collections.defaultdict(collections.Counter)
                         for name in COUNTERS}
        self.refused = collections.Counter()
        self.failed = []

    def add(self, record):
        """Adds one file."""
        arch = record["arch"]
        row = self.rows[arch, "modules" if record["kernel"] else "libraries"]
        row["files"] += 1
        row[record["status"]] += 1
        for name in NUMBERS:
            row[name] += record[name]
        for name in COUNTERS:
            self.counters[name][arch].update({
                int(key) if name == "kinds" else key: number
                for key, number in record[name].items()})
        if record["status"] == "refused":
            self.refused[arch, record["words"][0]] += 1
        elif record["status"] == "failed":
            self.failed.append(record)

    def total(self, status):
        """Files of a status over all rows."""
        return sum(row[status] for row in self.rows.values())
