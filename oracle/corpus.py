# SPDX-License-Identifier: MIT
"""`make corpus`: the linker oracle over everything that the corpus holds.

Every module of three distribution kernels and every member of the static
libraries of three architectures is linked by the engine and by ld, near its
symbols and with them out of reach, and compared; then every module tree is
checked for closed symbols and right CRCs.  Two processes at most; results are
kept (results.py), so an interrupted run goes on where it was.

    python3 oracle/corpus.py [--arch A] [--limit N] [--only TEXT] [--no-far]
"""

import argparse
import glob
import multiprocessing
import os
import sys
import time

import apt
import elf
import fetch
import items
import link
import reloc
import results
import tools
import versions

MACHINE = {"amd64": elf.X86_64, "arm64": elf.AARCH64, "riscv64": elf.RISCV}
EVERY = 15      # Seconds between two progress lines.

WORKER = {}     # Of a worker process: its oracle, its reader, its options.


def start_worker(oracle, far):
    """Sets up a worker process."""
    WORKER.update(oracle=oracle, reader=items.Reader(), far=far)


def work(item):
    """Both passes over one file."""
    oracle, data = WORKER["oracle"], WORKER["reader"].read(item)
    try:
        near, far = link.check(oracle, data, item.kernel), None
        if near.status == "passed" and WORKER["far"]:
            far = link.check_far(oracle, data, item.kernel)
    except Exception as error:      # A file must not end the run unnamed.
        near, far = link.Result(), None
        near.fail("oracle: %s: %s" % (type(error).__name__, error))
    return results.record_of(item, near, far)


def gather(store, arches, sets):
    """{arch: [items]} of the wanted sets; fetches what is missing."""
    found = {arch: [] for arch in arches}
    for arch in arches:
        for pin, folder in store.trees(sets, arch):
            if pin.set == "lib":
                found[arch] += items.library_items(arch, folder)
            else:
                found[arch] += items.kernel_items(arch, folder)
    return found


def make_oracle(store):
    """The programs; the newer linker from the corpus where it runs."""
    try:
        ld_trees = [folder for _, folder in store.trees(("ld",))]
    except apt.Unavailable as error:
        fetch.say("*** no newer linker for riscv64: %s ***" % error)
        ld_trees = []
    oracle = tools.Oracle(ld_trees=ld_trees)
    if not oracle.lld:
        fetch.say("*** no %s: arm64 goes without a second opinion ***" %
                  tools.LLD)
    return oracle


def map_items(oracle, chosen, jobs, far):
    """Yields the record of each item, as they are done."""
    with multiprocessing.Pool(jobs, start_worker, (oracle, far)) as pool:
        yield from pool.imap_unordered(work, chosen, 8)


def run_items(oracle, chosen, table, options):
    """Runs all items of one architecture; `options` is (jobs, far, kept)."""
    jobs, far, kept = options
    done = [kept.records[i.arch, i.name] for i in chosen
            if (i.arch, i.name) in kept.records]
    todo = [i for i in chosen if (i.arch, i.name) not in kept.records]
    for record in done:
        table.add(record)
    if not todo:
        return
    begun = last = time.time()
    for number, record in enumerate(map_items(oracle, todo, jobs, far),
                                    len(done) + 1):
        kept.add(record)
        table.add(record)
        if time.time() - last > EVERY or number == len(chosen):
            last = time.time()
            progress(todo[0].arch, number, len(chosen), table, last - begun)


def progress(arch, number, count, table, seconds):
    """One line of progress."""
    print("%-8s %6d of %d files, %d failed, %d s" % (
        arch, number, count, table.total("failed"), seconds), flush=True)


def show(oracle, table):
    """The summary."""
    print("\n%-8s %-10s %7s %7s %8s %7s %13s %13s %10s %9s" % (
        "arch", "kind", "files", "passed", "refused", "failed", "bytes",
        "equal", "followed", "different"))
    for (arch, kind), row in sorted(table.rows.items()):
        print("%-8s %-10s %7d %7d %8d %7d %13d %13d %10d %9d" % (
            arch, kind, row["files"], row["passed"], row["refused"],
            row["failed"], *(row[name] for name in results.NUMBERS)))
    skipped = sum(row["loaded"] - row["equal"] - row["followed"]
                  - row["different"] for row in table.rows.values())
    print("bytes skipped: %d" % skipped)
    for arch in sorted({arch for arch, _ in table.rows}):
        machine = MACHINE[arch]
        print("\n%s, %s" % (arch, oracle.linker_version(machine)))
        for title, name in (("relocations", "kinds"),
                            ("through the table (engine/linker)", "classes"),
                            ("second opinion (engine/lld)", "second"),
                            ("beyond reach", "far")):
            counter = table.counters[name][arch]
            if counter:
                print("  %s: %s" % (title, ", ".join("%s %d" % (
                    reloc.name_of(machine, key) if name == "kinds" else key,
                    number) for key, number in counter.most_common())))
    for (arch, reason), number in sorted(table.refused.items()):
        print("refused by name, reason verified: %s %s %d" % (arch, reason,
                                                              number))
    for record in table.failed[:50]:
        print("FAILED %s %s: %s" % (record["arch"], record["name"],
                                    "; ".join(record["words"][:3])))


def check_versions(arch, chosen, folder, whole=True):
    """(passed, failed) modules of one tree: symbols, CRCs, licences.

    `folder` is the unpacked package with Module.symvers.
    """
    reader, modules = items.Reader(), {}
    for item in chosen:
        if item.kernel:
            modules[versions.module_name(item.path)] = versions.Module(
                reader.read(item))
    symvers = versions.read_symvers(glob.glob(
        os.path.join(folder, "usr/src/*/Module.symvers"))[0])
    report = versions.check_tree(modules, symvers)
    for name in versions.missing_owners(modules, symvers) if whole else ():
        report.bad("owner", "%s is not in the tree" % name)
    print("%-8s versions: %s" % (arch, report.line()))
    for error in report.errors[:10]:
        print("FAILED %s %s" % (arch, error))
    bad = len({error.split()[1] for error in report.errors})
    return len(modules) - bad, bad


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arch", action="append", choices=sorted(MACHINE))
    parser.add_argument("--limit", type=int, help="files per architecture")
    parser.add_argument("--only", help="files whose name has this in it")
    parser.add_argument("--jobs", type=int, default=2, choices=(1, 2))
    parser.add_argument("--no-far", action="store_true",
                        help="leave out the pass beyond reach")
    parser.add_argument("--fresh", action="store_true",
                        help="forget kept results")
    return parser.parse_args()


def keep_results(oracle, args):
    """The kept results of this engine, this oracle and these options."""
    name = results.fingerprint(oracle) + ("-near" if args.no_far else "")
    kept = results.Kept(os.path.join(fetch.CORPUS, "results"), name)
    if args.fresh:
        kept.forget()
    return kept


def main():
    """The whole run."""
    args = arguments()
    arches = args.arch or sorted(MACHINE)
    try:
        with fetch.Store() as store:
            found = gather(store, arches, ("kernel", "lib"))
            headers = {arch: store.trees(("symvers",), arch)[0][1]
                       for arch in arches}
            oracle = make_oracle(store)
    except apt.Unavailable as error:
        print("*** the corpus is not to be had: %s ***" % error)
        print("0 passed, 0 failed, 1 skipped")
        return 0
    kept, table = keep_results(oracle, args), results.Table()
    for arch in arches:
        chosen = [item for item in found[arch]
                  if not args.only or args.only in item.name]
        if args.limit:
            chosen = items.sample(chosen, args.limit)
        run_items(oracle, chosen, table, (args.jobs, not args.no_far, kept))
    show(oracle, table)
    passed = failed = 0
    for arch in arches if not args.only and not args.limit else ():
        good, bad = check_versions(arch, found[arch], headers[arch])
        passed, failed = passed + good, failed + bad
    print("%d passed, %d failed, %d skipped" % (
        passed + table.total("passed"), failed + table.total("failed"),
        table.total("refused")))
    return 1 if failed or table.failed else 0


if __name__ == "__main__":
    sys.exit(main())
