# SPDX-License-Identifier: MIT
# The harness depends on nothing, so that it can judge base as well.
kind := free
deps :=
host_srcs := test/host/main.c test/host/sandbox.c test/host/emulated.c
