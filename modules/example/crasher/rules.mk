# SPDX-License-Identifier: MIT
MODULE := crasher
SOURCES := crasher.c
# The report names source lines, from the top folder.
MODULE_CFLAGS := -g -ffile-prefix-map=$(CURDIR)=.
