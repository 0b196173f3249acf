# SPDX-License-Identifier: MIT
MODULE := callee
SOURCES := callee.c
