# SPDX-License-Identifier: MIT
MODULE := greeter
SOURCES := greeter.c
