# SPDX-License-Identifier: MIT
MODULE := lifecycle
SOURCES := lifecycle.c
