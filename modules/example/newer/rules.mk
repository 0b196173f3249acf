# SPDX-License-Identifier: MIT
MODULE := newer
SOURCES := newer.c
