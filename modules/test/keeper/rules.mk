# SPDX-License-Identifier: MIT
MODULE := keeper
SOURCES := keeper.c
