# SPDX-License-Identifier: MIT
MODULE := missing
SOURCES := missing.c
# modpost would refuse it, too.
MODPOST_FLAGS := --quiet
