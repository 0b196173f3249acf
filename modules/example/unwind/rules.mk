# SPDX-License-Identifier: MIT
MODULE := unwind
SOURCES := unwind.c
