# SPDX-License-Identifier: MIT
MODULE := permanent
SOURCES := permanent.c
