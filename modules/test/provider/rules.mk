# SPDX-License-Identifier: MIT
MODULE := provider
SOURCES := provider.c
CRCS := provider.crc
