# SPDX-License-Identifier: MIT
"""kmod's command and ours, side by side on one tree of modules.

A run gives (status, standard output, standard error).  Outputs and statuses
must be equal byte for byte; messages are compared where a test says so, since
ours name no source files of kmod's and say more about damaged input.
"""
import concurrent.futures
import glob
import os
import random
import shutil
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OURS = os.path.join(TOP, 'build/host/bin/tenon-kmod')
PATIENCE = 60       # Seconds; kmod runs for ever on some damaged indexes.
# How a command is told which tree it is about.
WHERE = {'modprobe': ('-d', '{root}', '-S', '{version}'),
         'modinfo': ('-b', '{root}', '-k', '{version}'),
         'depmod': ('-b', '{root}', '{version}')}
# Those that otherwise ask a module host.
OURS_ALONE = dict.fromkeys(('insmod', 'rmmod', 'lsmod'), ('--kernel',))


def theirs(command):
    """The path of kmod's command, or None."""
    return shutil.which(command, path='/usr/sbin:/sbin:/usr/bin:/bin')


def run(program, args, env=None):
    """(status, stdout, stderr) of one command."""
    done = subprocess.run(
        [*program, *args], stdin=subprocess.DEVNULL, capture_output=True,
        timeout=PATIENCE, check=False,
        env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', **(env or {})})
    return done.returncode, done.stdout, done.stderr


class Pair:
    """One command of both on one tree: `root`/lib/modules/`version`."""

    def __init__(self, command, root, version):
        self.command, self.root, self.version = command, root, version
        self.kmod = [theirs(command)]
        self.ours = [OURS, command, *OURS_ALONE.get(command, ())]
        self.where = [word.format(root=root, version=version)
                      for word in WHERE.get(command, ())]

    @property
    def tree(self):
        """The folder with modules.dep."""
        return os.path.join(self.root, 'lib/modules', self.version)

    def both(self, *args, env=None):
        """The runs of kmod's and ours."""
        args = [*self.where, *args]
        return run(self.kmod, args, env), run(self.ours, args, env)

    def differs(self, *args, env=None):
        """A text about the difference, or None."""
        want, got = self.both(*args, env=env)
        if want[:2] == got[:2]:
            return None
        return f'{self.command} {" ".join(args)}: {want} is not {got}'

    def all_differences(self, cases, jobs=2):
        """Of many argument lists: [text]."""
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            found = pool.map(lambda case: self.differs(*case), cases)
            return [text for text in found if text]


def depmod(root, version):
    """Writes the indexes with kmod's depmod."""
    subprocess.run([theirs('depmod'), '-b', root, version], check=True,
                   stderr=subprocess.DEVNULL)


def our_tree(root, version):
    """Fills a tree with our own modules, and the lists that a kernel brings;
    kmod's depmod indexes it."""
    kernel = os.path.join(root, 'lib/modules', version, 'kernel')
    os.makedirs(kernel)
    for name in ('order', 'builtin', 'builtin.modinfo'):
        with open(os.path.join(kernel, '../modules.' + name), 'wb'):
            pass
    for path in glob.glob(os.path.join(
            TOP, 'build/modules/x86_64/common/*.ko')):
        shutil.copy(path, kernel)
    depmod(root, version)


def names_in(tree, file):
    """The names of the modules in modules.dep or modules.builtin."""
    path = os.path.join(tree, file)
    if not os.path.exists(path):
        return []
    with open(path, encoding='utf-8') as lines:
        return [os.path.basename(line.split(':')[0].strip()).split('.')[0]
                for line in lines]


def modules_of(tree):
    """The names of all modules of a tree, built-in ones too."""
    return names_in(tree, 'modules.dep') + names_in(tree, 'modules.builtin')


def sample_alias(pattern, rng):
    """A name that the pattern of an alias matches, most of the time."""
    name, i = '', 0
    while i < len(pattern):
        if pattern[i] == '*':
            name += rng.choice(['', '0', '00001AF4', 'x'])
        elif pattern[i] == '?':
            name += rng.choice('0aZ')
        elif pattern[i] == '[' and ']' in pattern[i:]:
            end = pattern.index(']', i)
            name += pattern[i + 1]
            i = end
        else:
            name += pattern[i]
        i += 1
    return name


def aliases_of(tree, count, seed=1):
    """Names for `count` aliases and symbols of the tree."""
    rng = random.Random(seed)
    patterns = []
    for file in ('modules.alias', 'modules.symbols'):
        with open(os.path.join(tree, file), encoding='utf-8') as lines:
            patterns += [line.split()[1] for line in lines
                         if line.startswith('alias ')]
    chosen = rng.sample(sorted(set(patterns)), min(count, len(set(patterns))))
    return [sample_alias(pattern, rng) for pattern in chosen]


def modprobe_cases(names, aliases):
    """Argument lists for all modules and aliases."""
    cases = [['-c'], ['--showconfig', '-C', '/dev/null']]
    for name in names:
        cases += [['-D', name], ['-R', name], ['-n', '-v', name],
                  ['-D', '-b', name, 'x=1', 'y=a b']]
    for alias in aliases:
        cases += [['-R', alias], ['-D', alias]]
    return cases
