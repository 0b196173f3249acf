# SPDX-License-Identifier: MIT
"""Many clients of a host at once."""
import os
import sys
import tempfile
import threading

import hostkit
from hostkit import binary, module

sys.path.insert(0, os.path.join(hostkit.TOP, 'tools/hostd'))
import soak     # noqa: E402  pylint: disable=wrong-import-position


class Storm(hostkit.Case):
    def test_clients_that_come_and_vanish_leave_nothing(self):
        """A slice of `make soak-host`. With sanitizers the host fails at its
        end when memory has leaked or threads have raced."""
        for config in ('host', 'host-asan', 'host-tsan'):
            if not os.path.exists(binary(config)):
                continue
            with tempfile.TemporaryDirectory(dir=self.dir) as scratch:
                done, _ = soak.soak(scratch, 600, 12, config)
            self.assertGreaterEqual(sum(done.counts.values()), 600)
            self.assertEqual(len(done.counts), len(done.actions))

    def test_many_clients_load_the_same_module_once(self):
        host = self.host()
        results = []

        def work():
            c = host.client()
            results.append(c.insmod(module('hello')).get('reason'))
            c.close()
        threads = [threading.Thread(target=work) for _ in range(16)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        # One loads; who comes meanwhile shares it, who comes later is told.
        self.assertTrue(set(results) <= {None, 'duplicate_module'}, results)
        self.assertIn(None, results)
        self.assertEqual(self.client(host).names(), ['hello'])
        self.assertEqual(host.said().count('hello: hello'), 1)
