# SPDX-License-Identifier: MIT
MODULE := failing_init
SOURCES := failing_init.c
