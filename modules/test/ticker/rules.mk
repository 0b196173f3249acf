# SPDX-License-Identifier: MIT
MODULE := ticker
SOURCES := ticker.c
