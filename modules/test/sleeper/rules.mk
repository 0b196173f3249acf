# SPDX-License-Identifier: MIT
MODULE := sleeper
SOURCES := sleeper.c
PROFILES := hosted
