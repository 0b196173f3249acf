# SPDX-License-Identifier: MIT
# The protocol of module hosts and a client of it. Lean, since commands that
# live for milliseconds are clients.
kind := host
deps := base tools/kmod
