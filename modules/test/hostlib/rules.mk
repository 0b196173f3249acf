# SPDX-License-Identifier: MIT
MODULE := hostlib
SOURCES := hostlib.c
PROFILES := hosted
