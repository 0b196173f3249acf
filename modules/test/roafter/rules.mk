# SPDX-License-Identifier: MIT
MODULE := roafter
SOURCES := roafter.c
