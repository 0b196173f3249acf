# SPDX-License-Identifier: MIT
MODULE := watcher
SOURCES := watcher.c
