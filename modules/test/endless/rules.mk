# SPDX-License-Identifier: MIT
MODULE := endless
SOURCES := endless.c
PROFILES := common
