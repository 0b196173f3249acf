# SPDX-License-Identifier: MIT
MODULE := ctors
SOURCES := ctors.c
