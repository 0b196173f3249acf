# SPDX-License-Identifier: MIT
MODULE := guaranteed
SOURCES := guaranteed.c engine.c
