# SPDX-License-Identifier: MIT
MODULE := params
SOURCES := params.c
