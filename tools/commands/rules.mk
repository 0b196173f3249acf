# SPDX-License-Identifier: MIT
# kmod's commands as a program of their own: it loads none of the libraries
# that other applets need, so it starts in a fraction of the time.
kind := host
deps := base tools/host tools/kmod
programs := tenon-kmod
