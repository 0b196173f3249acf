# SPDX-License-Identifier: MIT
MODULE := twin
SOURCES := twin.c
