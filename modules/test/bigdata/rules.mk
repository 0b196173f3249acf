# SPDX-License-Identifier: MIT
MODULE := bigdata
SOURCES := bigdata.c
