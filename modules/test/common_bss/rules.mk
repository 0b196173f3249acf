# SPDX-License-Identifier: MIT
MODULE := common_bss
SOURCES := common_bss.c
MODULE_CFLAGS := -fcommon
