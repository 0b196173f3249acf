# SPDX-License-Identifier: MIT
MODULE := crasher
SOURCES := crasher.c
