# SPDX-License-Identifier: MIT
MODULE := badver
SOURCES := badver.c
SYMVERS := wrong.symvers
