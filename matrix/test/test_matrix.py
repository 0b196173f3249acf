# SPDX-License-Identifier: MIT
"""The compiler matrix, as much of it as `make test` has time for.

Every source is compiled by both compilers, at -O0 and -O2 and in every variant
of position-independence, for three architectures; the objects are executed by
the engine and as linked images, natively and under qemu-user, and must return
what a conventional link of them returns. `python3 matrix/matrix.py --all` does
the rest.
"""

import functools
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir))

import build        # noqa: E402
import census       # noqa: E402
import edges        # noqa: E402
import ldcheck      # noqa: E402
import matrix       # noqa: E402
import mutants      # noqa: E402
import refusals     # noqa: E402


@functools.lru_cache(maxsize=None)
def outcomes(arch):
    """The slice of an architecture, run once."""
    chosen = [c for c in build.configs([arch]) if matrix.in_slice(c)]
    return list(matrix.run_configs(chosen))


class Matrix(unittest.TestCase):
    """What compilers emit, executed."""

    def each(self, function):
        """Nothing may be wrong on any architecture."""
        for arch in build.ARCHES:
            print(arch, flush=True)  # a minute each, on a slow machine
            with self.subTest(arch):
                self.assertEqual([], function(arch))

    def test_every_object_returns_what_a_conventional_link_returns(self):
        """Near and far, bound and through cells, with every compiler.
        proves: L02 L11 K5.1 K5.7
        """
        self.each(lambda arch: [text for outcome in outcomes(arch)
                                for text in outcome.problems])

    def test_every_relocation_type_has_been_executed(self):
        """No type of the list is left out, and none is there unlisted.
        proves: L02 K5.1
        """
        for arch in build.ARCHES:
            with self.subTest(arch):
                table = matrix.count(outcomes(arch))
                print("\n".join(table.lines([arch])))
                self.assertEqual([], table.missing(arch))
                self.assertEqual([], table.unexpected(arch))

    def test_the_list_of_types_is_that_of_the_specification(self):
        """What docs/module-format.md promises, and nothing else."""
        for arch in build.ARCHES:
            self.assertEqual(census.promised(arch),
                             set(census.WANTED[arch].split()), arch)

    def test_a_wrong_relocation_of_every_type_is_noticed(self):
        """One addend moved: the source must not return 0 any more.
        proves: L02 K5.1
        """
        self.each(lambda arch: mutants.problems(outcomes(arch), [arch]))

    def test_every_image_is_that_of_ld(self):
        """The objects of -O2, byte for byte.
        proves: L02
        """
        self.each(lambda arch: ldcheck.problems(
            [o for o in outcomes(arch) if o.config.level == "O2"]))

    def test_the_edge_of_every_reach_is_where_ld_has_it(self):
        """At the edge, one past it, and misaligned.
        proves: L02 K5.7
        """
        self.each(edges.problems)

    def test_what_is_not_supported_is_refused_by_name(self):
        """Thread-local storage, ifunc, code models, tables without addends."""
        self.each(refusals.problems)


if __name__ == "__main__":
    unittest.main()
