# SPDX-License-Identifier: MIT
MODULE := captive
SOURCES := captive.c
PROFILES := common
