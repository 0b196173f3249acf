# SPDX-License-Identifier: MIT
"""Measure the loader against named peers: `make bench`.

Prints a table and writes OUT/results.csv with the columns of FIELDS.  `ratio`
says how many times faster ours is than the peer; a goal is a ratio (">= 3x")
or a figure of ours ("<= 45").  A row without a goal has "-" and says yes.
Nothing here fails because something is slow; a missing peer is said loudly
and leaves out its rows.  With --docs the table and the plot go into docs/ too.
"""
import argparse
import csv
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import depmod_rows
import gen
import kmod_rows
import peers
import plot

FIELDS = ('suite', 'case', 'unit', 'ours', 'peer', 'peer_value', 'ratio',
          'goal', 'met')

# functions: (runs, goal against dlopen, against libtcc, runs of llvm-jitlink)
SIZES = {
    10: (1001, 3, 3, 7),
    1000: (301, 2, 5, 7),
    10000: (101, 2, 5, 3),
    100000: (31, 1.5, 5, 1),
}
QUICK = {10: (31, 3, 3, 1)}
JITLINK_GOAL = 10
COLD_RUNS = 11
LIBTCC_RUNS = 31

# The last has a million relocations and a little more.
LINEAR = (1000, 2000, 5000, 10000, 20000, 50000, 100000, 122000)
LINEAR_RUNS = 15
# time = c * relocations ^ exponent, least squares.  Quadratic would be 2; what
# is above 1 otherwise are the caches, as the exponent of a mere copy shows.
EXPONENT_GOAL = 1.1

# Modules of ten functions, loaded from files.
MANY, MANY_RUNS, MANY_GOAL = 1000, 7, 3
RECORD_GOAL, EXPORT_BYTES = 1024, 40

LOOKUPS = 100000
LOOKUP_RUNS = 15
HIT_GOAL, MISS_GOAL = 45, 20  # ns

# What a gate adds to an indirect call; the goals hold on one processor and,
# but for handles, also while another one does the same.
GATES = (('counted', 'counted, in line', 1),
         ('module_counted', 'counted, from a module', 5),
         ('guarded', 'guarded, in line', 12),
         ('module_guarded', 'guarded, from a module', None),
         ('sleepable', 'may sleep', None),
         ('handle', 'tn_handle_get and tn_handle_put', 12),
         ('reference', 'tn_module_get and tn_module_put', None))
GATE_PEERS = (('rwlock', 'pthread_rwlock'), ('refcount', 'atomic count'))

# Calls into slots: what a handle adds to a call of an address, and a call by
# one of a thousand names as a whole.
SLOT_HANDLE_GOAL, SLOT_NAME_GOAL = 3, 60  # ns
SLOT_HANDLES = ('typed call by handle', 'call by handle')
SLOT_CALLS = (('call', 'call by name, of 1000', ('most', SLOT_NAME_GOAL)),
              ('typed_name', 'typed call by name, of 1000', None),
              ('call_entry', 'call of the entry', None),
              ('handle', SLOT_HANDLES[0], None),
              ('handle4', SLOT_HANDLES[1], None))
CALL_PEERS = (('dlsym', 'glibc dlsym and call'), ('direct', 'direct call'))

MODULES, SYMBOLIZE_RUNS = 1000, 31
SYMBOLIZE_GOAL = 100  # ns
PLUGIN_RUNS = 31
# Loads that register with gdb: linear, so the later half costs no more. So
# many that each half joins its files as often (host/batch.c: by 16 and by 256).
JIT_MODULES, JIT_RUNS, JIT_GROWTH_GOAL = 4000, 5, 1.2

# Calls into another process: both sides awake, and both asleep.
ISOLATE_RUNS = 31
AWAKE_GOAL, ASLEEP_GOAL = 2000, 40  # ns, us


class Results:
    def __init__(self, out):
        self.out = out
        self.rows, self.notes, self.skipped = [], [], []

    def row(self, suite, case, unit, values, peer='-', goal=None):
        """values: ours and, if there is one, the peer's; goal: (kind, n)."""
        mine, *other = values
        ratio = other[0] / mine if other else None
        kind, bound = goal or (None, None)
        met = (kind is None or (kind == 'ratio' and ratio >= bound) or
               (kind == 'most' and mine <= bound))
        text = {None: '-', 'ratio': f'>= {bound}x', 'most': f'<= {bound}'}
        self.rows.append({
            'suite': suite, 'case': case, 'unit': unit,
            'ours': number(mine), 'peer': peer,
            'peer_value': number(other[0]) if other else '-',
            'ratio': ratio_text(ratio) if other else '-',
            'goal': text[kind], 'met': 'yes' if met else 'no'})
        show(self.rows[-1])

    def skip(self, what, why):
        self.skipped.append(f'{what}: {why}')
        print(f'*** SKIPPED {what}: {why}', flush=True)

    def write(self):
        path = os.path.join(self.out, 'results.csv')
        with open(path, 'w', newline='') as f:
            table = csv.DictWriter(f, FIELDS)
            table.writeheader()
            table.writerows(self.rows)
        return path


def ratio_text(ratio):
    """Two digits, of what is small too: nothing is 0 times faster."""
    return f'{ratio:.2f}' if ratio >= 0.1 else f'{ratio:.2g}'


def number(value):
    """Four significant digits; whole numbers stay whole."""
    return str(value) if isinstance(value, int) else f'{value:.4g}' \
        if value < 1000 else f'{value:.0f}'


def show(row):
    print('{suite:8}{case:34}{unit:>14}{ours:>10}  {peer:28}{peer_value:>10}'
          '{ratio:>9}  {goal:8}{met}'.format(**row), flush=True)


def built(kind, name):
    """A module file of this tree, for this machine."""
    return os.path.join('build', 'modules', platform.machine(), kind, name)


def circumstances():
    with open('/proc/cpuinfo') as f:
        model = next((line.split(':')[1].strip() for line in f
                      if line.startswith('model name')), platform.machine())
    done = subprocess.run(['git', 'describe', '--always', '--dirty'],
                          capture_output=True, text=True)
    commit = done.stdout.strip() or 'unknown'
    load = os.getloadavg()[0]
    return (f'CPU {model} ({os.cpu_count()} processors), '
            f'{platform.system()} {platform.release()}, commit {commit}, '
            f'host config, 1 thread, seed {gen.SEED}, load average '
            f'{load:.1f}')


class Bench:
    """One run of the whole: files in OUT, what is loaded on tmpfs."""

    def __init__(self, args, tmpfs):
        self.out, self.tmpfs, self.quick = args.out, tmpfs, args.quick
        self.results = Results(args.out)
        self.files = {}
        self.peers = {}
        for name, make in (('libtcc', lambda: peers.Libtcc(self.out)),
                           ('llvm-jitlink 14', peers.Jitlink)):
            try:
                self.peers[name] = make()
            except peers.Missing as why:
                self.results.skip(f'all rows of {name}', why)

    def made(self, functions):
        if functions not in self.files:
            print(f'bench: {functions} functions: compiling what is not yet '
                  'compiled', file=sys.stderr, flush=True)
            self.files[functions] = gen.Files(functions, self.out)
        return self.files[functions]

    def on_tmpfs(self, path):
        to = os.path.join(self.tmpfs, os.path.basename(path))
        if not os.path.exists(to):
            shutil.copy(path, to)
        return to

    # --- load, look up, call, unload

    def load(self, functions, plan):
        files = self.made(functions)
        case = f'{functions} functions'
        library = self.on_tmpfs(files.library)
        row = self.results.row
        got = peers.ours('load_bench', 'warm', files.module, library,
                         files.probe, plan[0])
        us = {k: v[0] / 1000 for k, v in got.items()}
        self.results.notes.append(
            f'{case}: {got["relocations"][0]} relocations, '
            f'{got["exports"][0]} exports, {got["bytes"][0]} bytes; p99 of '
            f'ours {got["ours"][1] / 1000:.1f} us, of dlopen '
            f'{got["dlopen"][1] / 1000:.1f} us')
        row('load', case, 'us', (us['ours'], us['dlopen']), 'glibc dlopen',
            ('ratio', plan[1]))
        self.load_peers(functions, plan, us['ours'])
        for key, peer in (('fill_fresh', 'limit: fill fresh pages'),
                          ('fill_warm', 'limit: fill warm pages')):
            row('load', case, 'us', (us['ours'], us[key]), peer)
        self.cold(files, library, case)

    def load_peers(self, functions, plan, mine):
        files = self.made(functions)
        module = self.on_tmpfs(files.module)
        for name, goal, runs in (
                ('libtcc', plan[2], LIBTCC_RUNS),
                ('llvm-jitlink 14', JITLINK_GOAL, plan[3])):
            if name not in self.peers:
                continue
            try:
                ns = self.peers[name].load(module, files.probe, runs)[0]
            except peers.Missing as why:
                self.results.skip(f'{name} at {functions} functions', why)
                continue
            self.results.row('load', f'{functions} functions', 'us',
                             (mine, ns / 1000), name, ('ratio', goal))

    def cold(self, files, library, case):
        """The first load of a process; ours with opening the engine."""
        mine, other = [], []
        for _ in range(COLD_RUNS):
            mine.append(peers.ours('load_bench', 'cold-ours', files.module,
                                   files.probe)['cold'][0])
            other.append(peers.ours('load_bench', 'cold-dlopen', library,
                                    files.probe)['cold'][0])
        middle = COLD_RUNS // 2
        self.results.row('cold', case, 'us', (sorted(mine)[middle] / 1000,
                                              sorted(other)[middle] / 1000),
                         'glibc dlopen, first of process')

    # --- the others

    def linear(self):
        paths = [self.made(n).module for n in LINEAR]
        text = peers.run([os.path.join(peers.BIN, 'linear_bench'),
                          LINEAR_RUNS, *paths]).splitlines()
        counts, loads, copies = ([int(line.split()[1]) for line in text[k::3]]
                                 for k in range(3))
        for n, load, copy in zip(counts, loads, copies):
            self.results.row('linear', f'{n} relocations', 'ns/relocation',
                             (load / n, copy / n), 'copying the file')
        self.results.row('linear', 'exponent of growth', 'power',
                         (exponent(counts, loads), exponent(counts, copies)),
                         'copying the file', ('most', EXPONENT_GOAL))
        plot.write(os.path.join(self.out, 'linear.svg'),
                   'Load and unload of one module',
                   ('relocations in the module (log)', 'ns per relocation'),
                   [(n, ns / n) for n, ns in zip(counts, loads)])

    def lookup(self):
        files = self.made(LOOKUPS)
        got = peers.ours('lookup_bench', files.module,
                         self.on_tmpfs(files.library), files.probe, LOOKUPS,
                         LOOKUP_RUNS)
        case = f'among {got["exports"][0]} exports'
        for what, goal in (('hit', HIT_GOAL), ('miss', MISS_GOAL)):
            self.results.row('lookup', f'{what} {case}', 'ns',
                             (got[what][0] / 1000,
                              got['dlsym_' + what][0] / 1000),
                             'glibc dlsym', ('most', goal))

    def many(self):
        folder = os.path.join(self.tmpfs, 'many')
        os.makedirs(folder)
        gen.Many(MANY, self.out, folder)
        got = peers.ours('many_bench', folder, MANY, MANY_RUNS)
        us = {k: v[0] / 1000 for k, v in got.items()}
        case = f'{MANY} modules'
        self.results.row('many', f'load {case}', 'us',
                         (us['ours'], us['dlopen']), 'glibc dlopen',
                         ('ratio', MANY_GOAL))
        self.results.row('many', f'unload {case}', 'us',
                         (us['ours_unload'], us['dlclose']), 'glibc dlclose')
        exports = got['exports'][0] * EXPORT_BYTES
        self.results.row('many', 'record of a module', 'bytes',
                         (got['record'][0] - exports,),
                         goal=('most', RECORD_GOAL))

    def gate(self):
        module = os.path.join(self.out, 'gate_module.o')
        subprocess.run([gen.CC, '-O2', '-fPIC', '-I', gen.INCLUDE,
                        '-I', 'core/gate/include', '-c',
                        'bench/gate/module.c', '-o', module], check=True)
        got = {k: v[0] for k, v in peers.ours('gate_bench', module).items()}
        self.results.notes.append(
            f'gate: a plain indirect call takes {got["plain"] / 1000:.2f} ns')
        for how, where in (('', '1 thread'), ('_2', '2 threads')):
            if 'plain' + how in got:
                self.gate_rows(got, how, where)
            else:
                self.results.skip(f'gate, {where}', 'one processor only')

    def gate_rows(self, got, how, where):
        def added(key):  # less than 0.1 ns cannot be told from nothing
            return max(got[key + how] - got['plain' + how], 100) / 1000

        for key, name, goal in GATES:
            goal = None if how and key == 'handle' else goal
            for peer_key, peer in GATE_PEERS:
                self.results.row('gate', f'{name}, {where}', 'ns over a call',
                                 (added(key), added(peer_key)), peer,
                                 goal and ('most', goal))
                goal = None

    def slots(self):
        got = {k: v[0] / 1000 for k, v in peers.ours(
            'slot_bench', built('lkmod', 'many.so')).items()}
        for key, what, goal in SLOT_CALLS:
            self.call_rows('slots', what, 'ns', got[key], got, goal)
            if what in SLOT_HANDLES:
                # less than 0.1 ns cannot be told from nothing
                self.results.row('slots', what, 'ns over a call',
                                 (max(got[key] - got['direct'], 0.1),),
                                 goal=('most', SLOT_HANDLE_GOAL))

    def call_rows(self, suite, case, unit, mine, got, goal=None):
        """A way of calling beside the two that any program has."""
        for key, peer in CALL_PEERS:
            self.results.row(suite, case, unit, (mine, got[key]), peer, goal)
            goal = None

    def plugins(self):
        """References around calls, and whole lives, of a plugin."""
        files = [os.path.join(self.out, f'noop{i}.so') for i in (1, 2)]
        for path in files:
            subprocess.run([gen.CC, '-O2', '-fPIC', '-shared', *(
                f'-I{d}/include' for d in ('lib', 'core/mod', 'base', 'api')),
                'bench/plugin/noop.c', '-o', path], check=True)
        got = {k: v[0] for k, v in peers.ours(
            'plugin_bench', *files, PLUGIN_RUNS).items()}
        for how, where in (('', '1 thread'), ('_2', '2 threads')):
            if 'plain' + how not in got:
                self.results.skip(f'plugin, {where}', 'one processor only')
                continue
            ns = {k: got[k + how] / 1000 for k in ('ours', 'printed', 'dlsym')}
            for key, peer in (('printed', 'mutex (printed code)'),
                              ('dlsym', 'dlsym and call, uncounted')):
                self.results.row('plugin', f'get, call, put, {where}', 'ns',
                                 (ns['ours'], ns[key]), peer)
        self.results.row('plugin', 'load and unload', 'us',
                         (got['life'] / 1000, got['life_dlopen'] / 1000),
                         'dlopen, dlsym, dlclose')

    def symbolize(self):
        """Addresses to symbols, and the memory and registration of many."""
        module = os.path.join(self.out, 'symbolize_module.o')
        subprocess.run([gen.CC, '-O2', '-fPIC', '-I', gen.INCLUDE,
                        '-DKBUILD_MODNAME="bench"',
                        '-fno-asynchronous-unwind-tables', '-c',
                        'bench/symbolize/module.c', '-o', module], check=True)
        got = {k: v[0] for k, v in peers.ours(
            'symbolize_bench', module, MODULES, SYMBOLIZE_RUNS).items()}
        row, among = self.results.row, f'among {MODULES} modules'
        row('symbols', f'address to symbol {among}', 'ns',
            (got['symbolize'] / 1000,), goal=('most', SYMBOLIZE_GOAL))
        row('memory', f'of a module with {got["exports"]} exports', 'bytes',
            (got['memory'],), goal=('most', 1024 + 40 * got['exports']))
        growth = statistics.median(
            times['jit_second'][0] / times['jit_first'][0] for times in (
                peers.ours('symbolize_bench', module, JIT_MODULES, 1)
                for _ in range(JIT_RUNS)))
        row('gdb', f'later half of {JIT_MODULES} loads', 'of the first',
            (growth,), goal=('most', JIT_GROWTH_GOAL))

    def isolate(self):
        """Calls into another process, beside what two processes can do."""
        got = {k: v[0] for k, v in peers.ours(
            'isolate_bench', built('common', 'captive.ko'),
            built('lkmod', 'many.so'),
            7 if self.quick else ISOLATE_RUNS).items()}
        row = self.results.row
        here = {key: got[key] / 1000 for key, _ in CALL_PEERS}
        if 'spin' in got:
            row('isolate', 'call, both awake', 'ns',
                (got['spin'], got['line']), 'limit: a shared line',
                ('most', AWAKE_GOAL))
            self.call_rows('isolate', 'call, both awake', 'ns', got['spin'],
                           here)
        else:
            self.results.skip('isolate, awake', 'one processor only')
        for how, where in (('', ''), ('_2', ', 2 processors')):
            if 'park' + how in got:
                row('isolate', f'call, both asleep{where}', 'us',
                    (got['park' + how] / 1000, got['futex' + how] / 1000),
                    'limit: a shared futex', ('most', ASLEEP_GOAL))
        self.call_rows('isolate', 'call, both asleep', 'us',
                       got['park'] / 1000,
                       {key: ns / 1000 for key, ns in here.items()})
        row('isolate', 'call after 1 ms of rest', 'us', (got['rest'] / 1000,))
        row('isolate', 'load a slot', 'us', (got['load'] / 1000,))

    def size(self):
        try:
            sizes = peers.code_sizes()
        except peers.Missing as why:
            self.results.skip('size', why)
            return
        for name, code, budget in sizes:
            self.results.row('size', f'{name}, aarch64 -Os', 'bytes of text',
                             (code,), goal=('most', budget))

    def run(self):
        for functions, plan in (QUICK if self.quick else SIZES).items():
            self.load(functions, plan)
        self.gate()
        self.slots()
        self.isolate()
        self.plugins()
        if not self.quick:
            self.linear()
            self.lookup()
            self.many()
            self.symbolize()
            self.size()
            kmod_rows.rows(self.results)
            depmod_rows.rows(self.results, self.tmpfs)


def publish(results, where):
    """The table and the plot into docs/, between the marks that are there."""
    page = os.path.join('docs', 'performance.md')
    rows = [FIELDS, ['---'] * len(FIELDS)]
    rows += [[row[f] for f in FIELDS] for row in results.rows]
    table = '\n'.join('| ' + ' | '.join(row) + ' |' for row in rows)
    with open(page) as f:
        head, begin, rest = f.read().partition('<!-- figures -->\n')
    _, end, tail = rest.partition('<!-- end of figures -->\n')
    with open(page, 'w') as f:
        f.write(f'{head}{begin}\n{where}.\n\n{table}\n\n{end}{tail}')
    shutil.copy(os.path.join(results.out, 'linear.svg'), 'docs')


def exponent(counts, times):
    """The slope of the line of least squares through the logarithms."""
    x, y = ([math.log(v) for v in values] for values in (counts, times))
    mx, my = sum(x) / len(x), sum(y) / len(y)
    return (sum((a - mx) * (b - my) for a, b in zip(x, y)) /
            sum((a - mx) ** 2 for a in x))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--quick', action='store_true',
                        help='the smallest size only')
    parser.add_argument('--docs', action='store_true',
                        help='write the results into docs/ too')
    parser.add_argument('--out', default=os.path.join('build', 'bench'))
    args = parser.parse_args()
    if not os.path.exists(os.path.join(peers.BIN, 'load_bench')):
        sys.exit('bench: build/host/bin/load_bench is missing: run make')
    os.makedirs(args.out, exist_ok=True)
    started = time.monotonic()
    shm = '/dev/shm' if os.path.isdir('/dev/shm') else None
    where = circumstances()
    print(where)
    if os.getloadavg()[0] > os.cpu_count() / 2:
        print('*** other programs are running: expect worse figures')
    show({f: f for f in FIELDS})
    with tempfile.TemporaryDirectory(prefix='tenon-', dir=shm) as tmpfs:
        bench = Bench(args, tmpfs)
        bench.run()
    results = bench.results
    for note in results.notes:
        print(note)
    for note in results.skipped:
        print(f'*** SKIPPED {note}')
    missed = sum(r['met'] == 'no' for r in results.rows)
    goals = sum(r['goal'] != '-' for r in results.rows)
    if args.docs and not args.quick:
        publish(results, where)
    print(f'{results.write()}: {goals - missed} of {goals} goals met, '
          f'{time.monotonic() - started:.0f} s')


if __name__ == '__main__':
    main()
