# SPDX-License-Identifier: MIT
MODULE := weak
SOURCES := weak.c
