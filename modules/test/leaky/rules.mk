# SPDX-License-Identifier: MIT
MODULE := leaky
SOURCES := leaky.c
